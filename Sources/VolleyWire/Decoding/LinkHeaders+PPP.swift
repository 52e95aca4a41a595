/// PPP (RFC 1661) and its relatives on serial lines.
extension LinkDecoder {
    /// PPP with or without HDLC framing, or a direction byte in its place.
    func ppp(_ frame: RawSpan, at start: Int, hasDirection: Bool) -> DecodedFrame {
        guard frame.byteCount - start >= 2 else { return short(frame) }
        if hasDirection { return pppProtocol(frame, at: start + 1) }
        let isFramed = frame.bigEndian16(at: start) == 0xff03
        return pppProtocol(frame, at: isFramed ? start + 2 : start)
    }

    /// `LINKTYPE_PPP_HDLC`: PPP in HDLC-like framing, or Cisco HDLC, told by the address byte (0x0f, 0x8f).
    func pppHDLC(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount > start else { return short(frame) }
        switch frame.byte(at: start) {
        case 0x0f, 0x8f: return cisco(frame, at: start, isFrameRelay: false)
        default: return ppp(frame, at: start, hasDirection: false)
        }
    }

    /// The protocol field, one byte where it is compressed, and what it says.
    func pppProtocol(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount > start else { return short(frame) }
        var offset = start
        var number = UInt16(frame.byte(at: offset))
        if number & 1 == 0 {
            guard frame.byteCount - offset >= 2 else { return short(frame) }
            number = frame.bigEndian16(at: offset)
            offset += 1
        }
        offset += 1
        switch number {
        case 0x0021: return ipv4(frame, at: offset)
        case 0x0057: return ipv6(frame, at: offset)
        case 0x0281, 0x0283: return mpls(frame, at: offset)
        default: return DecodedFrame(.notUDP)
        }
    }

    /// A PPPoE session (RFC 2516); other codes are discovery.
    func pppoe(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        after(6, frame, start) { offset in
            frame.byte(at: start + 1) == 0 ? pppProtocol(frame, at: offset) : DecodedFrame(.notUDP)
        }
    }

    /// Cisco HDLC: four bytes, the last two an ethertype; frame relay (RFC 2427): an address and a network layer
    /// protocol id, or Cisco's ethertype.
    func cisco(_ frame: RawSpan, at start: Int, isFrameRelay: Bool) -> DecodedFrame {
        guard isFrameRelay else {
            return after(4, frame, start) { ethertype(frame.bigEndian16(at: $0 - 2), frame, at: $0) }
        }
        var offset = start
        // The address ends with the first byte that has its lowest bit set: 2 to 4 bytes.
        repeat {
            guard frame.byteCount > offset, offset - start < 4 else { return short(frame) }
            offset += 1
        } while frame.byte(at: offset - 1) & 1 == 0
        guard offset - start >= 2, frame.byteCount - offset >= 2 else { return short(frame) }
        let type = frame.bigEndian16(at: offset)
        if type >= 0x0600, type & 0xff00 != 0x0300 { return ethertype(type, frame, at: offset + 2) }
        guard frame.byte(at: offset) == 0x03 else { return DecodedFrame(.notUDP) }
        // A byte of padding may follow the control byte.
        let idOffset = frame.byte(at: offset + 1) == 0 ? offset + 2 : offset + 1
        guard frame.byteCount > idOffset else { return short(frame) }
        switch frame.byte(at: idOffset) {
        case 0xcc: return ipv4(frame, at: idOffset + 1)
        case 0x8e: return ipv6(frame, at: idOffset + 1)
        case 0x80:
            return after(6, frame, idOffset) { behind in
                let isEthertype = frame.bigEndian32(at: behind - 6) & 0x00ff_ffff == 0
                return isEthertype
                    ? ethertype(frame.bigEndian16(at: behind - 2), frame, at: behind) : DecodedFrame(.notUDP)
            }
        default: return DecodedFrame(.notUDP)
        }
    }
}
