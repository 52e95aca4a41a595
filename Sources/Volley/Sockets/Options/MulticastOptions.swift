public import VolleyCore

/// How a live endpoint receives and sends multicast; what is `nil` or empty is left as the system has it.
public struct MulticastOptions: Sendable {
    /// The groups to join before the endpoint receives anything; see ``DatagramTransport/join(_:)`` for later ones.
    ///
    /// Bind to a wildcard address, or to the group itself.
    public var memberships: [MulticastMembership] = []

    /// Whether datagrams to groups that only other sockets of this host have joined are received too
    /// (`IP_MULTICAST_ALL`, `IPV6_MULTICAST_ALL`).
    ///
    /// The system's default is yes, on wildcard binds. `nil`, the default here, means no for an endpoint that joins a
    /// group, which has said what it wants to hear, and the system's default for one that joins none. The IPv6 option
    /// takes Linux 4.20; before that it is refused when asked for, and left when not.
    public var receivesUnjoinedGroups: Bool?

    /// The interface that multicast leaves by (`IP_MULTICAST_IF`, `IPV6_MULTICAST_IF`); `nil` asks the routing table.
    public var interface: NetworkInterface?

    /// How many hops multicast may travel (`IP_MULTICAST_TTL`, `IPV6_MULTICAST_HOPS`): 0 stays on this host, 1, the
    /// system's default, on its links.
    public var hopLimit: UInt8?

    /// Whether members on this host hear what this endpoint sends (`IP_MULTICAST_LOOP`, `IPV6_MULTICAST_LOOP`, of the
    /// sender); the system's default is yes.
    ///
    /// What is sent by the loopback interface comes back in any case.
    public var loopsBack: Bool?

    /// The defaults: no group, and nothing set on the socket.
    public init() {}
}
