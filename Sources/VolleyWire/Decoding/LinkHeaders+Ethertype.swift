/// Ethertypes the decoder acts on (IEEE 802 numbers).
@usableFromInline
enum Ethertype {
    @inlinable static var ipv4: UInt16 { 0x0800 }
    @inlinable static var ipv6: UInt16 { 0x86dd }

    /// 802.1Q, 802.1ad, and the numbers used for QinQ before 802.1ad.
    static func isVLAN(_ value: UInt16) -> Bool {
        switch value {
        case 0x8100, 0x88a8, 0x9100, 0x9200: true
        default: false
        }
    }

    /// Encapsulations that may carry IP and that are not looked into: PBB, MACsec, NSH.
    ///
    /// To call them "not UDP" would hide datagrams.
    static func isUndecodedEncapsulation(_ value: UInt16) -> Bool {
        switch value {
        case 0x88e7, 0x88e5, 0x894f: true
        default: false
        }
    }
}

/// What an ethertype leads to.
extension LinkDecoder {
    /// What follows an ethertype or 802.3 length; VLAN tags are walked, as many as there are.
    func ethertype(_ first: UInt16, _ frame: RawSpan, at start: Int) -> DecodedFrame {
        var type = first
        var offset = start
        while Ethertype.isVLAN(type) {
            guard frame.byteCount - offset >= 4 else { return short(frame) }
            type = frame.bigEndian16(at: offset + 2)
            offset += 4
        }
        switch type {
        case Ethertype.ipv4: return ipv4(frame, at: offset)
        case Ethertype.ipv6: return ipv6(frame, at: offset)
        case 0x8864: return pppoe(frame, at: offset)
        case 0x8847, 0x8848: return mpls(frame, at: offset)
        case 0..<0x0600: return logicalLinkControl(frame, at: offset)
        default: return DecodedFrame(Ethertype.isUndecodedEncapsulation(type) ? .unknownLinkType : .notUDP)
        }
    }

    /// The protocol of SLL and SLL2: an ethertype, or 4 for 802.2.
    func cooked(_ type: UInt16, _ frame: RawSpan, at offset: Int) -> DecodedFrame {
        switch type {
        case 4: logicalLinkControl(frame, at: offset)
        case 0..<0x0600: DecodedFrame(.notUDP)
        default: ethertype(type, frame, at: offset)
        }
    }

    /// 802.2 LLC: SNAP with an ethertype (RFC 1042), or the SAP of IP.
    func logicalLinkControl(_ frame: RawSpan, at offset: Int) -> DecodedFrame {
        // What ends before an ethertype was either cut or never had one.
        let short = DecodedFrame(wireLength > frame.byteCount ? .cut : .notUDP)
        guard frame.byteCount - offset >= 3 else { return short }
        let saps = frame.bigEndian16(at: offset)
        let isUnnumbered = frame.byte(at: offset + 2) == 0x03
        if saps == 0x0606, isUnnumbered { return ipv4(frame, at: offset + 3) }
        guard saps == 0xaaaa, isUnnumbered else { return DecodedFrame(.notUDP) }
        guard frame.byteCount - offset >= 8 else { return short }
        let organisation = frame.bigEndian32(at: offset + 2) & 0x00ff_ffff
        let type = frame.bigEndian16(at: offset + 6)
        // 0 (RFC 1042), and what bridges make of an ethertype that needs to stay one (802.1H).
        guard organisation == 0 || organisation == 0x00_00f8, type >= 0x0600 else { return DecodedFrame(.notUDP) }
        return ethertype(type, frame, at: offset + 8)
    }

    /// A stack of MPLS labels (RFC 3032); what is below the last is told by its first nibble.
    func mpls(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        var offset = start
        while true {
            guard frame.byteCount - offset >= 4 else { return short(frame) }
            let entry = frame.bigEndian32(at: offset)
            offset += 4
            if entry & 0x100 != 0 { break }
        }
        guard frame.byteCount > offset else { return short(frame) }
        switch frame.byte(at: offset) >> 4 {
        case 4: return ipv4(frame, at: offset)
        case 6: return ipv6(frame, at: offset)
        // An Ethernet pseudowire, with or without a control word (RFC 4448), is a tunnel; so is all else.
        default: return DecodedFrame(.notUDP)
        }
    }
}
