internal import VolleyCore

/// IPv6 and its extension headers (RFC 8200).
extension FrameDecoder {
    /// Decodes the IPv6 packet at `start`, which is within the frame or at its end.
    @usableFromInline
    static func ipv6(_ frame: RawSpan, at start: Int, wireLength: Int) -> DecodedFrame {
        guard frame.byteCount - start >= 40 else {
            return .short(frame, originalLength: wireLength, .shortIPHeader, ipOffset: start)
        }
        guard frame.byte(at: start) >> 4 == 6 else {
            return DecodedFrame(.malformed, reason: .ipVersion, ipOffset: start)
        }
        let length = ExtensionHeaders.payloadLength(frame, at: start)
        let end = start + 40 + length.count
        var place = start + 6
        let walk = ExtensionHeaders.walk(
            frame, from: frame.byte(at: place), at: start + 40, end: end, captured: frame.byteCount, namedAt: &place)
        guard end <= wireLength else {
            // An ICMP error still says all a socket would learn when the quoted header is there.
            guard case .upperLayer(IPProtocol.icmpv6, let offset) = walk,
                ICMPMessage(frame, at: offset, end: end, ipOffset: start, isIPv6: true).isErrorAboutUDP(in: frame)
            else { return DecodedFrame(.badIPLength, ipOffset: start) }
            return DecodedFrame(.icmpError, ipOffset: start)
        }
        switch walk {
        case .upperLayer(IPProtocol.udp, let offset):
            // Its UDP length would be 0 (RFC 2675), and no UDP socket takes one.
            guard !length.isJumbogram else { return DecodedFrame(.refused, reason: .jumbogram, ipOffset: start) }
            return udp(
                frame, at: offset, end: end, ipOffset: start,
                from: ipv6Address(frame, at: start + 8), to: ipv6Address(frame, at: start + 24))
        case .upperLayer(IPProtocol.icmpv6, let offset):
            let message = ICMPMessage(frame, at: offset, end: end, ipOffset: start, isIPv6: true)
            return DecodedFrame(message.isErrorAboutUDP(in: frame) ? .icmpError : .notUDP, ipOffset: start)
        case .fragment(let next, _):
            guard next == IPProtocol.udp || ExtensionHeaders.isWalked(next) else {
                return DecodedFrame(.notUDP, ipOffset: start)
            }
            return DecodedFrame(end <= frame.byteCount ? .pendingFragment : .cut, ipOffset: start)
        case .upperLayer:
            return DecodedFrame(.notUDP, ipOffset: start)
        case .cut:
            return DecodedFrame(.cut, ipOffset: start)
        case .malformed:
            return DecodedFrame(.malformed, reason: .ipv6ExtensionHeader, ipOffset: start)
        }
    }

    private static func ipv6Address(_ frame: RawSpan, at offset: Int) -> IPAddress {
        IPAddress(v6High: frame.bigEndian64(at: offset), low: frame.bigEndian64(at: offset + 8))
    }
}

/// The walk over IPv6 extension headers to what they carry.
enum ExtensionHeaders {
    enum Walk {
        /// The protocol behind the last header, and where it begins; that may be the end of the packet.
        case upperLayer(UInt8, Int)
        /// A fragment of something longer: the next-header value of its fragment header, and where that header begins.
        case fragment(UInt8, Int)
        /// A header lies behind the captured bytes.
        case cut
        /// A header lies behind the end of the packet.
        case malformed
    }

    /// Hop-by-hop, routing, destination options, mobility, fragment.
    ///
    /// AH and ESP are not walked: what they carry is not what a UDP socket of the outer address gets.
    static func isWalked(_ next: UInt8) -> Bool {
        switch next {
        case 0, 43, 44, 60, 135: true
        default: false
        }
    }

    /// The payload length; for a jumbogram (RFC 2675) that of the option, which leads the hop-by-hop header.
    static func payloadLength(_ frame: RawSpan, at start: Int) -> (count: Int, isJumbogram: Bool) {
        let length = Int(frame.bigEndian16(at: start + 4))
        guard length == 0, frame.byte(at: start + 6) == 0, frame.byteCount - start >= 48,
            frame.bigEndian16(at: start + 42) == 0xc204
        else { return (length, false) }
        return (Int(frame.bigEndian32(at: start + 44)), true)
    }

    /// Walks the headers from the one of type `first` at `start`; `namedAt`, the place of the byte that says what the
    /// first header is, becomes that of the byte that says what comes behind the last.
    static func walk(
        _ frame: RawSpan, from first: UInt8, at start: Int, end: Int, captured: Int, namedAt: inout Int
    ) -> Walk {
        var next = first
        var offset = start
        while isWalked(next) {
            guard end - offset >= 8 else { return .malformed }
            guard captured - offset >= 8 else { return .cut }
            let following = frame.byte(at: offset)
            if next == 44 {
                // Offset and the M flag; both zero is an atomic fragment (RFC 6946), which is whole.
                guard frame.bigEndian16(at: offset + 2) & 0xfff9 == 0 else { return .fragment(following, offset) }
                namedAt = offset
                offset += 8
            } else {
                namedAt = offset
                offset += 8 + Int(frame.byte(at: offset + 1)) * 8
            }
            guard offset <= end else { return .malformed }
            next = following
        }
        return .upperLayer(next, offset)
    }
}
