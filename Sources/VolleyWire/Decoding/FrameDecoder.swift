/// Decodes captured frames down to UDP.
///
/// A datagram is *delivered* when its UDP header follows the **outermost** IP header, IPv6 hop-by-hop, routing,
/// destination-options, mobility and fragment headers walked. UDP inside ICMP errors, tunnels and IPsec is not looked
/// for. Checksums are no criterion: captures of one's own host show mostly checksums the network card had still to fill
/// in. Every length is checked against what was captured and what was on the wire; bytes behind the IP length (Ethernet
/// padding) and behind the UDP length are cut off.
///
/// Decoding allocates nothing, keeps nothing, and its time is linear in the length of the headers.
public enum FrameDecoder {
    /// Decodes one record.
    ///
    /// - Parameters:
    ///   - frame: the captured bytes.
    ///   - originalLength: the bytes on the wire; less than captured is taken for the captured length.
    ///   - linkType: what the frame begins with.
    /// - Returns: the record's class and, if it is delivered, addresses and the place of the payload.
    @inlinable @inline(__always)
    public static func decode(_ frame: RawSpan, originalLength: Int, linkType: LinkType) -> DecodedFrame {
        let wireLength = max(originalLength, frame.byteCount)
        // The common case first and inline; everything else is a call.
        if linkType == .ethernet, frame.byteCount >= 14, frame.bigEndian16(at: 12) == Ethertype.ipv4 {
            return ipv4(frame, at: 14, wireLength: wireLength)
        }
        if linkType.isRawIP {
            return rawIP(frame, wireLength: wireLength, linkType: linkType)
        }
        return linkLayer(frame, wireLength: wireLength, linkType: linkType)
    }

    /// A bare IP packet; the link types of one family only are held to it.
    @inlinable
    static func rawIP(_ frame: RawSpan, wireLength: Int, linkType: LinkType) -> DecodedFrame {
        guard frame.byteCount > 0 else {
            return .short(frame, originalLength: wireLength, .shortIPHeader)
        }
        let version = frame.byte(at: 0) >> 4
        if version == 4, linkType != .ipv6 {
            return ipv4(frame, at: 0, wireLength: wireLength)
        }
        if version == 6, linkType != .ipv4 {
            return ipv6(frame, at: 0, wireLength: wireLength)
        }
        return DecodedFrame(.malformed, reason: .ipVersion)
    }
}
