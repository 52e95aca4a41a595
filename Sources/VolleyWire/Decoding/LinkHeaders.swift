// Everything below IP but plain Ethernet: one function for each shape of header, all of them off the hot path.

internal import VolleyCore

extension FrameDecoder {
    @usableFromInline
    static func linkLayer(_ frame: RawSpan, wireLength: Int, linkType: LinkType) -> DecodedFrame {
        LinkDecoder(wireLength: wireLength).decode(linkType, frame, at: 0)
    }
}

/// Steps from header to header until it meets IP.
struct LinkDecoder {
    let wireLength: Int

    /// What begins with the header of a link type at `start`.
    func decode(_ linkType: LinkType, _ frame: RawSpan, at start: Int) -> DecodedFrame {
        switch linkType {
        case .ethernet: after(14, frame, start) { ethertype(frame.bigEndian16(at: $0 - 2), frame, at: $0) }
        case .linuxSLL: after(16, frame, start) { cooked(frame.bigEndian16(at: $0 - 2), frame, at: $0) }
        case .linuxSLL2: after(20, frame, start) { cooked(frame.bigEndian16(at: $0 - 20), frame, at: $0) }
        case .null, .loop: after(4, frame, start) { family(frame.bigEndian32(at: $0 - 4), frame, at: $0) }
        case .ppp, .pppWithDirection: ppp(frame, at: start, hasDirection: linkType == .pppWithDirection)
        case .pppHDLC: pppHDLC(frame, at: start)
        case .pppoe: pppoe(frame, at: start)
        case .ciscoHDLC, .frameRelay: cisco(frame, at: start, isFrameRelay: linkType == .frameRelay)
        case .logicalLinkControl: logicalLinkControl(frame, at: start)
        case .linuxClassicalIP: classicalIP(frame, at: start)
        case .tokenRing: tokenRing(frame, at: start)
        case .fddi: after(13, frame, start) { logicalLinkControl(frame, at: $0) }
        case .ipOverFibreChannel: after(16, frame, start) { logicalLinkControl(frame, at: $0) }
        case .slip: after(16, frame, start) { ip(frame, at: $0) }
        case .ieee80211: ieee80211(frame, at: start, hasPadding: false)
        case .radiotap: radiotap(frame, at: start)
        case .prism, .avs: monitorHeader(linkType, frame, at: start)
        case .ppi: perPacketInformation(frame, at: start)
        case .nflog: nflog(frame, at: start)
        case .mpls: mpls(frame, at: start)
        case .undescribed: DecodedFrame(.malformed, reason: .undescribedInterface)
        default: linkType.isRawIP ? rawIP(linkType, frame, at: start) : DecodedFrame(.unknownLinkType)
        }
    }

    /// What a header of `length` bytes at `start` leads to; `then` is given the place behind it.
    func after(
        _ length: Int, _ frame: RawSpan, _ start: Int, then decode: (Int) -> DecodedFrame
    ) -> DecodedFrame {
        frame.byteCount - start >= length ? decode(start + length) : short(frame)
    }

    /// A header that ends behind the captured bytes.
    func short(_ frame: RawSpan) -> DecodedFrame {
        .short(frame, originalLength: wireLength, .shortLinkHeader)
    }

    /// An IP packet of either family.
    func ip(_ frame: RawSpan, at start: Int) -> DecodedFrame { rawIP(.rawIP, frame, at: start) }

    private func rawIP(_ linkType: LinkType, _ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount > start else { return .short(frame, originalLength: wireLength, .shortIPHeader) }
        switch frame.byte(at: start) >> 4 {
        case 4 where linkType != .ipv6: return ipv4(frame, at: start)
        case 6 where linkType != .ipv4: return ipv6(frame, at: start)
        default: return DecodedFrame(.malformed, reason: .ipVersion)
        }
    }

    func ipv4(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        FrameDecoder.ipv4(frame, at: start, wireLength: wireLength)
    }

    func ipv6(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        FrameDecoder.ipv6(frame, at: start, wireLength: wireLength)
    }

    /// Classical IP over ATM: LLC where it begins like LLC, bare IP elsewhere.
    private func classicalIP(_ frame: RawSpan, at start: Int) -> DecodedFrame {
        guard frame.byteCount > start else { return short(frame) }
        return frame.byte(at: start) == 0xaa ? logicalLinkControl(frame, at: start) : ip(frame, at: start)
    }

    /// The address family of NULL and LOOP, in either byte order; AF_INET6 is 10, 24, 28 or 30 by system.
    private func family(_ word: UInt32, _ frame: RawSpan, at offset: Int) -> DecodedFrame {
        switch min(word, word.byteSwapped) {
        case 2: ipv4(frame, at: offset)
        case 10, 24, 28, 30: ipv6(frame, at: offset)
        default: DecodedFrame(.notUDP)
        }
    }
}
