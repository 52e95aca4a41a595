import CVolley
import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// Opening, membership and the end of sharded endpoints.
@Suite(.timeLimit(.minutes(10)))
struct ShardedEndpointTests {
    @Test("the factory is called once for each loop, in their order, on the loop")
    func factory() throws {
        let test = try TestGroup(3)
        let endpoint = try test.bind()
        #expect(test.log.threads.count == 3)
        for (loop, thread) in zip(test.group.loops, test.log.threads) {
            #expect(try loop.run { _ throws(DatagramError) in pthread_equal(thread, pthread_self()) != 0 })
        }
        #expect(endpoint.shards.map { $0.eventLoop === test.group.loops[0] } == [true, false, false])
        #expect(endpoint.localAddress.port != 0)
        #expect(endpoint.shards.allSatisfy { $0.localAddress == endpoint.localAddress })
        #expect(endpoint.activeShards == [0, 1, 2])
    }

    @Test("replies come from the shared address, and the statistics of all shards add up")
    func statistics() throws {
        let test = try TestGroup(2)
        let endpoint = try test.bind()
        for _ in 0..<20 {
            let peer = Peer()
            peer.send([1, 2, 3], to: endpoint.localAddress)
            let answer = peer.receive()
            #expect(answer?.bytes == [1, 2, 3])
            #expect(answer?.source == endpoint.localAddress)
        }
        let shards = endpoint.statisticsByShard()
        #expect(shards.count == 2)
        let sum = endpoint.statistics()
        #expect(sum == shards[0] + shards[1])
        #expect(sum.received == 20)
        #expect(sum.bytesReceived == 60)
        #expect(sum.receiveBatchSizes.reduce(0, +) == sum.receiveBatches)
        _ = try endpoint.removeShard(0, within: .seconds(30))
        #expect(endpoint.statistics().received == 20)
        endpoint.close()
        #expect(endpoint.waitUntilClosed() == nil)
        #expect(endpoint.statistics().received == 20)
        #expect(test.log.lost.sorted() == [0, 1])
        #expect(endpoint.activeShards.isEmpty)
        #expect(endpoint.shard(for: SocketAddress(.loopbackV4, port: 1)) == nil)
    }

    @Test("what is sent to a peer comes from the shard that its answers meet")
    func sending() throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind()
        var expected: [UInt64] = [0, 0, 0, 0]
        for number: UInt8 in 0..<20 {
            let peer = Peer()
            #expect(endpoint.send([number], to: peer.address))
            #expect(peer.receive()?.bytes == [number])
            expected[try #require(endpoint.shard(for: peer.address))] += 1
        }
        #expect(endpoint.statisticsByShard().map(\.sent) == expected)
        endpoint.close()
        endpoint.waitUntilClosed()
        #expect(!endpoint.send([1], to: endpoint.localAddress))
    }

    @Test("the port is free once all shards are closed")
    func portIsFree() throws {
        let test = try TestGroup(2)
        // An address of its own: another test may get any port of 127.0.0.1 while it is free.
        let ip = IPAddress(v4: 0x7f4d_0001)
        let endpoint = try test.bind(ip)
        let port = endpoint.localAddress.port
        #expect { try test.bind(ip, port: port) } throws: { ($0 as? DatagramError)?.errno == .addressInUse }
        endpoint.abort()
        endpoint.waitUntilClosed()
        let again = try test.bind(ip, port: port)
        #expect(again.localAddress.port == port)
    }

    @Test("a group of others is refused, and joined when that is asked for")
    func foreignGroup() throws {
        let foreign = try TestGroup(2)
        var options = DatagramOptions()
        options.reusesPort = true
        let stranger = try foreign.group.loops[0].bindDatagram(
            to: SocketAddress(.loopbackV4, port: 0), options: options
        ) {
            [log = foreign.log] in log.makeProtocol()
        }
        let port = try #require(stranger.localAddress).port
        let test = try TestGroup(2)
        #expect { try test.bind(port: port) } throws: { error in
            let error = error as? DatagramError
            return error?.errno == .addressInUse && error?.operation == .bind && error?.peer?.port == port
        }
        #expect { try test.bind(port: port) { $0.reusesPort = true } } throws: {
            ($0 as? DatagramError)?.errno == .invalidArgument
        }
        #expect(test.log.threads.isEmpty)
        let endpoint = try test.bind(port: port, steering: .kernel) { $0.reusesPort = true }
        let peers = (0..<100).map { _ in Peer() }
        for peer in peers { peer.send([1], to: endpoint.localAddress) }
        waitUntil { test.log.count + foreign.log.count == 100 }
        #expect(test.log.count + foreign.log.count == 100)
        #expect(foreign.log.count > 0 && test.log.count > 0)
        #expect(endpoint.shard(for: peers[0].address) == nil)
        #expect(try endpoint.removeShard(0, within: .seconds(30)).isReceivingComplete)
        #expect(endpoint.shard(for: peers[0].address) == nil)
    }

    @Test("a stranger that slips in between two binds is found, and the endpoint refused")
    func strangerSlipsIn() throws {
        let stranger = Mutex<CInt>(-1)
        let binds = Atomic<Int>(0)
        var calls = Syscalls.kernel
        unsafe calls.bind = { descriptor, name in
            if binds.add(1, ordering: .relaxed).newValue == 2 {
                let other = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
                _ = Syscalls.kernel.setOption(other, SOL_SOCKET, SO_REUSEPORT, 1)
                #expect(unsafe Syscalls.kernel.bind(other, name) == 0)
                stranger.withLock { $0 = other }
            }
            return unsafe Syscalls.kernel.bind(descriptor, name)
        }
        let test = try TestGroup(3, syscalls: calls)
        #expect { try test.bind() } throws: { ($0 as? DatagramError)?.errno == .addressInUse }
        #expect(test.log.threads.isEmpty)
        System.close(stranger.withLock { $0 })
        #expect(try test.bind().shards.count == 3)
    }

    @Test("a stranger that comes later gets nothing")
    func latecomer() throws {
        let test = try TestGroup(2)
        let endpoint = try test.bind()
        let latecomer = try TestGroup(1)
        let stranger = try latecomer.bind(port: endpoint.localAddress.port, steering: .kernel) { $0.reusesPort = true }
        for _ in 0..<50 { Peer().send([1], to: endpoint.localAddress) }
        test.await(50)
        #expect(stranger.statistics().received == 0)
    }

    @Test("when one shard cannot be opened, none is", arguments: [1, 2, 3])
    func allOrNothing(failing: Int) throws {
        let calls = Syscalls.kernel
        // Each socket is made non-blocking when it is made, and again by the loop that takes it over.
        let count = Atomic<Int>(0)
        let isArmed = Atomic<Bool>(true)
        var table = calls
        table.setNonBlocking = { descriptor in
            guard count.add(1, ordering: .relaxed).newValue == 3 + failing, isArmed.load(ordering: .relaxed) else {
                return calls.setNonBlocking(descriptor)
            }
            return -Int(ENFILE)
        }
        let test = try TestGroup(3, syscalls: table)
        #expect { try test.bind() } throws: { ($0 as? DatagramError)?.errno == .tooManyOpenFilesInSystem }
        #expect(test.log.threads.count == failing - 1)
        #expect(test.log.lost.sorted() == Array(0..<failing - 1))
        isArmed.store(false, ordering: .relaxed)
        #expect(try test.bind().activeShards == [0, 1, 2])
    }

    @Test("options out of their ranges and other families are refused")
    func refused() throws {
        let test = try TestGroup(2)
        #expect { try test.bind { $0.batchSize = 0 } } throws: { ($0 as? DatagramError)?.errno == .invalidArgument }
        let (group, log) = (test.group, test.log)
        #expect { try group.bindDatagram(to: .unspecified) { log.makeProtocol() } } throws: {
            ($0 as? DatagramError)?.errno == .addressFamilyNotSupported
        }
    }

    @Test("in async code the same is awaited")
    func suspending() async throws {
        let test = try TestGroup(3)
        let log = test.log
        let endpoint = try await test.group.bindDatagram(to: SocketAddress(.loopbackV6, port: 0)) { log.makeProtocol() }
        for _ in 0..<30 { Peer(.loopbackV6).send([1], to: endpoint.localAddress) }
        test.await(30)
        let report = try await endpoint.removeShard(2, within: .seconds(30))
        #expect(report.isComplete)
        #expect(await endpoint.statistics().received == 30)
        let reports = await endpoint.drain(within: .seconds(30))
        #expect(reports.map(\.isComplete) == [true, true, false], "the third had left before")
        #expect(await endpoint.closed() == nil)
        #expect(log.lost.sorted() == [0, 1, 2])
        let again = try await test.group.bindDatagram(to: endpoint.localAddress) { log.makeProtocol() }
        again.close()
        #expect(await again.closed() == nil)
    }
}
