internal import VolleyCore

/// Where an ICMP or ICMPv6 message lies in a frame, and who exchanged it.
///
/// Made only of packets whose lengths have been checked; all offsets are within the captured bytes.
struct ICMPMessage {
    let isIPv6: Bool
    /// Where the message begins.
    let offset: Int
    /// Where it ends, as the IP length says; perhaps behind what was captured.
    let end: Int
    /// Where it ends in what was captured.
    let limit: Int
    let source: IPAddress
    let destination: IPAddress

    /// A message at a place that is known.
    init(_ bytes: RawSpan, at offset: Int, end: Int, ipOffset: Int, isIPv6: Bool) {
        self.isIPv6 = isIPv6
        self.offset = offset
        self.end = end
        limit = min(end, bytes.byteCount)
        source = Self.address(bytes, at: ipOffset + (isIPv6 ? 8 : 12), isIPv6: isIPv6)
        destination = Self.address(bytes, at: ipOffset + (isIPv6 ? 24 : 16), isIPv6: isIPv6)
    }

    /// The message in the IP packet at `ipOffset`; `nil` when there is none.
    init?(_ bytes: RawSpan, ipOffset: Int) {
        guard let packet = IPPacketLayout(bytes, at: ipOffset) else { return nil }
        let wanted = packet.isIPv6 ? IPProtocol.icmpv6 : IPProtocol.icmp
        guard packet.upperProtocol == wanted, !packet.isFragment else { return nil }
        self.init(bytes, at: packet.upperOffset, end: packet.end, ipOffset: ipOffset, isIPv6: packet.isIPv6)
    }

    /// The datagram a message is about.
    struct Quote {
        let source: IPAddress
        let destination: IPAddress
        /// Where its UDP header is; all eight bytes of it are captured.
        let udpOffset: Int
    }

    /// Eight bytes of header were captured.
    private func hasHeader() -> Bool { limit - offset >= 8 }

    /// What the quote is of, if it is UDP; ``isError`` has been asked before.
    func quote(in bytes: RawSpan) -> Quote? {
        isIPv6 ? quoteIPv6(bytes, at: offset + 8) : quoteIPv4(bytes, at: offset + 8)
    }

    /// Whether the type is that of an error, and quotes a packet.
    func isError(in bytes: RawSpan) -> Bool {
        guard hasHeader() else { return false }
        switch bytes.byte(at: offset) {
        case 3, 4, 11, 12: return true
        case let type: return isIPv6 && type < 128
        }
    }

    /// Whether this is an error that quotes a UDP header.
    ///
    /// A record cut behind the quoted header still says all that a socket would learn.
    func isErrorAboutUDP(in bytes: RawSpan) -> Bool { isError(in: bytes) && quote(in: bytes) != nil }

    private func quoteIPv4(_ bytes: RawSpan, at start: Int) -> Quote? {
        guard limit - start >= 20 else { return nil }
        let headerLength = Int(bytes.byte(at: start) & 0x0f) * 4
        guard headerLength >= 20, bytes.byte(at: start + 9) == IPProtocol.udp, limit - start >= headerLength + 8 else {
            return nil
        }
        return Quote(
            source: Self.address(bytes, at: start + 12, isIPv6: false),
            destination: Self.address(bytes, at: start + 16, isIPv6: false), udpOffset: start + headerLength)
    }

    private func quoteIPv6(_ bytes: RawSpan, at start: Int) -> Quote? {
        guard limit - start >= 40 else { return nil }
        var next = bytes.byte(at: start + 6)
        var offset = start + 40
        while next != IPProtocol.udp {
            guard limit - offset >= 8 else { return nil }
            let length: Int
            switch next {
            case 0, 43, 60: length = 8 + Int(bytes.byte(at: offset + 1)) * 8
            case 51: length = 8 + Int(bytes.byte(at: offset + 1)) * 4
            case 44 where bytes.bigEndian16(at: offset + 2) & 0xfff8 == 0: length = 8
            default: return nil
            }
            next = bytes.byte(at: offset)
            offset += length
        }
        guard limit - offset >= 8 else { return nil }
        return Quote(
            source: Self.address(bytes, at: start + 8, isIPv6: true),
            destination: Self.address(bytes, at: start + 24, isIPv6: true), udpOffset: offset)
    }

    /// What Linux puts into `ee_info`.
    func info(in bytes: RawSpan) -> UInt32 {
        if isIPv6 { return bytes.bigEndian32(at: offset + 4) }
        switch (bytes.byte(at: offset), bytes.byte(at: offset + 1)) {
        case (3, 4): return UInt32(bytes.bigEndian16(at: offset + 6))
        case (12, _): return UInt32(bytes.byte(at: offset + 4))
        default: return 0
        }
    }

    /// Whether the checksum holds; `nil` when not all it is over was captured.
    func hasGoodChecksum(in bytes: RawSpan) -> Bool? {
        guard end <= bytes.byteCount else { return nil }
        var sum = InternetChecksum()
        if isIPv6 {
            sum.add(source)
            sum.add(destination)
            sum.add(UInt32(truncatingIfNeeded: end - offset))
            sum.add(UInt16(IPProtocol.icmpv6))
        }
        sum.add(bytes.extracting(offset..<end))
        return sum.value == 0
    }

    static func address(_ bytes: RawSpan, at offset: Int, isIPv6: Bool) -> IPAddress {
        isIPv6
            ? IPAddress(v6High: bytes.bigEndian64(at: offset), low: bytes.bigEndian64(at: offset + 8))
            : IPAddress(v4: bytes.bigEndian32(at: offset))
    }
}
