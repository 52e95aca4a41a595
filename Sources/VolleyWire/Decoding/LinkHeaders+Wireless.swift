/// 802.11 (IEEE 802.11-2020), what monitors put before it, and the other networks of 802.
extension LinkDecoder {
    /// A data frame that is not protected, down to its LLC header; others carry no IP that could be read.
    func ieee80211(_ frame: RawSpan, at start: Int, hasPadding: Bool) -> DecodedFrame {
        guard frame.byteCount - start >= 2 else { return short(frame) }
        let control = frame.byte(at: start)
        let flags = frame.byte(at: start + 1)
        let subtype = control >> 4
        // Version 0, type "data", with data in it.
        guard control & 0x0f == 0x08, subtype & 0x4 == 0, flags & 0x40 == 0 else { return DecodedFrame(.notUDP) }
        var length = flags & 0x03 == 0x03 ? 30 : 24
        let hasQoS = subtype & 0x8 != 0
        if hasQoS {
            guard frame.byteCount - start >= length + 2 else { return short(frame) }
            // Several datagrams in one frame (A-MSDU) have headers of their own; they are not taken apart.
            if frame.byte(at: start + length) & 0x80 != 0 { return DecodedFrame(.unknownLinkType) }
            length += 2
            // "+HTC": a control field of four bytes.
            if flags & 0x80 != 0 { length += 4 }
        }
        if hasPadding { length = (length + 3) & ~3 }
        guard frame.byteCount - start >= length else { return short(frame) }
        // Fragments of a frame (they are rare) are not put together.
        if flags & 0x04 != 0 || frame.byte(at: start + 22) & 0x0f != 0 { return DecodedFrame(.unknownLinkType) }
        return logicalLinkControl(frame, at: start + length)
    }

    /// Radiotap: its length is little-endian, and one of its fields says whether the 802.11 header is padded.
    func radiotap(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount - start >= 8 else { return short(frame) }
        let length = Int(frame.bigEndian16(at: start + 2).byteSwapped)
        guard length >= 8 else { return DecodedFrame(.malformed, reason: .shortLinkHeader) }
        guard frame.byteCount - start >= length else { return short(frame) }
        let flags = radiotapFlags(frame, at: start, length: length)
        return ieee80211(frame, at: start + length, hasPadding: flags & 0x20 != 0)
    }

    /// The "flags" field, which is behind the 64-bit time stamp if that is there; 0 if there are none.
    private func radiotapFlags(_ frame: RawSpan, at start: Int, length: Int) -> UInt8 {
        var offset = start + 4
        let present = frame.bigEndian32(at: offset).byteSwapped
        guard present & 0x2 != 0 else { return 0 }
        // Bit 31: another word of bits follows.
        while frame.bigEndian32(at: offset).byteSwapped & 0x8000_0000 != 0 {
            offset += 4
            guard offset + 4 <= start + length else { return 0 }
        }
        offset += 4
        if present & 0x1 != 0 { offset = start + (offset - start + 7) & ~7 + 8 }
        return offset < start + length ? frame.byte(at: offset) : 0
    }

    /// Prism and AVS headers tell their own length; a Prism device may deliver AVS headers.
    func monitorHeader(_ linkType: LinkType, _ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount - start >= 8 else { return short(frame) }
        let isAVS = frame.bigEndian32(at: start) & 0xffff_f000 == 0x8021_1000
        let word = frame.bigEndian32(at: start + 4)
        // AVS is big-endian; Prism is in the byte order of the host.
        let length = Int(isAVS ? word : min(word, word.byteSwapped))
        guard length >= 8, length <= 4_096 else { return DecodedFrame(.malformed, reason: .shortLinkHeader) }
        return after(length, frame, start) { ieee80211(frame, at: $0, hasPadding: false) }
    }

    /// PPI: a little-endian length and the link type of what follows.
    func perPacketInformation(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount - start >= 8 else { return short(frame) }
        let length = Int(frame.bigEndian16(at: start + 2).byteSwapped)
        let inner = LinkType(rawValue: frame.bigEndian32(at: start + 4).byteSwapped)
        guard length >= 8 else { return DecodedFrame(.malformed, reason: .shortLinkHeader) }
        // PPI in PPI would be a way to recurse for ever.
        guard inner != .ppi else { return DecodedFrame(.unknownLinkType) }
        return after(length, frame, start) { decode(inner, frame, at: $0) }
    }

    /// NFLOG: attributes in the byte order of the host, one of which is the packet.
    func nflog(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount - start >= 4 else { return short(frame) }
        guard frame.byte(at: start + 1) == 0 else { return DecodedFrame(.unknownLinkType) }
        var offset = start + 4
        while frame.byteCount - offset >= 4 {
            let (length, type) = attribute(frame, at: offset)
            guard length >= 4 else { return DecodedFrame(.malformed, reason: .shortLinkHeader) }
            // 9 is NFULA_PAYLOAD.
            if type == 9 { return ip(frame, at: offset + 4) }
            offset += (length + 3) & ~3
        }
        return wireLength > frame.byteCount ? DecodedFrame(.cut) : DecodedFrame(.notUDP)
    }

    /// Length and type of an attribute; types are small, which tells the byte order.
    private func attribute(_ frame: RawSpan, at offset: Int) -> (length: Int, type: UInt16) {
        let (length, type) = (frame.bigEndian16(at: offset), frame.bigEndian16(at: offset + 2))
        return type > 0xff ? (Int(length.byteSwapped), type.byteSwapped) : (Int(length), type)
    }

    /// Token ring: 14 bytes, a source route where the first bit of the source address is set.
    func tokenRing(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount - start >= 14 else { return short(frame) }
        // Frames other than LLC have another type in their frame control.
        guard frame.byte(at: start + 1) & 0xc0 == 0x40 else { return DecodedFrame(.notUDP) }
        guard frame.byte(at: start + 8) & 0x80 != 0 else { return logicalLinkControl(frame, at: start + 14) }
        guard frame.byteCount - start >= 16 else { return short(frame) }
        let length = Int(frame.byte(at: start + 14) & 0x1f)
        return after(14 + length, frame, start) { logicalLinkControl(frame, at: $0) }
    }
}
