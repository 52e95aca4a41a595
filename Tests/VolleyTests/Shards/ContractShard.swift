import Testing
import VolleyTesting

@testable import Volley

/// A group of three shards on one loop that is stepped by hand; the second is the endpoint under test.
///
/// Its siblings share its address and must never get anything: the contract's peers are chosen such that the source
/// hash gives all of them to the second.
final class ContractShard {
    private static let (count, place) = (3, 1)
    private let loop: EpollLoop
    private var siblings: [RingTransport] = []
    /// Keeps the endpoint's place in the group when it has closed, as a sharded endpoint does.
    private var sockets: ShardSockets?

    init(on loop: EpollLoop) { self.loop = loop }

    deinit {
        for sibling in siblings { sibling.abort() }
        loop.settle()
    }

    /// A peer that meets the endpoint under test.
    static func peer(host: IPAddress) throws -> PeerSocket {
        // Kept until one fits, so that none gets the port of one before.
        var others: [PeerSocket] = []
        while true {
            let peer = try PeerSocket(host: host)
            let address = try #require(peer.address.socketAddress)
            if ShardSteering.sourceHash.shard(for: address, count: count, active: Array(0..<count)) == place {
                return peer
            }
            others.append(peer)
        }
    }

    /// Opens the group and returns the endpoint under test.
    func open(
        at address: SocketAddress, _ options: DatagramOptions, _ protocol: any DatagramProtocol
    ) throws -> RingTransport {
        let sockets = try ShardSockets(Self.count, at: address, options, syscalls: loop.syscalls)
        self.sockets = sockets
        // The program stays with the sockets.
        _ = try ShardMembership(sockets, steering: .sourceHash, processors: nil, isShared: false)
        let transports = try (0..<Self.count).map { index in
            let socket = try DatagramSocket(adopting: try sockets.duplicate(index), syscalls: loop.syscalls)
            return try loop.open(socket, options, sockets.report) { index == Self.place ? `protocol` : Sibling() }
        }
        try sockets.acceptDatagrams()
        siblings = transports.enumerated().filter { $0.offset != Self.place }.map(\.element)
        return transports[Self.place]
    }

    private final class Sibling: DatagramProtocol {
        func datagramReceived(_ datagram: Datagram) {
            Issue.record("a datagram from \(datagram.source) went astray")
        }
    }
}
