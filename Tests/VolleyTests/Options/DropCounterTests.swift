import Glibc
import Synchronization
import Testing
import VolleyTesting

@testable import Volley

/// Kernel drops: counted exactly, whatever the kernel's 32-bit counter does.
@Suite("Kernel drops", .timeLimit(.minutes(10)))
struct DropCounterTests {
    /// The first sample, the others, and what they come to.
    private static let wrapRows: [(UInt32, [UInt32], UInt64)] = [
        (0, [5, 5, 9], 9),
        (4_294_967_294, [4_294_967_295, 0, 3], 5),
        (7, [6], 4_294_967_295),
        (0, [4_294_967_295, 4_294_967_294], 8_589_934_590),
    ]

    @Test("the count goes on over the wrap of the kernel's counter", arguments: wrapRows.indices)
    func wraps(index: Int) {
        let (first, samples, total) = Self.wrapRows[index]
        var counter = DropCounter(startingAt: first)
        for sample in samples { counter.sample(sample) }
        #expect(counter.total == total)
    }

    /// A kernel whose drop count a test says.
    private final class Count: Sendable {
        let value = Atomic<UInt32>(0)
        let reads = Atomic(0)
        var table: Syscalls {
            var table = Syscalls.kernel
            table.dropCount = { [self] _ in
                reads.add(1, ordering: .relaxed)
                return value.load(ordering: .relaxed)
            }
            return table
        }
    }

    @Test("statistics of an endpoint go on over the wrap, and the last ones after its end")
    func endpointWraps() throws {
        let count = Count()
        let loop = try EpollLoop(syscalls: count.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) {
            RecordingProtocol()
        }
        var expected: UInt64 = 0
        for step: UInt32 in [3_000_000_000, 2_000_000_000, 0, 4_294_967_295] {
            count.value.store(count.value.load(ordering: .relaxed) &+ step, ordering: .relaxed)
            expected += UInt64(step)
            #expect(transport.statistics.kernelDrops == expected)
        }
        count.value.store(count.value.load(ordering: .relaxed) &+ 11, ordering: .relaxed)
        transport.close()
        loop.settle()
        #expect(transport.statistics.kernelDrops == expected + 11)
    }

    @Test("of an adopted socket only what is dropped from then on counts")
    func adopted() throws {
        let count = Count()
        count.value.store(.max - 2, ordering: .relaxed)
        let loop = try EpollLoop(syscalls: count.table)
        let descriptor = CInt(Syscalls.kernel.socket(CInt(AF_INET)))
        let transport = try loop.adopt(descriptor, DatagramOptions()) { RecordingProtocol() }
        #expect(transport.statistics.kernelDrops == 0)
        count.value.store(4, ordering: .relaxed)
        #expect(transport.statistics.kernelDrops == 7)
        loop.shutDown()
    }

    @Test(
        "nobody asks for statistics: the count is sampled all the same, by wake-ups or, while reading is paused, a timer"
    )
    func sampled() throws {
        let count = Count()
        let loop = try EpollLoop(syscalls: count.table)
        loop.dropSamplingInterval = 1
        let recorder = RecordingProtocol()
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { recorder }
        #expect(count.reads.load(ordering: .relaxed) == 0)
        // Two samples within a wrap each, which together are more than one.
        count.value.store(3_000_000_000, ordering: .relaxed)
        let peer = Peer()
        peer.send([1], to: try #require(transport.localAddress))
        loop.settle { recorder.payloads.count == 1 }
        #expect(count.reads.load(ordering: .relaxed) == 1)
        transport.pauseReading()
        count.value.store(1_705_032_704, ordering: .relaxed)
        loop.settle { count.reads.load(ordering: .relaxed) >= 4 }
        #expect(count.reads.load(ordering: .relaxed) >= 4)
        transport.resumeReading()
        count.value.store(1_705_032_704 + 5, ordering: .relaxed)
        #expect(transport.statistics.kernelDrops == 6_000_000_005)
        loop.shutDown()
    }

    @Test("an endpoint that begins with a pause is sampled, and one that reads leaves no timer behind")
    func timers() throws {
        let count = Count()
        let loop = try EpollLoop(syscalls: count.table)
        loop.dropSamplingInterval = 1
        let recorder = RecordingProtocol()
        recorder.onConnectionMade = { $0.pauseReading() }
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { recorder }
        loop.settle { count.reads.load(ordering: .relaxed) >= 3 }
        #expect(count.reads.load(ordering: .relaxed) >= 3)
        for _ in 0..<10 {
            transport.resumeReading()
            transport.pauseReading()
        }
        transport.resumeReading()
        loop.settle()
        // At most the one timer that was under way.
        let reads = count.reads.load(ordering: .relaxed)
        for _ in 0..<1_000 { loop.turn(waiting: false) }
        #expect(count.reads.load(ordering: .relaxed) <= reads + 1)
        loop.shutDown()
    }

    private static let hosts = [IPAddress.loopbackV4, .loopbackV6]

    @Test("a small receive buffer: drops are exactly what was sent and not received", arguments: hosts, [false, true])
    func exact(host: IPAddress, isPaused: Bool) throws {
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        var options = DatagramOptions()
        options.receiveBufferSize = 20_000
        let transport = try loop.bind(to: SocketAddress(host, port: 0), options) { recorder }
        let address = try #require(transport.localAddress)
        let peer = Peer(host)
        var sent: UInt64 = 0
        func send(_ count: Int) {
            for _ in 0..<count { peer.send([UInt8](repeating: 7, count: 200), to: address) }
            sent += UInt64(count)
        }
        func settle() {
            loop.settle { transport.statistics.received + transport.statistics.kernelDrops == sent }
        }
        if isPaused { transport.pauseReading() }
        // The loop does not run meanwhile: most of it does not fit.
        send(2_000)
        if isPaused {
            loop.settle()
            #expect(transport.statistics.received == 0)
            transport.resumeReading()
        }
        settle()
        #expect(transport.statistics.received > 0)
        #expect(transport.statistics.kernelDrops > 1_000)
        #expect(transport.statistics.received + transport.statistics.kernelDrops == sent)
        #expect(UInt64(recorder.payloads.count) == transport.statistics.received)
        // With room again nothing is dropped, and nothing is counted twice.
        let drops = transport.statistics.kernelDrops
        for _ in 0..<50 {
            send(1)
            settle()
        }
        #expect(transport.statistics.kernelDrops == drops)
        send(1_000)
        settle()
        transport.close()
        loop.settle()
        #expect(transport.statistics.received + transport.statistics.kernelDrops == sent)
        #expect(transport.statistics.kernelDrops > drops)
    }
}
