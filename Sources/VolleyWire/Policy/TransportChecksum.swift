internal import VolleyCore

/// The checksums of packets whose bytes were all captured.
enum TransportChecksum {
    /// Whether the header checksum of the IPv4 packet at `start` holds; IPv6 has none.
    static func isHeaderGood(_ bytes: RawSpan, at start: Int) -> Bool {
        guard bytes.byte(at: start) >> 4 == 4 else { return true }
        let end = start + Int(bytes.byte(at: start) & 0x0f) * 4
        guard end <= bytes.byteCount else { return true }
        var sum = InternetChecksum()
        sum.add(bytes.extracting(start..<end))
        return sum.value == 0
    }

    /// Whether the UDP checksum of a delivered frame holds.
    ///
    /// - Parameter needsIPv6Checksum: whether 0, "none", is bad over IPv6.
    static func isUDPGood(_ frame: DecodedFrame, in bytes: RawSpan, needsIPv6Checksum: Bool) -> Bool {
        let start = frame.payloadOffset - 8
        if bytes.bigEndian16(at: start + 6) == 0 { return !(needsIPv6Checksum && frame.source.family == .ipv6) }
        var sum = InternetChecksum()
        sum.add(frame.source.ip)
        sum.add(frame.destination.ip)
        sum.add(UInt16(IPProtocol.udp))
        sum.add(UInt32(truncatingIfNeeded: frame.payloadLength + 8))
        sum.add(bytes.extracting(start..<frame.payloadOffset + frame.payloadLength))
        return sum.value == 0
    }
}
