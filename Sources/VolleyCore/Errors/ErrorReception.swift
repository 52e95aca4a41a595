/// Which endpoints hear, with all details, what the network reports of the datagrams they sent (`IP_RECVERR`,
/// `IPV6_RECVERR`; ip(7)).
///
/// Without it, a connected endpoint hears of hard errors only, with nothing but their errno, and an unconnected one of
/// none. With it, every ICMP and ICMPv6 error is reported with the peer, the type and code, who sent it, and the first
/// bytes of the datagram that failed; and of sends that a full queue of the interface dropped (`ENOBUFS`), which the
/// kernel otherwise hides.
public enum ErrorReception: String, Hashable, Sendable, CaseIterable {
    /// Nobody: the default.
    ///
    /// A server can do nothing about clients that go away, and anybody who can send it ICMP would keep it busy.
    case off
    /// Endpoints connected to one peer.
    case connected
    /// All endpoints, unconnected ones too: for those who send to many peers and want to know at once which are gone.
    case all

    /// Whether an endpoint that is connected to a peer, or is not, hears of them.
    public func applies(whenConnected isConnected: Bool) -> Bool {
        switch self {
        case .off: false
        case .connected: isConnected
        case .all: true
        }
    }
}
