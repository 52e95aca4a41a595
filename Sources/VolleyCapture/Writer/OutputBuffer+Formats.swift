import VolleyWire

/// pcap (draft-ietf-opsawg-pcap).
extension OutputBuffer {
    mutating func appendPcapHeader(_ format: CaptureFormat, _ interface: CaptureInterfaceDescription) {
        append(format == .pcapNanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4 as UInt32)
        append(2 as UInt16)
        append(4 as UInt16)
        append(0 as UInt64)
        append(UInt32(interface.snapLength == 0 ? CaptureWriter.packetLengthMax : interface.snapLength))
        append(interface.linkType.rawValue)
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

    /// An interface with time stamps in nanoseconds; `interface` has no reason against it.
    mutating func appendInterface(_ interface: CaptureInterfaceDescription) {
        // The first byte of a filter says that it is text.
        let filter = interface.filter.map { "\0" + $0 }
        let texts = [(OptionCode.interfaceName, interface.name), (OptionCode.filter, filter)].compactMap { code, text in
            text.map { (code, $0) }
        }
        let length = UInt32(20 + texts.reduce(0) { $0 + Self.optionLength($1.1.utf8.count) } + 8 + 4)
        append(BlockType.interfaceDescription)
        append(length)
        append(UInt16(truncatingIfNeeded: interface.linkType.rawValue))
        append(0 as UInt16)
        append(UInt32(interface.snapLength))
        for (code, text) in texts { appendOption(code, text) }
        append(OptionCode.timestampResolution)
        append(1 as UInt16)
        append(9 as UInt32)
        append(0 as UInt32)
        append(length)
    }

    /// An Interface Statistics Block.
    mutating func appendStatistics(_ statistics: CaptureInterfaceStatistics, time: UInt64, interface: UInt32) {
        let counters = [
            (OptionCode.received, statistics.received), (OptionCode.droppedByInterface, statistics.droppedByInterface),
            (OptionCode.droppedBySystem, statistics.droppedByKernel),
        ]
        let length = UInt32(24 + counters.count * 12 + 4)
        append(BlockType.interfaceStatistics)
        append(length)
        append(interface)
        append(UInt32(truncatingIfNeeded: time >> 32))
        append(UInt32(truncatingIfNeeded: time))
        for (code, value) in counters {
            append(code)
            append(8 as UInt16)
            append(value)
        }
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
