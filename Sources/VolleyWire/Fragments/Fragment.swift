internal import VolleyCore

/// What fragments of one packet have in common.
///
/// The family is in the addresses. IPv6 leaves the protocol out, for only the first fragment's counts (RFC 8200).
struct FragmentKey: Hashable, Sendable {
    let source: IPAddress
    let destination: IPAddress
    let identification: UInt32
    let protocolNumber: UInt8

    var isIPv6: Bool { source.isIPv6 }
}

/// One fragment in its frame.
struct Fragment {
    let layout: IPPacketLayout
    let key: FragmentKey
    /// The place of its first byte in what the packet carries.
    let offset: Int
    /// Whether more are to follow.
    let hasMore: Bool
    /// Its bytes in the frame, all captured.
    let range: Range<Int>

    /// The fragment whose IP header is at `start`; `nil` when there is none, or not all of it was captured.
    init?(_ bytes: RawSpan, at start: Int) {
        guard let layout = IPPacketLayout(bytes, at: start), layout.isFragment, layout.end <= bytes.byteCount,
            layout.upperOffset <= layout.end
        else { return nil }
        self.layout = layout
        let source = ICMPMessage.address(bytes, at: start + (layout.isIPv6 ? 8 : 12), isIPv6: layout.isIPv6)
        let destination = ICMPMessage.address(bytes, at: start + (layout.isIPv6 ? 24 : 16), isIPv6: layout.isIPv6)
        let header = layout.fragmentHeaderOffset
        let word = bytes.bigEndian16(at: layout.isIPv6 ? header + 2 : start + 6)
        offset = layout.isIPv6 ? Int(word & 0xfff8) : Int(word & 0x1fff) * 8
        hasMore = word & (layout.isIPv6 ? 0x0001 : 0x2000) != 0
        let length = layout.end - layout.upperOffset
        // Linux cuts a fragment of IPv4 that is not the last down to a multiple of 8.
        let kept = hasMore && !layout.isIPv6 ? length & ~7 : length
        range = layout.upperOffset..<layout.upperOffset + kept
        key = FragmentKey(
            source: source, destination: destination,
            identification: layout.isIPv6
                ? bytes.bigEndian32(at: header + 4) : UInt32(bytes.bigEndian16(at: start + 4)),
            protocolNumber: layout.isIPv6 ? 0 : layout.upperProtocol)
    }

    /// Where it ends in what the packet carries.
    var end: Int { offset + range.count }

    /// Why IPv6 takes no notice of it; the packet stays.
    func refusal(in bytes: RawSpan) -> MalformedReason? {
        guard layout.isIPv6 else { return nil }
        guard end <= 65_535, !hasMore || range.count.isMultiple(of: 8) else { return .fragmentLength }
        guard offset == 0 else { return nil }
        // The first one has to hold all headers down to that of UDP (RFC 7112).
        var place = 0
        let walk = ExtensionHeaders.walk(
            bytes, from: layout.upperProtocol, at: range.lowerBound, end: range.upperBound, captured: range.upperBound,
            namedAt: &place)
        switch walk {
        case .upperLayer(IPProtocol.udp, let udp): return range.upperBound - udp >= 8 ? nil : .ipv6ExtensionHeader
        case .upperLayer, .fragment: return nil
        case .cut, .malformed: return .ipv6ExtensionHeader
        }
    }
}
