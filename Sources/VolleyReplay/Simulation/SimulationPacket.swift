import VolleyCore

/// What travels along links: one datagram in all its fragments, or an ICMP error.
struct SimulationPacket {
    /// What it carries.
    enum Body {
        case datagram([UInt8])
        case icmp(ICMPReport)
        case segment(StreamSegment)
    }

    let source: SocketAddress
    let destination: SocketAddress
    let body: Body
    /// The IPv4 TOS or IPv6 traffic class.
    var trafficClass: Int16 = 0
    /// The bytes of each IP packet it is sent in at most; fragments are made to fit it.
    var packetSizeMax = 65_575

    var isIPv6: Bool { destination.family == .ipv6 }

    var payload: [UInt8] {
        switch body {
        case .datagram(let payload): payload
        case .icmp(let message): message.quoted
        case .segment(let segment): segment.payload
        }
    }

    /// Bytes of the IP packet, were it sent in one.
    var size: Int {
        let header = isIPv6 ? 40 : 20
        return switch body {
        case .datagram(let payload): header + 8 + payload.count
        case .segment(let segment): header + StreamSegment.headerLength + segment.payload.count
        // An ICMP error quotes as much of the IP packet as fits into 576 or 1,280 bytes (RFC 1812, RFC 4443).
        case .icmp(let message): min(header + 8 + header + 8 + message.quoted.count, isIPv6 ? 1_280 : 576)
        }
    }

    /// How many packets it is sent in, when each is to have at most `limit` bytes, and how many bytes they have in all.
    func fragments(_ limit: Int) -> (count: Int, bytes: Int) {
        let size = size
        guard size > limit else { return (1, size) }
        // What a fragment carries is a multiple of eight bytes, but for the last one's.
        let (header, extra) = isIPv6 ? (40, 8) : (20, 0)
        let share = max(8, (limit - header - extra) / 8 * 8)
        let count = (size - header + share - 1) / share
        return (count, size - header + count * (header + extra))
    }
}
