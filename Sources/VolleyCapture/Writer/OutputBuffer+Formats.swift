import VolleyWire

/// pcap (draft-ietf-opsawg-pcap).
extension OutputBuffer {
    mutating func appendPcapHeader(_ format: CaptureFormat, linkType: LinkType) {
        append(format == .pcapNanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4 as UInt32)
        append(2 as UInt16)
        append(4 as UInt16)
        append(0 as UInt64)
        append(UInt32(CaptureWriter.packetLengthMax))
        append(linkType.rawValue)
    }

    mutating func appendPcapRecord(_ packet: RawSpan, seconds: UInt32, fraction: UInt32, originalLength: UInt32) {
        append(seconds)
        append(fraction)
        append(UInt32(packet.byteCount))
        append(originalLength)
        append(packet)
    }
}

/// pcapng (draft-ietf-opsawg-pcapng).
extension OutputBuffer {
    /// A section without options, of a length that is not said.
    mutating func appendSectionHeader() {
        append(BlockType.sectionHeader)
        append(28 as UInt32)
        append(0x1a2b_3c4d as UInt32)
        append(1 as UInt16)
        append(0 as UInt16)
        append(UInt64.max)
        append(28 as UInt32)
    }

    /// An interface with time stamps in nanoseconds and no snap length; `linkType` and `name` fit 16 bits.
    mutating func appendInterface(_ linkType: LinkType, name: String?) {
        let nameLength = name.map { Self.optionLength($0.utf8.count) } ?? 0
        let length = UInt32(20 + nameLength + 8 + 4)
        append(BlockType.interfaceDescription)
        append(length)
        append(UInt16(truncatingIfNeeded: linkType.rawValue))
        append(0 as UInt16)
        append(0 as UInt32)
        if let name { appendOption(OptionCode.interfaceName, name) }
        append(OptionCode.timestampResolution)
        append(1 as UInt16)
        append(9 as UInt32)
        append(0 as UInt32)
        append(length)
    }

    /// An Enhanced Packet Block; `comment` fits 16 bits.
    mutating func appendEnhancedPacket(
        _ packet: RawSpan, time: UInt64, originalLength: UInt32, interface: UInt32, direction: PacketDirection,
        comment: String?
    ) {
        var optionsLength = comment.map { Self.optionLength($0.utf8.count) } ?? 0
        if direction != .unknown { optionsLength += 8 }
        if optionsLength > 0 { optionsLength += 4 }
        let length = UInt32(32 + (packet.byteCount + 3) & ~3 + optionsLength)
        append(BlockType.enhancedPacket)
        append(length)
        append(interface)
        append(UInt32(truncatingIfNeeded: time >> 32))
        append(UInt32(truncatingIfNeeded: time))
        append(UInt32(packet.byteCount))
        append(originalLength)
        append(packet)
        pad(after: packet.byteCount)
        if let comment { appendOption(OptionCode.comment, comment) }
        if direction != .unknown {
            append(OptionCode.packetFlags)
            append(4 as UInt16)
            append(direction.rawValue)
        }
        if optionsLength > 0 { append(0 as UInt32) }
        append(length)
    }

    private mutating func appendOption(_ code: UInt16, _ text: String) {
        append(code)
        append(UInt16(text.utf8.count))
        append(text.utf8)
        pad(after: text.utf8.count)
    }

    private static func optionLength(_ valueLength: Int) -> Int { 4 + (valueLength + 3) & ~3 }
}
