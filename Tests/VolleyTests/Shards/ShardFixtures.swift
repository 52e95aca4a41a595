import CVolley
import Glibc
import Synchronization
import Testing
import VolleyCore

@testable import Volley

/// What the shards of a test's endpoint have seen, from all their threads.
final class ShardLog: Sendable {
    struct Entry: Hashable {
        let shard: Int
        let source: SocketAddress
        let bytes: [UInt8]
    }
    private struct State {
        var entries: [Entry] = []
        var threads: [pthread_t] = []
        var lost: [Int] = []
    }
    private let state = Mutex(State())
    private let delivered = Atomic<Int>(0)

    var entries: [Entry] { state.withLock { $0.entries } }
    /// How many entries there are, cheaply.
    var count: Int { delivered.load(ordering: .acquiring) }
    /// The threads the protocols were made on, in the order of their making.
    var threads: [pthread_t] { state.withLock { $0.threads } }
    /// The shards whose protocol was told of its end.
    var lost: [Int] { state.withLock { $0.lost } }

    /// The shards each source has met.
    var shardsBySource: [SocketAddress: Set<Int>] {
        entries.reduce(into: [:]) { $0[$1.source, default: []].insert($1.shard) }
    }

    /// A protocol of the next shard: the factory is called in their order.
    func makeProtocol() -> any DatagramProtocol {
        let shard = state.withLock { state in
            state.threads.append(pthread_self())
            return state.threads.count - 1
        }
        return Shard(shard, self)
    }

    private final class Shard: DatagramProtocol {
        let index: Int
        let log: ShardLog
        init(_ index: Int, _ log: ShardLog) {
            self.index = index
            self.log = log
        }

        func datagramReceived(_ datagram: Datagram) {
            let entry = Entry(shard: index, source: datagram.source, bytes: Array(copying: datagram.payload))
            log.state.withLock { $0.entries.append(entry) }
            log.delivered.add(1, ordering: .releasing)
            datagram.reply(datagram.payload)
        }

        func connectionLost(_ error: DatagramError?) { log.state.withLock { $0.lost.append(index) } }
    }
}

/// A group that is stopped when the test is over.
final class TestGroup {
    let group: EventLoopGroup
    let log = ShardLog()

    init(_ count: Int, isPinned: Bool = false, syscalls: Syscalls = .kernel) throws {
        group = try EventLoopGroup(count: count, isPinned: isPinned, syscalls: syscalls)
    }

    deinit { group.stop() }

    func bind(
        _ ip: IPAddress = .loopbackV4, port: UInt16 = 0, steering: ShardSteering = .sourceHash,
        _ configure: (inout DatagramOptions) -> Void = { _ in }
    ) throws(DatagramError) -> ShardedEndpoint {
        var options = DatagramOptions()
        configure(&options)
        return try group.bindDatagram(to: SocketAddress(ip, port: port), options: options, steering: steering) {
            [log] in log.makeProtocol()
        }
    }

    /// Waits until `count` datagrams have been delivered.
    func await(_ count: Int) {
        waitUntil { log.count >= count }
        #expect(log.count == count)
    }
}

extension Peer {
    /// A socket bound to an address and port; port 0 stands for a free one.
    convenience init(_ ip: IPAddress, options: [(level: CInt, name: CInt, value: [UInt8])]) throws {
        self.init(ip)
        for option in options {
            // SAFETY: the kernel reads as many bytes as the array has.
            let result = unsafe option.value.withUnsafeBytes {
                unsafe setsockopt(descriptor, option.level, option.name, $0.baseAddress, UInt32($0.count))
            }
            if result != 0 && errno == EPERM { try Test.cancel("this socket option takes privileges") }
            try #require(result == 0, "setsockopt: errno \(errno)")
        }
    }
}
