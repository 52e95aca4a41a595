public import VolleyCore

/// One TCP segment (RFC 9293) of a captured packet: its header fields, and where its payload lies.
///
/// A trivial value that holds offsets into the frame instead of bytes. TCP is looked for where ``FrameDecoder`` looks for
/// UDP, behind the outermost IP header of either family and any link type; segments in IP fragments or tunnels are not.
public struct TCPSegment: Hashable, Sendable {
    /// Who sent it.
    public let source: SocketAddress
    /// Whom it was sent to.
    public let destination: SocketAddress
    /// The sequence number of the first byte of payload, or of SYN, which comes before it.
    public let sequence: UInt32
    /// The next sequence number the sender expects; means something only with ``TCPFlags/ack``.
    public let acknowledgement: UInt32
    /// The control bits.
    public let flags: TCPFlags
    /// The receive window as the header has it, not scaled (RFC 7323).
    public let window: UInt16
    /// Where the payload begins in the frame.
    public let payloadOffset: Int
    /// The bytes of payload on the wire.
    public let payloadLength: Int
    /// Of these, the bytes that were captured: all of them, unless the record was cut short.
    public let capturedLength: Int

    /// Decodes the segment of a record.
    ///
    /// - Parameters:
    ///   - frame: what ``FrameDecoder`` has made of the record; TCP is among what it calls ``RecordClass/notUDP``.
    ///   - bytes: the record's bytes.
    ///   - linkType: what the frame begins with.
    ///   - checksums: with ``ChecksumPolicy/verify``, a segment that was captured whole must have a good checksum, and
    ///     IPv4 a good one in its header.
    /// - Returns: the segment, or why there is none.
    public static func decode(
        _ frame: DecodedFrame, in bytes: RawSpan, linkType: LinkType, checksums: ChecksumPolicy = .ignore
    ) -> Result<TCPSegment, TCPRefusal> {
        // Offset 0 also means that no IP header was reached; only bare packets begin with one.
        guard frame.recordClass == .notUDP, frame.ipOffset > 0 || linkType.isRawIP,
            let packet = IPPacketLayout(bytes, at: frame.ipOffset), packet.upperProtocol == IPProtocol.tcp
        else { return .failure(.notTCP) }
        guard !packet.isFragment else { return .failure(.fragment) }
        let start = packet.upperOffset
        guard packet.end - start >= 20 else { return .failure(.headerLength) }
        guard bytes.byteCount - start >= 20 else { return .failure(.cut) }
        let headerLength = Int(bytes.byte(at: start + 12) >> 4) * 4
        guard headerLength >= 20, headerLength <= packet.end - start else { return .failure(.headerLength) }
        guard bytes.byteCount - start >= headerLength else { return .failure(.cut) }
        let segment = TCPSegment(packet, in: bytes, headerLength: headerLength)
        if checksums == .verify, !segment.hasGoodChecksum(packet, in: bytes) { return .failure(.badChecksum) }
        return .success(segment)
    }

    /// The segment of a packet whose lengths have been checked, and whose TCP header was captured.
    private init(_ packet: IPPacketLayout, in bytes: RawSpan, headerLength: Int) {
        let start = packet.upperOffset
        let isIPv6 = packet.isIPv6
        source = SocketAddress(
            ICMPMessage.address(bytes, at: packet.start + (isIPv6 ? 8 : 12), isIPv6: isIPv6),
            port: bytes.bigEndian16(at: start))
        destination = SocketAddress(
            ICMPMessage.address(bytes, at: packet.start + (isIPv6 ? 24 : 16), isIPv6: isIPv6),
            port: bytes.bigEndian16(at: start + 2))
        sequence = bytes.bigEndian32(at: start + 4)
        acknowledgement = bytes.bigEndian32(at: start + 8)
        flags = TCPFlags(rawValue: bytes.byte(at: start + 13))
        window = bytes.bigEndian16(at: start + 14)
        payloadOffset = start + headerLength
        payloadLength = packet.end - payloadOffset
        capturedLength = min(payloadLength, bytes.byteCount - payloadOffset)
    }

    private func hasGoodChecksum(_ packet: IPPacketLayout, in bytes: RawSpan) -> Bool {
        guard TransportChecksum.isHeaderGood(bytes, at: packet.start) else { return false }
        guard packet.end <= bytes.byteCount else { return true }
        var sum = InternetChecksum()
        sum.add(source.ip)
        sum.add(destination.ip)
        sum.add(UInt16(IPProtocol.tcp))
        sum.add(UInt32(truncatingIfNeeded: packet.end - packet.upperOffset))
        sum.add(bytes.extracting(packet.upperOffset..<packet.end))
        return sum.value == 0
    }

    /// What was captured of the payload.
    ///
    /// - Parameter bytes: the very bytes the segment was decoded from.
    @_lifetime(copy bytes)
    public func payload(in bytes: RawSpan) -> RawSpan {
        bytes.extracting(payloadOffset..<payloadOffset + capturedLength)
    }
}

/// The control bits of a TCP header.
public struct TCPFlags: OptionSet, Hashable, Sendable {
    /// The bits as the header has them.
    public let rawValue: UInt8

    /// The flags with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The sender has no more data.
    public static let fin = TCPFlags(rawValue: 0x01)
    /// The sequence number is the one before the sender's first byte.
    public static let syn = TCPFlags(rawValue: 0x02)
    /// The connection is reset.
    public static let rst = TCPFlags(rawValue: 0x04)
    /// The receiver should not wait for more.
    public static let psh = TCPFlags(rawValue: 0x08)
    /// The acknowledgement number counts.
    public static let ack = TCPFlags(rawValue: 0x10)
    /// The urgent pointer counts.
    public static let urg = TCPFlags(rawValue: 0x20)
}

/// Why a record holds no TCP segment.
public struct TCPRefusal: Error, Hashable, Sendable {
    private let number: Int

    /// It is something else.
    public static var notTCP: TCPRefusal { TCPRefusal(number: 0) }
    /// It is a fragment of an IP packet that carries TCP; these are not put together.
    public static var fragment: TCPRefusal { TCPRefusal(number: 1) }
    /// The TCP header was not captured whole (snap length).
    public static var cut: TCPRefusal { TCPRefusal(number: 2) }
    /// The header's length is less than 20 bytes or more than the packet.
    public static var headerLength: TCPRefusal { TCPRefusal(number: 3) }
    /// A checksum that was to be verified does not hold.
    public static var badChecksum: TCPRefusal { TCPRefusal(number: 4) }
}

extension TCPRefusal: CustomStringConvertible {
    /// A few words for a person.
    public var description: String {
        switch self {
        case .notTCP: "not TCP"
        case .fragment: "an IP fragment"
        case .cut: "cut short"
        case .headerLength: "a bad header length"
        default: "a bad checksum"
        }
    }
}

extension IPProtocol {
    /// TCP (RFC 9293).
    static var tcp: UInt8 { 6 }
}
