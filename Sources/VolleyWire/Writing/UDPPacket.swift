public import VolleyCore

/// Writes bare IP packets (``LinkType/rawIP``) that carry one UDP datagram.
///
/// The bytes depend on nothing but the arguments: TTL and hop limit are 64, IPv4 has "don't fragment" set and
/// identification 0 (RFC 6864), the IPv6 flow label is 0. All checksums are filled in.
public enum UDPPacket {
    /// The most payload an IPv4 packet can carry: 65,535 less 20 and 8 bytes of headers.
    public static let payloadLengthMaxIPv4 = 65_507
    /// The most payload an IPv6 packet can carry: 65,535 less 8 bytes of header.
    public static let payloadLengthMaxIPv6 = 65_527

    /// The length of the packet that ``write(from:to:payload:into:)`` makes.
    public static func length(payloadLength: Int, isIPv6: Bool) -> Int {
        payloadLength + (isIPv6 ? 48 : 28)
    }

    /// Appends a packet to `output`.
    ///
    /// - Parameters:
    ///   - source: where it comes from; the same family as `destination`.
    ///   - destination: where it goes to.
    ///   - payload: at most ``payloadLengthMaxIPv4`` or ``payloadLengthMaxIPv6`` bytes.
    ///   - output: has room for ``length(payloadLength:isIPv6:)`` bytes; left alone when an error is thrown.
    /// - Throws: ``WireError`` when the payload is too long, the families differ, or `output` is too small.
    public static func write(
        from source: SocketAddress, to destination: SocketAddress, payload: RawSpan, into output: inout OutputRawSpan
    ) throws(WireError) {
        let family = try commonFamily(source, destination)
        let isIPv6 = family == .ipv6
        let limit = isIPv6 ? payloadLengthMaxIPv6 : payloadLengthMaxIPv4
        guard payload.byteCount <= limit else {
            throw WireError(
                code: .payloadTooLong,
                message: "a payload of \(payload.byteCount) bytes does not fit a UDP datagram over "
                    + "\(isIPv6 ? "IPv6" : "IPv4"), which carries at most \(limit)")
        }
        let length = length(payloadLength: payload.byteCount, isIPv6: isIPv6)
        guard output.freeCapacity >= length else {
            throw WireError(
                code: .bufferTooSmall,
                message: "a packet of \(length) bytes does not fit the \(output.freeCapacity) bytes of the buffer")
        }
        let udpLength = UInt16(payload.byteCount + 8)
        if isIPv6 {
            appendIPv6Header(source.ip, destination.ip, payloadLength: udpLength, to: &output)
        } else {
            appendIPv4Header(source.ip, destination.ip, totalLength: udpLength + 20, to: &output)
        }
        output.appendBigEndian(source.port)
        output.appendBigEndian(destination.port)
        output.appendBigEndian(udpLength)
        output.appendBigEndian(checksum(source, destination, udpLength: udpLength, payload: payload))
        output.append(contentsOf: payload)
    }

    private static func commonFamily(
        _ source: SocketAddress, _ destination: SocketAddress
    ) throws(WireError) -> SocketAddress.Family {
        let family = source.family
        guard family == destination.family, family == .ipv4 || family == .ipv6 else {
            throw WireError(
                code: .addressFamily,
                message: "a UDP packet needs two IPv4 or two IPv6 addresses, not families \(family.rawValue) and "
                    + "\(destination.family.rawValue)")
        }
        return family
    }

    private static func appendIPv4Header(
        _ source: IPAddress, _ destination: IPAddress, totalLength: UInt16, to output: inout OutputRawSpan
    ) {
        let words: [5 of UInt16] = [0x4500, totalLength, 0, 0x4000, 0x4011]
        let from = UInt32(truncatingIfNeeded: source.low)
        let to = UInt32(truncatingIfNeeded: destination.low)
        var sum = InternetChecksum()
        for index in words.indices { sum.add(words[index]) }
        sum.add(from)
        sum.add(to)
        for index in words.indices { output.appendBigEndian(words[index]) }
        output.appendBigEndian(sum.value)
        output.appendBigEndian(from)
        output.appendBigEndian(to)
    }

    private static func appendIPv6Header(
        _ source: IPAddress, _ destination: IPAddress, payloadLength: UInt16, to output: inout OutputRawSpan
    ) {
        output.appendBigEndian(0x6000_0000 as UInt32)
        output.appendBigEndian(payloadLength)
        output.appendBigEndian(0x1140 as UInt16)
        output.appendBigEndian(source.high)
        output.appendBigEndian(source.low)
        output.appendBigEndian(destination.high)
        output.appendBigEndian(destination.low)
    }

    /// The UDP checksum over pseudo-header, header and payload; a computed 0 is sent as 0xffff (RFC 768, RFC 8200).
    private static func checksum(
        _ source: SocketAddress, _ destination: SocketAddress, udpLength: UInt16, payload: RawSpan
    ) -> UInt16 {
        var sum = InternetChecksum()
        sum.add(source.ip)
        sum.add(destination.ip)
        sum.add(17 as UInt16)
        sum.add(udpLength)
        sum.add(source.port)
        sum.add(destination.port)
        sum.add(udpLength)
        sum.add(payload)
        return sum.value == 0 ? 0xffff : sum.value
    }
}
