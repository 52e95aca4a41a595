public import VolleyCore

/// An ICMP (RFC 792) or ICMPv6 (RFC 4443) error message that quotes a UDP datagram, as a UDP socket of Linux reads it.
///
/// ICMP: destination unreachable, source quench, time exceeded, parameter problem. ICMPv6: all types below 128.
/// Redirects are no errors. The quote is read as the kernel reads it: its version, lengths and checksums are not looked
/// at, and a later fragment of IPv4 is taken as if it began with a UDP header; IPv6 extension headers are walked
/// (hop-by-hop, routing, destination options, authentication, the first fragment).
public struct ICMPError: Sendable {
    /// IPv4 for ICMP, IPv6 for ICMPv6.
    public let family: SocketAddress.Family
    /// The type of the message.
    public let type: UInt8
    /// The code of the message.
    public let code: UInt8
    /// Who sent the message: the source of the packet that carries it (`SO_EE_OFFENDER`).
    public let offender: IPAddress
    /// Whom the message was sent to; need not be the quoted source.
    public let receiver: IPAddress
    /// Who sent the datagram quoted, which is who the error is for.
    public let source: SocketAddress
    /// Whom the datagram quoted was sent to.
    public let destination: SocketAddress
    /// The next-hop MTU, the pointer of a parameter problem, or 0, as Linux reports it (`ee_info`); for ICMPv6 the 32
    /// bits at byte 4 of any message.
    public let info: UInt32
    /// Whether the checksum of the message holds; `nil` when not all of it was captured.
    public let hasGoodChecksum: Bool?
    /// Where the quoted payload begins in the frame.
    public let payloadOffset: Int
    /// The bytes of payload quoted and captured; no more than the quoted UDP length says.
    public let payloadLength: Int

    /// The error number a socket gets; `nil` when Linux ignores the message.
    public var errno: ICMPErrno? { ICMPErrno(family: family, type: type, code: code) }

    /// Reads the message of a record.
    ///
    /// - Parameters:
    ///   - frame: what the record was decoded to.
    ///   - bytes: the record's bytes.
    /// - Returns: `nil` unless the record's class is ``RecordClass/icmpError``.
    public init?(_ frame: DecodedFrame, in bytes: RawSpan) {
        guard frame.recordClass == .icmpError, let message = ICMPMessage(bytes, ipOffset: frame.ipOffset) else {
            return nil
        }
        self.init(message, in: bytes)
    }

    /// Reads a message; `nil` when it is no error or does not quote a UDP header.
    init?(_ message: ICMPMessage, in bytes: RawSpan) {
        guard message.isError(in: bytes), let quote = message.quote(in: bytes) else { return nil }
        family = message.isIPv6 ? .ipv6 : .ipv4
        type = bytes.byte(at: message.offset)
        code = bytes.byte(at: message.offset + 1)
        (offender, receiver) = (message.source, message.destination)
        source = SocketAddress(quote.source, port: bytes.bigEndian16(at: quote.udpOffset))
        destination = SocketAddress(quote.destination, port: bytes.bigEndian16(at: quote.udpOffset + 2))
        info = message.info(in: bytes)
        hasGoodChecksum = message.hasGoodChecksum(in: bytes)
        payloadOffset = quote.udpOffset + 8
        let claimed = max(0, Int(bytes.bigEndian16(at: quote.udpOffset + 4)) - 8)
        payloadLength = min(claimed, message.limit - payloadOffset)
    }

    /// The quoted payload, as far as the message holds it.
    ///
    /// - Parameter bytes: the very bytes the message was read from.
    @_lifetime(copy bytes)
    public func payload(in bytes: RawSpan) -> RawSpan {
        bytes.extracting(payloadOffset..<payloadOffset + payloadLength)
    }
}
