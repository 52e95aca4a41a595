/// Whose part of a capture a protocol takes over: the *local endpoint* of a replay.
///
/// What the capture shows as sent **to** the local endpoint is delivered to the protocol; what it shows as sent **by**
/// it is the golden answer that the protocol's own datagrams are compared with. Server and client differ in name only.
/// A datagram whose two ends both match counts as sent to it (see ``ReplayDatagrams/ambiguous``): name the address too
/// where both sides use one port, as with NTP or mDNS.
public struct ReplayRole: Hashable, Sendable {
    /// The local endpoint: its port, and its address unless that is unspecified.
    public let local: SocketAddress
    /// The one peer of a connected endpoint; datagrams of others are not for it.
    public let peer: SocketAddress?
    /// Whether any address of either family matches: only the port was named.
    let matchesBothFamilies: Bool
    /// Whether only the port, or the port and family, decide.
    let isWildcard: Bool
    /// Whether it stands for every endpoint that is sent something.
    let isEveryServer: Bool

    /// Whether the port alone decides.
    let isPortOnly: Bool

    /// Whether it stands for more than one endpoint.
    public var isEveryEndpoint: Bool { isEveryServer }

    /// Every endpoint of the capture that is sent something before it sends to that peer: each gets a protocol of its
    /// own, at most ``ReplayOptions/endpointsMax`` of them.
    ///
    /// What such an endpoint sends back is what replies are compared with.
    public static let everyServer = ReplayRole(
        SocketAddress(IPAddress(v4: 0), port: 0), peer: nil, isEveryServer: true)

    /// A server on `port`, whatever its addresses, IPv4 and IPv6 alike.
    public static func server(port: UInt16) -> ReplayRole { ReplayRole(port: port) }

    /// A server on one address and port; an unspecified address (0.0.0.0, `::`) stands for all of its family.
    public static func server(_ local: SocketAddress) -> ReplayRole { ReplayRole(local, peer: nil) }

    /// A client that sent from `port`, whatever its address.
    public static func client(port: UInt16) -> ReplayRole { ReplayRole(port: port) }

    /// A client that sent from one address and port.
    ///
    /// - Parameters:
    ///   - local: an unspecified address stands for all of its family.
    ///   - peer: makes the endpoint a connected one: it receives from this address only, and may send to it without
    ///     naming it.
    /// - Returns: the role.
    public static func client(_ local: SocketAddress, connectedTo peer: SocketAddress? = nil) -> ReplayRole {
        ReplayRole(local, peer: peer)
    }

    private init(port: UInt16) {
        local = SocketAddress(IPAddress(v4: 0), port: port)
        peer = nil
        matchesBothFamilies = true
        isWildcard = true
        isEveryServer = false
        isPortOnly = true
    }

    private init(_ local: SocketAddress, peer: SocketAddress?, isEveryServer: Bool = false) {
        self.local = SocketAddress(local.ip, port: local.port)
        self.peer = peer.map { SocketAddress($0.ip, port: $0.port) }
        matchesBothFamilies = isEveryServer
        self.isEveryServer = isEveryServer
        isWildcard = local.ip.isUnspecified
        isPortOnly = false
    }

    /// Whether `address` is the local endpoint.
    @inline(__always)
    func isLocal(_ address: SocketAddress) -> Bool {
        guard address.port == local.port else { return false }
        if isWildcard { return matchesBothFamilies || address.family == local.family }
        return address == local
    }

    /// Whether what is sent from `source` to `destination` is for the local endpoint, which is one.
    @inline(__always)
    func takes(from source: SocketAddress, to destination: SocketAddress) -> Bool {
        isPortOnly
            ? destination.port == local.port : !isEveryServer && isLocal(destination) && accepts(source)
    }

    /// Whether the endpoint receives from `address` at all.
    @inline(__always)
    func accepts(_ address: SocketAddress) -> Bool {
        guard let peer else { return true }
        return peer == address
    }
}

extension ReplayRole: CustomStringConvertible {
    /// `port 53`, `192.0.2.1:53`, `every server`, or `192.0.2.1:40000 connected to 192.0.2.2:53`.
    public var description: String {
        if isEveryServer { return "every server" }
        if matchesBothFamilies { return "port \(local.port)" }
        guard let peer else { return "\(local)" }
        return "\(local) connected to \(peer)"
    }
}
