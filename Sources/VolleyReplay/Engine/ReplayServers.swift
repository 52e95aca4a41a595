import VolleyCore

/// The endpoints of a capture in which every one that was sent something first is a server.
struct ReplayServers {
    /// A client and the server it sent something first.
    private struct Conversation: Hashable {
        let client: SocketAddress
        let server: SocketAddress
    }

    /// The most endpoints that are made.
    let endpointsMax: Int
    /// The most conversations that are remembered; of more, the side that is a server already is taken for it.
    static let conversationsMax = 1 << 20
    private let conversationsMax: Int
    /// Datagrams of conversations beyond that number.
    private(set) var unremembered = 0

    private var conversations: [Conversation: Int] = [:]
    private var servers: [SocketAddress: Int] = [:]

    init(endpointsMax: Int, conversationsMax: Int = Self.conversationsMax) {
        self.endpointsMax = endpointsMax
        self.conversationsMax = conversationsMax
    }

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
        if conversations.count >= conversationsMax, servers[destination] == nil, let index = servers[source] {
            unremembered &+= 1
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
        guard conversations.count < conversationsMax else {
            unremembered &+= 1
            return
        }
        conversations[Conversation(client: client, server: server)] = index
    }
}
