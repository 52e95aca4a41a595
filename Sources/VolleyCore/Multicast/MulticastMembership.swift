package import SystemPackage

/// What an endpoint joins and leaves: a multicast group, of any source or of one, on one interface.
///
/// A membership of one source is source-specific multicast (RFC 4607; API: RFC 3678); several sources take several
/// memberships. One socket is a member of a group in one way on each interface: joining a source narrows a membership of
/// any source to that one.
public struct MulticastMembership: Hashable, Sendable, CustomStringConvertible {
    /// The group: an address within 224.0.0.0/4 or ff00::/8.
    public let group: IPAddress
    /// The only source to hear, of the group's family; `nil` for any.
    public let source: IPAddress?
    /// The interface to join on; `nil` leaves the choice to the routing table.
    ///
    /// Name it wherever there are several: a group has no route of its own on most hosts.
    public let interface: NetworkInterface?

    /// A membership of `group`; IPv4-mapped addresses stand for the IPv4 addresses they carry.
    ///
    /// Nothing is checked here: joining a group that is none throws `EINVAL`.
    public init(_ group: IPAddress, source: IPAddress? = nil, interface: NetworkInterface? = nil) {
        self.group = group.unmapped
        self.source = source?.unmapped
        self.interface = interface
    }

    /// The membership in one text: `239.1.2.3`, `239.1.2.3%eth0`, `192.0.2.1@232.1.2.3%eth0`.
    public var description: String {
        (source.map { "\($0)@" } ?? "") + "\(group)" + (interface.map { "%\($0)" } ?? "")
    }
}

extension MulticastMembership {
    /// The name of the socket option that joins or leaves (ip(7)).
    package func optionName(isJoining: Bool) -> String {
        "MCAST_\(isJoining ? "JOIN" : "LEAVE")_\(source == nil ? "" : "SOURCE_")GROUP"
    }

    /// An error of joining or leaving, with what is known about its reason.
    package func error(_ errno: Errno, isJoining: Bool, hint: String? = nil) -> DatagramError {
        DatagramError(
            errno, operation: .configure,
            option: DatagramError.Option(optionName(isJoining: isJoining), value: description, hint: hint))
    }

    /// Refuses what no endpoint with such addresses can join: the same in every world, before the world is asked.
    ///
    /// An IPv6 endpoint may join IPv4 groups as well; unless it is IPv6-only, it receives from them.
    package func check(for addressing: SocketAddressing, isJoining: Bool) throws(DatagramError) {
        if addressing == .unix { throw error(.notSupportedOnSocket, isJoining: isJoining) }
        guard group.isMulticast else {
            throw error(
                .invalidArgument, isJoining: isJoining, hint: "groups are within 224.0.0.0/4 and ff00::/8")
        }
        if let source, source.isIPv6 != group.isIPv6 {
            throw error(.invalidArgument, isJoining: isJoining, hint: "source and group are of one family")
        }
        if group.isIPv6, addressing == .ipv4 {
            throw error(
                .addressFamilyNotSupported, isJoining: isJoining, hint: "an IPv6 group takes an IPv6 endpoint")
        }
    }
}
