/// What the IP layer does with a live endpoint's packets; what is `nil` or false is left as the system has it.
///
/// On an IPv6 endpoint that speaks IPv4 as well, each is set for both.
public struct IPOptions: Sendable {
    /// The traffic class of everything sent (`IP_TOS`, `IPV6_TCLASS`): DSCP in the upper six bits, ECN in the lower two.
    public var trafficClass: UInt8?

    /// The differentiated services code point of everything sent, 0…63 (RFC 2474): the upper six bits of
    /// ``trafficClass``, which it sets or clears with ECN 0.
    ///
    /// Expedited forwarding, for voice, is 46. Higher bits of a greater number are ignored.
    public var dscp: UInt8? {
        get { trafficClass.map { $0 >> 2 } }
        set { trafficClass = newValue.map { $0 << 2 } }
    }

    /// How many hops unicast may travel (`IP_TTL`, `IPV6_UNICAST_HOPS`): 1…255; 0 is refused with `EINVAL` for IPv4.
    public var hopLimit: UInt8?

    /// Whether the endpoint may be bound to an address that no interface has, or not yet (`IP_FREEBIND`,
    /// `IPV6_FREEBIND`).
    public var bindsAnyAddress = false

    /// Whether the endpoint may receive and send as any address, for transparent proxies (`IP_TRANSPARENT`,
    /// `IPV6_TRANSPARENT`); takes `CAP_NET_ADMIN` or `CAP_NET_RAW`.
    public var isTransparent = false

    /// The defaults: nothing set on the socket.
    public init() {}
}
