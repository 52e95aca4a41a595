import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// A shard that leaves loses nothing.
@Suite(.timeLimit(.minutes(10)))
struct ShardDrainTests {
    @Test("what a shard has queued when it leaves is delivered and answered")
    func queued() throws {
        let test = try TestGroup(2)
        let endpoint = try test.bind()
        let peers = (0..<200).map { _ in Peer() }.filter { endpoint.shard(for: $0.address) == 1 }.prefix(50)
        let descriptor = try #require(try liveDescriptor(of: endpoint.shards[1]))
        // Its loop is held up until the shard has been excluded, so that everything has to be queued.
        let isHeld = Atomic<Bool>(false)
        withHeld(test.group.loops[1], isHeld, until: { endpoint.activeShards == [0] }) {
            for peer in peers {
                let charge = System.receiveCharge(descriptor) ?? 0
                peer.send([9], to: endpoint.localAddress)
                waitUntil { System.receiveCharge(descriptor) ?? 0 > charge }
            }
            #expect(test.log.count == 0)
            let report = try? endpoint.removeShard(1, within: .seconds(60))
            #expect(report?.received == UInt64(peers.count))
            #expect(report?.isComplete == true)
        }
        #expect(test.log.count == peers.count)
        for peer in peers { #expect(peer.receive()?.bytes == [9]) }
        #expect(test.log.lost == [1])
    }

    @Test(
        "shards leave under steady load from many peers, and every datagram is received",
        arguments: [
            ShardSteering.sourceHash, .cpu, .kernel,
        ])
    func underLoad(steering: ShardSteering) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(steering: steering)
        let load = SteadyLoad(to: endpoint.localAddress, log: test.log)
        let sender = try LiveEventLoop()
        defer { sender.stop() }
        sender.execute { _ in load.run() }
        for leaver in [1, 3, 0] {
            let mark = test.log.count + 2_000
            waitUntil { test.log.count >= mark }
            #expect(try endpoint.removeShard(leaver, within: .seconds(60)).isComplete)
        }
        load.stop()
        waitUntil { UInt64(test.log.count) == load.sent }
        let statistics = endpoint.statistics()
        #expect(statistics.received == load.sent)
        #expect(statistics.kernelDrops == 0)
        #expect(load.sent > 6_000)
        #expect(test.log.count == Int(load.sent))
        #expect(endpoint.activeShards == [2])
        guard steering == .sourceHash else { return }
        // Whose shard has not left has met no other.
        for (source, shards) in test.log.shardsBySource
        where steering.shard(for: source, count: 4, active: [0, 1, 2, 3]) == 2 {
            #expect(shards == [2])
        }
    }

    @Test("draining all stops the intake, delivers what is queued and frees the port")
    func all() throws {
        let test = try TestGroup(2)
        let endpoint = try test.bind()
        let load = SteadyLoad(to: endpoint.localAddress, log: test.log)
        let sender = try LiveEventLoop()
        defer { sender.stop() }
        sender.execute { _ in load.run() }
        waitUntil { test.log.count >= 1_000 }
        let reports = endpoint.drain(within: .seconds(60))
        load.stop()
        #expect(reports.count == 2)
        #expect(reports.map(\.isComplete) == [true, true])
        let statistics = endpoint.statistics()
        #expect(statistics.received == UInt64(test.log.count))
        #expect(statistics.sendsDropped == 0)
        #expect(test.log.lost.sorted() == [0, 1])
        #expect(try test.bind(port: endpoint.localAddress.port).shards.count == 2)
    }

    @Test("only an active shard can leave, and not the last")
    func refused() throws {
        let test = try TestGroup(2)
        let endpoint = try test.bind()
        for index in [-1, 2, .max] {
            #expect { try endpoint.removeShard(index, within: .seconds(1)) } throws: {
                ($0 as? DatagramError)?.errno == .invalidArgument
            }
        }
        _ = try endpoint.removeShard(0, within: .seconds(30))
        for index in [0, 1] {
            #expect { try endpoint.removeShard(index, within: .seconds(1)) } throws: {
                ($0 as? DatagramError)?.errno == .invalidArgument
            }
        }
        Peer().send([1], to: endpoint.localAddress)
        test.await(1)
    }

    private func liveDescriptor(of endpoint: DatagramEndpoint) throws -> CInt? {
        let found = Reply<CInt>()
        endpoint.execute { found.give(.success($0.extraInfo("descriptor", default: -1))) }
        return try found.wait().get()
    }

    /// Runs `body` while `loop` does nothing but wait for `condition`.
    private func withHeld(
        _ loop: LiveEventLoop, _ isHeld: borrowing Atomic<Bool>, until condition: @escaping @Sendable () -> Bool,
        _ body: () -> Void
    ) {
        let latch = Latch()
        loop.execute { _ in
            latch.open()
            waitUntil(condition)
        }
        latch.wait()
        body()
    }
}

/// Peers that keep fewer datagrams on their way than a socket's buffer holds, from one thread.
private final class SteadyLoad: Sendable {
    private let destination: SocketAddress
    private let log: ShardLog
    private let isStopped = Atomic<Bool>(false)
    private let count = Atomic<UInt64>(0)
    private let hasEnded = Latch()

    init(to destination: SocketAddress, log: ShardLog) {
        self.destination = destination
        self.log = log
    }

    /// How many have been sent.
    var sent: UInt64 { count.load(ordering: .acquiring) }

    func run() {
        let peers = (0..<64).map { _ in Peer() }
        var next = 0
        while !isStopped.load(ordering: .acquiring) {
            guard sent < UInt64(log.count) + 128 else {
                sched_yield()
                continue
            }
            peers[next % peers.count].send([UInt8(truncatingIfNeeded: next)], to: destination)
            next += 1
            count.add(1, ordering: .releasing)
        }
        hasEnded.open()
    }

    /// Ends ``run()`` and waits for its end.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        hasEnded.wait()
    }
}
