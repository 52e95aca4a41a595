internal import CVolley
internal import Glibc
internal import VolleyCore

/// What the kernel does about datagrams larger than the path takes (ip(7), `IP_MTU_DISCOVER`; ipv6(7)).
///
/// A datagram that is refused is reported with `EMSGSIZE`, and with the MTU where it is known: see
/// ``DatagramError/mtu``, and ``DatagramOptions/receivesErrors``, with which it is always known.
public enum PathMTUDiscovery: CInt, Hashable, Sendable, CaseIterable {
    /// Fragments what is too large, and lets routers fragment it (`IP_PMTUDISC_DONT`).
    case dont = 0
    /// Fragments what is larger than the path MTU, which it finds out; the kernel's default (`IP_PMTUDISC_WANT`).
    case want = 1
    /// Never fragments: refuses what is larger than the path MTU (`IP_PMTUDISC_DO`).
    case `do` = 2
    /// Never fragments, and ignores the path MTU: for those who probe it themselves, RFC 8899 (`IP_PMTUDISC_PROBE`).
    case probe = 3
    /// Never fragments, and takes no path MTU from ICMP, only the interface's: safe against forged ICMP
    /// (`IP_PMTUDISC_INTERFACE`).
    case interface = 4
    /// As ``interface``, but fragments what is larger (`IP_PMTUDISC_OMIT`).
    case omit = 5
}

extension System {
    /// What the kernel knows of the path MTU to the peer a socket is connected to.
    static func pathMTU(_ descriptor: CInt, to peer: SocketAddress) -> Int? {
        let mtu =
            peer.ip.unmapped.isIPv6
            ? getOption(descriptor, CInt(IPPROTO_IPV6), IPV6_MTU) : getOption(descriptor, CInt(IPPROTO_IP), IP_MTU)
        return mtu.map(Int.init)
    }
}
