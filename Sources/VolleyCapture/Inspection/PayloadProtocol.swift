/// What a datagram seems to carry, by its ports and by a look at its first bytes.
enum PayloadProtocol: UInt8, CaseIterable {
    case unknown
    case bacnet, bfd, bittorrentDHT, coap, dhcp, dhcpv6, dns, dtls, esp, geneve, gtpC, gtpU, hsrp, ike, ipfix, kerberos,
        l2tp
    case ldp, llmnr, mdns, memcached, netbiosDatagrams, netbiosNames, netflow, ntp, openvpn, ptp, quic, radius, rip
    case ripng, rtcp, rtp, sflow, sip, snmp, ssdp, statsd, stun, syslog, teredo, tftp, vxlan, wireguard

    /// What it was recognised by.
    enum Basis { case portAndContent, content, port, nothing }

    /// The name for reports.
    var name: String {
        switch self {
        case .bacnet: "BACnet"
        case .bittorrentDHT: "BitTorrent DHT"
        case .coap: "CoAP"
        case .dhcpv6: "DHCPv6"
        case .geneve: "Geneve"
        case .gtpC: "GTP-C"
        case .gtpU: "GTP-U"
        case .kerberos: "Kerberos"
        case .mdns: "mDNS"
        case .memcached: "memcached"
        case .netbiosDatagrams: "NetBIOS datagrams"
        case .netbiosNames: "NetBIOS names"
        case .netflow: "NetFlow"
        case .openvpn: "OpenVPN"
        case .ripng: "RIPng"
        case .sflow: "sFlow"
        case .statsd: "StatsD"
        case .syslog, .unknown: "\(self)"
        case .teredo: "Teredo"
        case .wireguard: "WireGuard"
        default: "\(self)".uppercased()
        }
    }

    /// The protocol IANA, or everybody, has given this port to.
    static func of(port: UInt16) -> PayloadProtocol {
        switch port {
        case 53: .dns
        case 67, 68: .dhcp
        case 69: .tftp
        case 88: .kerberos
        case 123: .ntp
        case 137: .netbiosNames
        case 138: .netbiosDatagrams
        case 161, 162: .snmp
        case 319, 320: .ptp
        case 443: .quic
        case 500, 4_500: .ike
        case 514: .syslog
        case 520: .rip
        case 521: .ripng
        case 546, 547: .dhcpv6
        case 646: .ldp
        case 1_194: .openvpn
        case 1_645, 1_646, 1_812, 1_813: .radius
        case 1_701: .l2tp
        case 1_900: .ssdp
        case 1_985, 2_029: .hsrp
        case 2_055, 9_555, 9_995, 9_996: .netflow
        case 2_123: .gtpC
        case 2_152: .gtpU
        case 3_478: .stun
        case 3_544: .teredo
        case 3_784, 3_785, 4_784: .bfd
        case 4_433, 5_684: .dtls
        case 4_739: .ipfix
        case 4_789, 8_472: .vxlan
        case 5_004: .rtp
        case 5_005: .rtcp
        case 5_060: .sip
        case 5_353: .mdns
        case 5_355: .llmnr
        case 5_683: .coap
        case 6_081: .geneve
        case 6_343: .sflow
        case 8_125: .statsd
        case 11_211: .memcached
        case 47_808: .bacnet
        case 51_820: .wireguard
        default: .unknown
        }
    }

    /// What the payload of a datagram between these ports is taken for: what its content says, if the port says the same
    /// or the content cannot be mistaken; the port's protocol otherwise, if it has one.
    static func recognise(
        _ payload: RawSpan, from source: UInt16, to destination: UInt16
    ) -> (protocol: PayloadProtocol, basis: Basis) {
        // Of two ports that have a protocol the lower one is the service's, the other one some client's by chance.
        let (lower, higher) = (of(port: min(source, destination)), of(port: max(source, destination)))
        let named = lower == .unknown ? higher : lower
        if named != .unknown, named.fits(payload) { return (named, .portAndContent) }
        if let found = certain(payload) { return (found, .content) }
        // Port 4500 is for both (RFC 3948).
        if named == .ike, payload.byteCount > 8 { return (.esp, .portAndContent) }
        return named == .unknown ? (.unknown, .nothing) : (named, .port)
    }
}

/// What a capture holds of one protocol.
public struct ProtocolTraffic: Hashable, Sendable {
    /// Its usual name, such as `DNS`; `unknown` for what was not recognised.
    public let name: String
    /// Datagrams and payload bytes.
    public let traffic: TrafficCount
    /// The datagrams whose port is the protocol's and whose content looks like it.
    public let byPortAndContent: Int
    /// Those whose content alone says so.
    public let byContent: Int
    /// Those whose port alone says so: their content does not look like it.
    public let byPort: Int
}

/// The counts of all protocols.
struct ProtocolTable: Sendable {
    private struct Entry {
        var traffic = TrafficCount()
        var both = 0
        var content = 0
        var port = 0
    }

    private var entries = [Entry](repeating: Entry(), count: PayloadProtocol.allCases.count)

    mutating func add(_ found: PayloadProtocol, _ basis: PayloadProtocol.Basis, bytes: Int) {
        let index = Int(found.rawValue)
        entries[index].traffic.datagrams += 1
        entries[index].traffic.payloadBytes += bytes
        switch basis {
        case .portAndContent: entries[index].both += 1
        case .content: entries[index].content += 1
        case .port: entries[index].port += 1
        case .nothing: break
        }
    }

    /// Makes a datagram that was counted as unknown one of `found`: later ones have shown it.
    mutating func settle(_ found: PayloadProtocol, bytes: Int) {
        let unknown = Int(PayloadProtocol.unknown.rawValue)
        entries[unknown].traffic.datagrams -= 1
        entries[unknown].traffic.payloadBytes -= bytes
        add(found, .content, bytes: bytes)
    }

    /// All protocols that came, those with most datagrams first.
    var sorted: [ProtocolTraffic] {
        PayloadProtocol.allCases.compactMap { kind -> ProtocolTraffic? in
            let entry = entries[Int(kind.rawValue)]
            guard entry.traffic.datagrams > 0 else { return nil }
            return ProtocolTraffic(
                name: kind.name, traffic: entry.traffic, byPortAndContent: entry.both, byContent: entry.content,
                byPort: entry.port)
        }
        .sorted { left, right in
            let (leftCount, rightCount) = (left.traffic.datagrams, right.traffic.datagrams)
            return leftCount == rightCount ? left.name < right.name : leftCount > rightCount
        }
    }
}
