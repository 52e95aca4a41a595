internal import VolleyCore
internal import VolleyWire

/// A cheap look at the first bytes of a payload.
extension PayloadProtocol {
    /// Whether the payload looks like this protocol, asked where a port says that it is.
    func fits(_ payload: RawSpan) -> Bool {
        let count = payload.byteCount
        guard count > 0 else { return false }
        return switch self {
        case .dns, .mdns, .llmnr, .netbiosNames: DNSMessage(payload) != nil
        case .dhcp, .ipfix, .sip, .snmp, .ssdp, .syslog, .wireguard, .rtcp, .dtls, .bittorrentDHT, .sflow:
            Self.certain(payload) == self
        case .quic:
            Self.isQUIC(payload) || Self.isVersionNegotiation(payload)
                || count >= 21 && payload.byte(at: 0) & 0xc0 == 0x40
        case .stun: Self.isSTUN(payload) || Self.isOldSTUN(payload)
        case .netflow: Self.isNetFlow(payload)
        case .rtp: RTPHeader(payload) != nil
        case .vxlan: count >= 8 && payload.byte(at: 0) & 0x08 != 0 && payload.byte(at: 7) == 0
        case .geneve: count >= 8 && payload.byte(at: 0) >> 6 == 0 && payload.byte(at: 7) == 0
        case .gtpU, .gtpC, .teredo, .l2tp, .esp: fitsTunnel(payload)
        case .statsd: Self.isStatsD(payload)
        default: fitsService(payload)
        }
    }

    private func fitsService(_ payload: RawSpan) -> Bool {
        let count = payload.byteCount
        let first = payload.byte(at: 0)
        return switch self {
        case .ntp:
            // Versions 1 to 4; control and private messages (modes 6 and 7) are shorter.
            1...4 ~= first >> 3 & 7 && (count >= 48 && first & 7 != 0 || count >= 8 && first & 7 >= 6)
        case .dhcpv6: count >= 4 && 1...36 ~= first
        case .tftp: count >= 4 && 1...6 ~= payload.bigEndian16(at: 0)
        case .radius: count >= 20 && first > 0 && 20...count ~= Int(payload.bigEndian16(at: 2))
        case .coap: count >= 4 && first >> 6 == 1 && first & 0x0f <= 8
        case .bacnet: count >= 4 && first == 0x81 && Int(payload.bigEndian16(at: 2)) == count
        case .bfd: count >= 24 && first >> 5 <= 1 && 24...count ~= Int(payload.byte(at: 3))
        case .rip: count >= 24 && 1...2 ~= first && 1...2 ~= payload.byte(at: 1) && payload.bigEndian16(at: 2) == 0
        case .ripng: count >= 24 && 1...2 ~= first && payload.byte(at: 1) == 1 && count % 20 == 4
        case .hsrp: count >= 16 && first <= 1
        case .ike: Self.isIKE(payload, at: 0) || Self.isIKE(payload, at: 4) || count == 1 && first == 0xff
        case .ldp: count >= 10 && payload.bigEndian16(at: 0) == 1
        case .kerberos: count >= 10 && 0x6a...0x7e ~= first
        case .ptp: count >= 34 && 1...2 ~= payload.byte(at: 1) & 0x0f
        case .openvpn: count >= 14 && 1...11 ~= first >> 3
        case .memcached: count > 8 && payload.bigEndian16(at: 4) > 0 && payload.bigEndian16(at: 6) == 0
        case .netbiosDatagrams: count >= 10 && 0x10...0x17 ~= first
        default: false
        }
    }

    private func fitsTunnel(_ payload: RawSpan) -> Bool {
        let count = payload.byteCount
        let first = payload.byte(at: 0)
        return switch self {
        case .gtpU: count >= 8 && first >> 4 == 3 && Int(payload.bigEndian16(at: 2)) + 8 <= count
        case .gtpC: count >= 8 && 1...2 ~= first >> 5 && Int(payload.bigEndian16(at: 2)) + 4 <= count
        case .teredo: count >= 8 && (first >> 4 == 6 || payload.bigEndian16(at: 0) <= 1)
        case .l2tp: count >= 6 && 2...3 ~= payload.byte(at: 1) & 0x0f
        default: false
        }
    }

    /// What cannot be anything else, whatever the port, and as good as.
    static func certain(_ payload: RawSpan) -> PayloadProtocol? {
        let count = payload.byteCount
        guard count >= 4 else { return nil }
        switch payload.byte(at: 0) {
        case 0 where count >= 28 && payload.bigEndian32(at: 0) == 5 && 1...2 ~= payload.bigEndian32(at: 4):
            return .sflow
        case 0 where count >= 16 && payload.byte(at: 1) == 10 && Int(payload.bigEndian16(at: 2)) == count:
            return .ipfix
        case 1...4 where isWireGuard(payload): return .wireguard
        case 0...3 where isSTUN(payload): return .stun
        case 1...2 where count >= 240 && payload.bigEndian32(at: 236) == 0x6382_5363: return .dhcp
        case 20...25 where isDTLS(payload): return .dtls
        case 0x30 where isSNMP(payload): return .snmp
        case UInt8(ascii: "<") where isSyslog(payload): return .syslog
        case UInt8(ascii: "d") where payload.begins("d1:ad2:id20:") || payload.begins("d1:rd2:id20:"):
            return .bittorrentDHT
        case 0x41...0x5a: return text(payload)
        case 0x80...0xbf where isRTCP(payload): return .rtcp
        case 0xc0... where isQUIC(payload): return .quic
        default: break
        }
        return DNSMessage(payload)?.isCertain == true ? .dns : nil
    }

    /// Protocols that begin like HTTP does.
    private static func text(_ payload: RawSpan) -> PayloadProtocol? {
        if payload.begins("M-SEARCH * HTTP/1.") || payload.begins("NOTIFY * HTTP/1.") { return .ssdp }
        if payload.begins("HTTP/1.1 200 OK") { return .ssdp }
        if payload.begins("SIP/2.0 ") { return .sip }
        // A method, and a URI with the scheme of SIP.
        var offset = 1
        while offset < 12, offset + 5 <= payload.byteCount, payload.byte(at: offset) != UInt8(ascii: " ") {
            guard 0x41...0x5a ~= payload.byte(at: offset) else { return nil }
            offset += 1
        }
        return payload.begins(" sip:", at: offset) || payload.begins(" sips:", at: offset) ? .sip : nil
    }

    private static func isWireGuard(_ payload: RawSpan) -> Bool {
        guard payload.byte(at: 1) == 0, payload.bigEndian16(at: 2) == 0 else { return false }
        return switch (payload.byte(at: 0), payload.byteCount) {
        case (1, 148), (2, 92), (3, 64): true
        case (4, 32...): payload.byteCount % 16 == 0
        default: false
        }
    }

    private static func isSTUN(_ payload: RawSpan) -> Bool {
        payload.byteCount >= 20 && payload.bigEndian32(at: 4) == 0x2112_a442 && isOldSTUN(payload)
    }

    /// RFC 3489, without the magic number.
    private static func isOldSTUN(_ payload: RawSpan) -> Bool {
        guard payload.byteCount >= 20, payload.byte(at: 0) & 0xc0 == 0 else { return false }
        let length = Int(payload.bigEndian16(at: 2))
        return length % 4 == 0 && length + 20 <= payload.byteCount
    }

    private static func isDTLS(_ payload: RawSpan) -> Bool {
        guard payload.byteCount >= 13 else { return false }
        let version = payload.bigEndian16(at: 1)
        return (version == 0xfeff || version == 0xfefd) && Int(payload.bigEndian16(at: 11)) + 13 <= payload.byteCount
    }

    /// A BER sequence that begins with version 1, 2c or 3.
    private static func isSNMP(_ payload: RawSpan) -> Bool {
        let length = payload.byte(at: 1)
        let content = length < 0x80 ? 2 : 2 + Int(length & 0x7f)
        guard content <= 6, payload.byteCount >= content + 3, payload.bigEndian16(at: content) == 0x0201 else {
            return false
        }
        return [0, 1, 3].contains(payload.byte(at: content + 2))
    }

    /// `<0>` to `<191>` (RFC 5424).
    private static func isSyslog(_ payload: RawSpan) -> Bool {
        var (offset, priority) = (1, 0)
        while offset < min(4, payload.byteCount), 0x30...0x39 ~= payload.byte(at: offset) {
            priority = priority * 10 + Int(payload.byte(at: offset) - 0x30)
            offset += 1
        }
        return offset > 1 && offset < payload.byteCount && payload.byte(at: offset) == UInt8(ascii: ">")
            && priority <= 191
    }

    private static func isRTCP(_ payload: RawSpan) -> Bool {
        200...207 ~= payload.byte(at: 1) && (Int(payload.bigEndian16(at: 2)) + 1) * 4 <= payload.byteCount
            && payload.byteCount >= 8 && payload.byteCount % 4 == 0
    }

    /// A long header (RFC 8999) of a version in use.
    private static func isQUIC(_ payload: RawSpan) -> Bool {
        // The second bit is set in all of them, and tells them from RTP.
        guard payload.byteCount >= 7, payload.byte(at: 0) & 0xc0 == 0xc0 else { return false }
        let version = payload.bigEndian32(at: 1)
        let isKnown =
            version == 1 || version == 0x6b33_43cf || version >> 8 == 0xff_0000 || version >> 8 == 0x51_3035
            || version & 0x0f0f_0f0f == 0x0a0a_0a0a
        let length = Int(payload.byte(at: 5))
        return isKnown && length <= 20 && payload.byteCount > 6 + length && payload.byte(at: 6 + length) <= 20
    }

    /// RFC 8999, section 6: version 0, and only the first bit is sure.
    private static func isVersionNegotiation(_ payload: RawSpan) -> Bool {
        payload.byteCount >= 11 && payload.byte(at: 0) & 0x80 != 0 && payload.bigEndian32(at: 1) == 0
    }

    private static func isNetFlow(_ payload: RawSpan) -> Bool {
        guard payload.byteCount >= 20 else { return false }
        let records = Int(payload.bigEndian16(at: 2))
        return switch payload.bigEndian16(at: 0) {
        case 1: payload.byteCount == 16 + 52 * records
        case 5, 7: payload.byteCount >= 24 + 48 * records && records > 0
        case 9: records > 0
        case 10: records == payload.byteCount
        default: false
        }
    }

    /// `name:value|type`, the colon and the bar within the first 128 bytes.
    private static func isStatsD(_ payload: RawSpan) -> Bool {
        var hasColon = false
        for offset in 0..<min(128, payload.byteCount) {
            let byte = payload.byte(at: offset)
            guard byte >= 0x20 || byte == 0x0a else { return false }
            if byte == UInt8(ascii: ":") { hasColon = true }
            if byte == UInt8(ascii: "|") { return hasColon }
        }
        return false
    }

    /// Version 1 or 2, and the length of all; behind four zeros on port 4500 (RFC 3948).
    private static func isIKE(_ payload: RawSpan, at start: Int) -> Bool {
        guard payload.byteCount >= start + 28, start == 0 || payload.bigEndian32(at: 0) == 0 else { return false }
        return 1...2 ~= payload.byte(at: start + 17) >> 4
            && Int(payload.bigEndian32(at: start + 24)) == payload.byteCount - start
    }
}

extension RawSpan {
    /// Whether `text`, which is ASCII, stands at `offset`.
    fileprivate func begins(_ text: StaticString, at offset: Int = 0) -> Bool {
        let wanted = text.rawBytes
        guard offset + wanted.byteCount <= byteCount else { return false }
        return extracting(offset..<offset + wanted.byteCount).hasSameBytes(as: wanted)
    }
}
