import VolleyCore

/// One endpoint of a replay: its transport and the world behind it.
final class ReplayEndpoint {
    let role: ReplayRole
    let transport: RingTransport
    let world: ReplayWorld
    let sink: ReplaySink

    init(_ role: ReplayRole, _ options: ReplayOptions, loop: VirtualEventLoop, sink: ReplaySink) {
        self.role = role
        self.sink = sink
        var names = EndpointNames()
        names.local = role.local
        names.remote = role.peer
        // Only `.ipv6` maps IPv4 destinations, which belongs to dual-stack sockets; otherwise addresses of either
        // family stay what they are, so that one endpoint can have both.
        let isIPv6 = !role.matchesBothFamilies && role.local.family == .ipv6
        transport = RingTransport(
            eventLoop: loop, names: names, addressing: isIPv6 ? .ipv6 : .ipv4, limits: options.writeBufferLimits)
        world = ReplayWorld(transport, loop: loop, role: role, sink: sink, options: options)
    }
}

/// The endpoints of a capture in which every one that was sent something first is a server.
struct ReplayServers {
    /// A client and the server it sent something first.
    private struct Conversation: Hashable {
        let client: SocketAddress
        let server: SocketAddress
    }

    /// The most endpoints that are made.
    let endpointsMax: Int
    /// The most conversations that are told apart; of more, the side that is a server already is taken for it.
    private static let conversationsMax = 1 << 20

    private var conversations: [Conversation: Int] = [:]
    private var servers: [SocketAddress: Int] = [:]

    init(endpointsMax: Int) { self.endpointsMax = endpointsMax }

    /// Which endpoint a datagram is of, and whether that one sent it.
    enum Owner {
        /// An endpoint there is.
        case known(Int, isAnswer: Bool)
        /// One that has to be made, with this number.
        case new(Int)
        /// None, since there are ``ReplayServers/endpointsMax`` already.
        case none
    }

    mutating func owner(from source: SocketAddress, to destination: SocketAddress) -> Owner {
        if let index = conversations[Conversation(client: source, server: destination)] {
            return .known(index, isAnswer: false)
        }
        if let index = conversations[Conversation(client: destination, server: source)] {
            return .known(index, isAnswer: true)
        }
        if conversations.count >= Self.conversationsMax, servers[destination] == nil, let index = servers[source] {
            return .known(index, isAnswer: true)
        }
        if let index = servers[destination] {
            remember(source, destination, index)
            return .known(index, isAnswer: false)
        }
        guard servers.count < endpointsMax else { return .none }
        let index = servers.count
        servers[destination] = index
        remember(source, destination, index)
        return .new(index)
    }

    /// The endpoint of an address, if there is one.
    func index(of server: SocketAddress) -> Int? { servers[server] }

    private mutating func remember(_ client: SocketAddress, _ server: SocketAddress, _ index: Int) {
        guard conversations.count < Self.conversationsMax else { return }
        conversations[Conversation(client: client, server: server)] = index
    }
}
