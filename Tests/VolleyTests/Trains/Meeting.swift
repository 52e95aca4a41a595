import VolleyCore

/// How an endpoint and its peers meet.
enum Meeting: CaseIterable {
    case ipv4, ipv4Wildcard, ipv6, ipv6Wildcard, mapped

    var bound: IPAddress {
        switch self {
        case .ipv4: .loopbackV4
        case .ipv4Wildcard: .anyV4
        case .ipv6: .loopbackV6
        case .ipv6Wildcard, .mapped: .anyV6
        }
    }
    /// Where peers send to: on a wildcard bind not what the routing table would answer from.
    var target: IPAddress {
        switch self {
        case .ipv4: .loopbackV4
        case .ipv4Wildcard, .mapped: IPAddress(v4: 0x7f00_0002)
        case .ipv6, .ipv6Wildcard: .loopbackV6
        }
    }
    var peer: IPAddress { target.isIPv6 ? .loopbackV6 : .loopbackV4 }
    var isWildcard: Bool { bound.isUnspecified }
    /// How the endpoint names an address of a peer's.
    func seen(_ address: SocketAddress) -> SocketAddress { self == .mapped ? address.mappedToIPv6 : address }
    func seen(_ address: IPAddress) -> IPAddress { self == .mapped ? address.mappedToIPv6 : address }
}
