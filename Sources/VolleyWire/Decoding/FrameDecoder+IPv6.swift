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
        let end = start + 40 + ipv6PayloadLength(frame, at: start)
        guard end <= wireLength else { return DecodedFrame(.badIPLength, ipOffset: start) }

        let walk = ExtensionHeaders.walk(
            frame, from: frame.byte(at: start + 6), at: start + 40, end: end, captured: frame.byteCount)
        switch walk {
        case .upperLayer(IPProtocol.udp, let offset):
            return udp(
                frame, at: offset, end: end, ipOffset: start,
                from: ipv6Address(frame, at: start + 8), to: ipv6Address(frame, at: start + 24))
        case .upperLayer(IPProtocol.icmpv6, let offset):
            let isError = isICMPv6ErrorAboutUDP(frame, at: offset, limit: min(end, frame.byteCount))
            return DecodedFrame(isError ? .icmpError : .notUDP, ipOffset: start)
        case .fragment(let next):
            guard next == IPProtocol.udp || ExtensionHeaders.isWalked(next) else {
                return DecodedFrame(.notUDP, ipOffset: start)
            }
            return DecodedFrame(end <= frame.byteCount ? .fragment : .cut, ipOffset: start)
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

    /// The payload length; for a jumbogram (RFC 2675) that of the option, which leads the hop-by-hop header.
    private static func ipv6PayloadLength(_ frame: RawSpan, at start: Int) -> Int {
        let length = Int(frame.bigEndian16(at: start + 4))
        guard length == 0, frame.byte(at: start + 6) == 0, frame.byteCount - start >= 48,
            frame.bigEndian16(at: start + 42) == 0xc204
        else { return length }
        return Int(frame.bigEndian32(at: start + 44))
    }

    /// Whether the ICMPv6 message quotes a UDP header: destination unreachable, packet too big, time exceeded,
    /// parameter problem (RFC 4443).
    private static func isICMPv6ErrorAboutUDP(_ frame: RawSpan, at offset: Int, limit: Int) -> Bool {
        let quoted = offset + 8
        guard limit - quoted >= 40, 1...4 ~= frame.byte(at: offset), frame.byte(at: quoted) >> 4 == 6 else {
            return false
        }
        // What is quoted is cut by design: all it has to hold is the UDP header.
        let walk = ExtensionHeaders.walk(
            frame, from: frame.byte(at: quoted + 6), at: quoted + 40, end: limit, captured: limit)
        guard case .upperLayer(IPProtocol.udp, let header) = walk else { return false }
        return limit - header >= 8
    }
}

/// The walk over IPv6 extension headers to what they carry.
enum ExtensionHeaders {
    enum Walk {
        /// The protocol behind the last header, and where it begins; that may be the end of the packet.
        case upperLayer(UInt8, Int)
        /// A fragment of something longer, with the next-header value of its fragment header.
        case fragment(UInt8)
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

    static func walk(_ frame: RawSpan, from first: UInt8, at start: Int, end: Int, captured: Int) -> Walk {
        var next = first
        var offset = start
        while isWalked(next) {
            guard end - offset >= 8 else { return .malformed }
            guard captured - offset >= 8 else { return .cut }
            let following = frame.byte(at: offset)
            if next == 44 {
                // Offset and the M flag; both zero is an atomic fragment (RFC 6946), which is whole.
                guard frame.bigEndian16(at: offset + 2) & 0xfff9 == 0 else { return .fragment(following) }
                offset += 8
            } else {
                offset += 8 + Int(frame.byte(at: offset + 1)) * 8
            }
            guard offset <= end else { return .malformed }
            next = following
        }
        return .upperLayer(next, offset)
    }
}
