internal import VolleyCore

/// Looks for what tunnels carry; all offsets stay those of the outermost frame.
struct TunnelDecoder {
    let tunnels: Tunnels
    /// More tunnels in each other than these are not followed.
    private static let depthMax = 4

    /// What is in the tunnel that `frame` is; `frame` itself when it is none.
    ///
    /// A datagram whose port is a tunnel's but whose content is not stays what it is.
    func decode(_ frame: DecodedFrame, in bytes: RawSpan) -> DecodedFrame {
        var result = frame
        for _ in 0..<Self.depthMax {
            guard let inner = step(result, in: bytes) else { break }
            result = inner
        }
        return result
    }

    private func step(_ frame: DecodedFrame, in bytes: RawSpan) -> DecodedFrame? {
        switch frame.recordClass {
        case .delivered:
            let inner = overUDP(frame, in: bytes)
            return inner.flatMap { Self.isPlausible($0) ? $0 : nil }
        case .notUDP where frame.ipOffset > 0 || IPPacketLayout(bytes, at: 0) != nil:
            return overIP(frame, in: bytes)
        default: return nil
        }
    }

    private static func isPlausible(_ inner: DecodedFrame) -> Bool {
        switch inner.recordClass {
        case .delivered, .icmpError, .pendingFragment, .notUDP: true
        default: false
        }
    }

    // MARK: Over IP

    private func overIP(_ frame: DecodedFrame, in bytes: RawSpan) -> DecodedFrame? {
        guard let layout = IPPacketLayout(bytes, at: frame.ipOffset) else { return nil }
        // It is looked into when it is whole.
        if layout.isFragment { return isTunnel(layout.upperProtocol) ? pendingFragment(layout, in: bytes) : nil }
        let visible = bytes.extracting(0..<min(layout.end, bytes.byteCount))
        let link = LinkDecoder(wireLength: layout.end)
        let start = layout.upperOffset
        switch layout.upperProtocol {
        case 4 where tunnels.contains(.ipInIP), 41 where tunnels.contains(.ipInIP): return link.ip(visible, at: start)
        case 47 where tunnels.contains(.gre): return gre(visible, at: start, link)
        default: return nil
        }
    }

    /// Whether a protocol over IP is one of those that are looked into.
    private func isTunnel(_ number: UInt8) -> Bool {
        number == 47 ? tunnels.contains(.gre) : (number == 4 || number == 41) && tunnels.contains(.ipInIP)
    }

    private func pendingFragment(_ layout: IPPacketLayout, in bytes: RawSpan) -> DecodedFrame {
        DecodedFrame(layout.end <= bytes.byteCount ? .pendingFragment : .cut, ipOffset: layout.start)
    }

    /// GRE of version 0; version 1 is PPTP's.
    private func gre(_ bytes: RawSpan, at start: Int, _ link: LinkDecoder) -> DecodedFrame? {
        guard bytes.byteCount - start >= 4 else { return nil }
        let flags = bytes.bigEndian16(at: start)
        // Source routes (0x4000) are no more in RFC 2784.
        guard flags & 0x4007 == 0 else { return nil }
        let fields = [0x8000, 0x2000, 0x1000] as [UInt16]
        return ethertype(
            bytes.bigEndian16(at: start + 2), bytes, at: start + 4 + 4 * fields.count { flags & $0 != 0 }, link)
    }

    /// An ethertype, or 0x6558 for an Ethernet frame.
    private func ethertype(_ type: UInt16, _ bytes: RawSpan, at start: Int, _ link: LinkDecoder) -> DecodedFrame {
        guard start <= bytes.byteCount else { return link.short(bytes) }
        return type == 0x6558 ? link.decode(.ethernet, bytes, at: start) : link.ethertype(type, bytes, at: start)
    }

    // MARK: Over UDP

    private func overUDP(_ frame: DecodedFrame, in bytes: RawSpan) -> DecodedFrame? {
        let (start, end) = (frame.payloadOffset, frame.payloadOffset + frame.payloadLength)
        guard frame.payloadLength >= 8 else { return nil }
        let payload = bytes.extracting(0..<end)
        let link = LinkDecoder(wireLength: end)
        let ports = (frame.source.port, frame.destination.port)
        if tunnels.contains(.vxlan), ports.1 == 4_789 {
            return payload.byte(at: start) & 0x08 != 0 ? link.decode(.ethernet, payload, at: start + 8) : nil
        }
        if tunnels.contains(.geneve), ports.1 == 6_081 {
            let first = payload.byte(at: start)
            guard first >> 6 == 0 else { return nil }
            let header = start + 8 + Int(first & 0x3f) * 4
            return ethertype(payload.bigEndian16(at: start + 2), payload, at: header, link)
        }
        if tunnels.contains(.gtpU), ports.0 == 2_152 || ports.1 == 2_152 { return gtpU(payload, at: start, link) }
        if tunnels.contains(.teredo), ports.0 == 3_544 || ports.1 == 3_544 {
            return teredo(payload, at: start, link)
        }
        return nil
    }

    /// A G-PDU: eight bytes, four more if one of three flags is set, extension headers.
    private func gtpU(_ payload: RawSpan, at start: Int, _ link: LinkDecoder) -> DecodedFrame? {
        let flags = payload.byte(at: start)
        guard flags & 0xf0 == 0x30, payload.byte(at: start + 1) == 0xff else { return nil }
        var offset = start + 8
        if flags & 0x07 != 0 {
            guard payload.byteCount - offset >= 4 else { return nil }
            var next = flags & 0x04 != 0 ? payload.byte(at: offset + 3) : 0
            offset += 4
            while next != 0 {
                guard payload.byteCount > offset else { return nil }
                let length = Int(payload.byte(at: offset)) * 4
                guard length > 0, payload.byteCount - offset >= length else { return nil }
                next = payload.byte(at: offset + length - 1)
                offset += length
            }
        }
        return link.ip(payload, at: offset)
    }

    /// An IPv6 packet, behind an authentication and an origin indication if they are there.
    private func teredo(_ payload: RawSpan, at start: Int, _ link: LinkDecoder) -> DecodedFrame? {
        var offset = start
        if payload.byteCount - offset >= 4, payload.bigEndian16(at: offset) == 0x0001 {
            offset += 13 + Int(payload.byte(at: offset + 2)) + Int(payload.byte(at: offset + 3))
        }
        if payload.byteCount - offset >= 8, payload.bigEndian16(at: offset) == 0x0000 { offset += 8 }
        guard payload.byteCount > offset, payload.byte(at: offset) >> 4 == 6 else { return nil }
        return link.ipv6(payload, at: offset)
    }
}
