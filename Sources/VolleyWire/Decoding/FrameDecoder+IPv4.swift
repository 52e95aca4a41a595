/// Protocol numbers of IPv4 and next-header values of IPv6 (IANA) the decoder acts on.
@usableFromInline
enum IPProtocol {
    @inlinable static var icmp: UInt8 { 1 }
    @inlinable static var udp: UInt8 { 17 }
    @inlinable static var icmpv6: UInt8 { 58 }
}

public import VolleyCore

/// IPv4 (RFC 791).
extension FrameDecoder {
    /// Decodes the IPv4 packet at `start`, which is within the frame or at its end.
    @inlinable @inline(__always)
    static func ipv4(_ frame: RawSpan, at start: Int, wireLength: Int) -> DecodedFrame {
        let available = frame.byteCount &- start
        guard available >= 20 else {
            return .short(frame, originalLength: wireLength, .shortIPHeader, ipOffset: start)
        }
        let first = frame.byte(at: start)
        guard first >> 4 == 4 else { return DecodedFrame(.malformed, reason: .ipVersion, ipOffset: start) }
        let headerLength = Int(first & 0x0f) &* 4
        guard headerLength >= 20 else { return DecodedFrame(.malformed, reason: .ipv4HeaderLength, ipOffset: start) }
        let totalLength = Int(frame.bigEndian16(at: start &+ 2))
        let end = start &+ totalLength
        guard totalLength >= headerLength, end <= wireLength else {
            return badLengthIPv4(frame, at: start, headerLength: headerLength, end: end)
        }
        let isFragment = frame.bigEndian16(at: start &+ 6) & 0x3fff != 0
        let isUDP = frame.byte(at: start &+ 9) == IPProtocol.udp
        guard isUDP, !isFragment else {
            return otherIPv4(frame, at: start, headerLength: headerLength, end: end)
        }
        return udp(
            frame, at: start &+ headerLength, end: end, ipOffset: start,
            from: IPAddress(v4: frame.bigEndian32(at: start &+ 12)),
            to: IPAddress(v4: frame.bigEndian32(at: start &+ 16)))
    }

    /// Fragments and protocols other than UDP; the fixed header is there and its lengths are good.
    @usableFromInline
    static func otherIPv4(_ frame: RawSpan, at start: Int, headerLength: Int, end: Int) -> DecodedFrame {
        let isFragment = frame.bigEndian16(at: start + 6) & 0x3fff != 0
        switch frame.byte(at: start + 9) {
        case IPProtocol.udp:
            return DecodedFrame(end <= frame.byteCount ? .pendingFragment : .cut, ipOffset: start)
        case IPProtocol.icmp where !isFragment:
            let message = ICMPMessage(frame, at: start + headerLength, end: end, ipOffset: start, isIPv6: false)
            return DecodedFrame(message.isErrorAboutUDP(in: frame) ? .icmpError : .notUDP, ipOffset: start)
        default:
            return DecodedFrame(.notUDP, ipOffset: start)
        }
    }

    /// A packet whose length is less than its header or more than was on the wire.
    ///
    /// An ICMP error still says all a socket would learn when the quoted header is there.
    @usableFromInline
    static func badLengthIPv4(_ frame: RawSpan, at start: Int, headerLength: Int, end: Int) -> DecodedFrame {
        let isICMP = frame.byte(at: start + 9) == IPProtocol.icmp && frame.bigEndian16(at: start + 6) & 0x3fff == 0
        guard isICMP, end >= start + headerLength else { return DecodedFrame(.badIPLength, ipOffset: start) }
        let message = ICMPMessage(frame, at: start + headerLength, end: end, ipOffset: start, isIPv6: false)
        return DecodedFrame(message.isErrorAboutUDP(in: frame) ? .icmpError : .badIPLength, ipOffset: start)
    }
}
