/// Ethertypes the decoder acts on (IEEE 802 numbers).
@usableFromInline
enum Ethertype {
    @inlinable static var ipv4: UInt16 { 0x0800 }
    @inlinable static var ipv6: UInt16 { 0x86dd }

    /// 802.1Q, 802.1ad, and the number used for QinQ before 802.1ad.
    static func isVLAN(_ value: UInt16) -> Bool { value == 0x8100 || value == 0x88a8 || value == 0x9100 }

    /// Encapsulations that may carry IP and that are not looked into: PPPoE session, MPLS (unicast, multicast), PBB,
    /// MACsec, NSH.
    ///
    /// To call them "not UDP" would hide datagrams.
    static func isUndecodedEncapsulation(_ value: UInt16) -> Bool {
        switch value {
        case 0x8864, 0x8847, 0x8848, 0x88e7, 0x88e5, 0x894f: true
        default: false
        }
    }
}

/// Everything below IP but plain Ethernet.
extension FrameDecoder {
    @usableFromInline
    static func linkLayer(_ frame: RawSpan, wireLength: Int, linkType: LinkType) -> DecodedFrame {
        switch linkType {
        case .ethernet:
            header(of: 14, frame, wireLength) { ethertype(frame.bigEndian16(at: 12), frame, at: 14, wireLength) }
        case .linuxSLL:
            header(of: 16, frame, wireLength) { ethertype(frame.bigEndian16(at: 14), frame, at: 16, wireLength) }
        case .linuxSLL2:
            header(of: 20, frame, wireLength) { ethertype(frame.bigEndian16(at: 0), frame, at: 20, wireLength) }
        case .null, .loop:
            header(of: 4, frame, wireLength) { family(frame.bigEndian32(at: 0), frame, wireLength) }
        default:
            DecodedFrame(.unknownLinkType)
        }
    }

    private static func header(
        of length: Int, _ frame: RawSpan, _ wireLength: Int, then decode: () -> DecodedFrame
    ) -> DecodedFrame {
        frame.byteCount >= length ? decode() : .short(frame, originalLength: wireLength, .shortLinkHeader)
    }

    /// What follows an ethertype or 802.3 length; VLAN tags are walked, as many as there are.
    private static func ethertype(
        _ first: UInt16, _ frame: RawSpan, at start: Int, _ wireLength: Int
    ) -> DecodedFrame {
        var type = first
        var offset = start
        while Ethertype.isVLAN(type) {
            guard frame.byteCount - offset >= 4 else {
                return .short(frame, originalLength: wireLength, .shortLinkHeader)
            }
            type = frame.bigEndian16(at: offset + 2)
            offset += 4
        }
        switch type {
        case Ethertype.ipv4: return ipv4(frame, at: offset, wireLength: wireLength)
        case Ethertype.ipv6: return ipv6(frame, at: offset, wireLength: wireLength)
        case 0..<0x0600: return logicalLinkControl(frame, at: offset, wireLength)
        default: return DecodedFrame(Ethertype.isUndecodedEncapsulation(type) ? .unknownLinkType : .notUDP)
        }
    }

    /// 802.2 LLC: SNAP with an ethertype (RFC 1042), or the SAP of IP.
    private static func logicalLinkControl(_ frame: RawSpan, at offset: Int, _ wireLength: Int) -> DecodedFrame {
        // What ends before an ethertype was either cut or never had one.
        let short = DecodedFrame(wireLength > frame.byteCount ? .cut : .notUDP)
        guard frame.byteCount - offset >= 3 else { return short }
        let saps = frame.bigEndian16(at: offset)
        let isUnnumbered = frame.byte(at: offset + 2) == 0x03
        if saps == 0x0606, isUnnumbered { return ipv4(frame, at: offset + 3, wireLength: wireLength) }
        guard saps == 0xaaaa, isUnnumbered else { return DecodedFrame(.notUDP) }
        guard frame.byteCount - offset >= 8 else { return short }
        let organisation = frame.bigEndian32(at: offset + 2) & 0x00ff_ffff
        let type = frame.bigEndian16(at: offset + 6)
        guard organisation == 0 else { return DecodedFrame(.notUDP) }
        switch type {
        case Ethertype.ipv4: return ipv4(frame, at: offset + 8, wireLength: wireLength)
        case Ethertype.ipv6: return ipv6(frame, at: offset + 8, wireLength: wireLength)
        default: return DecodedFrame(.notUDP)
        }
    }

    /// The address family of NULL and LOOP, in either byte order; AF_INET6 is 10, 24, 28 or 30 by system.
    private static func family(_ word: UInt32, _ frame: RawSpan, _ wireLength: Int) -> DecodedFrame {
        switch min(word, word.byteSwapped) {
        case 2: ipv4(frame, at: 4, wireLength: wireLength)
        case 10, 24, 28, 30: ipv6(frame, at: 4, wireLength: wireLength)
        default: DecodedFrame(.notUDP)
        }
    }
}
