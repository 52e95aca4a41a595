import CAllocations
import Synchronization
import Testing
import VolleyCore

@testable import Volley

#if DEBUG
private let isOptimised = false
#else
private let isOptimised = true
#endif
private let isCounting = isOptimised && allocations_are_counted() != 0

/// What the datapath costs where it can be counted exactly: heap allocations and system calls.
@Suite(.serialized, .enabled(if: isCounting, "allocations are counted in release builds without sanitizer only"))
struct AllocationTests {
    /// Protocols that receive and answer in every way there is.
    enum Behaviour: CaseIterable {
        case sink, batchSink, echo, batchEcho, replyInPlace, replyWithCopy, sendToSource

        func makeProtocol() -> any DatagramProtocol {
            switch self {
            case .sink: Sink()
            case .batchSink: BatchSink()
            case .echo: Echo()
            case .batchEcho: BatchEcho()
            case .replyInPlace: InPlace()
            case .replyWithCopy: Copying()
            case .sendToSource: Sending()
            }
        }

        var answers: Bool { self != .sink && self != .batchSink }
    }

    @Test(
        "a datagram and its reply cost no allocation, a batch one recvmmsg and one sendmmsg",
        .timeLimit(.minutes(10)), arguments: Behaviour.allCases, ["127.0.0.1:0", "0.0.0.0:0"])
    func steadyState(behaviour: Behaviour, listen: String) throws {
        let calls = CallCounts()
        let loop = try EpollLoop(syscalls: calls.counted)
        let address = try #require(SocketAddress(listen))
        let transport = try loop.bind(to: address, DatagramOptions()) { behaviour.makeProtocol() }
        let port = try #require(transport.localAddress).port
        let peer = RawPeer(connectedTo: SocketAddress(.loopbackV4, port: port))
        var counted: UInt64 = 0
        /// Sends a burst and lets the loop receive it; loopback may take a moment, but loses nothing.
        func burst(_ size: Int) {
            let goal = transport.statistics.received + UInt64(size)
            peer.send(size)
            while transport.statistics.received < goal {
                allocations_begin()
                loop.turn(waiting: true)
                counted += allocations_end()
            }
        }
        // The first rounds grow what grows once: the depth of the batch, the tables of the loop.
        for _ in 0..<10 {
            burst(100)
            _ = peer.receiveAll()
        }
        let before = transport.statistics
        calls.reset()
        counted = 0
        var echoed = 0
        for _ in 0..<50 {
            burst(100)
            echoed += peer.receiveAll()
        }
        while behaviour.answers && echoed < 5000 { echoed += peer.receiveAll() }
        let after = transport.statistics
        #expect(after.received - before.received == 5000)
        #expect(counted == 0)
        #expect(echoed == (behaviour.answers ? 5000 : 0))
        let batches = Int(after.receiveBatches - before.receiveBatches)
        let counts = calls.counts
        #expect(counts.receives - counts.emptyReceives == batches)
        // Nobody asks again after a batch that came back short: that is how the socket is known to be empty.
        #expect(counts.emptyReceives <= counts.fullReceives)
        #expect(counts.sends == (behaviour.answers ? batches : 0))
    }

    @Test(
        "nor do the datagrams of trains, coming or going, with all their metadata",
        .enabled(if: SegmentationSupport.probed.receivesTrains, "no UDP_GRO"), .timeLimit(.minutes(10)),
        arguments: Behaviour.allCases,
        [[], [.localAddress, .timestamp, .trafficClass, .hopLimit, .drops]] as [DatagramMetadata])
    func trains(behaviour: Behaviour, metadata: DatagramMetadata) throws {
        let calls = CallCounts()
        let loop = try EpollLoop(syscalls: calls.counted)
        var options = DatagramOptions()
        options.usesGRO = true
        options.metadata = metadata
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { behaviour.makeProtocol() }
        let peer = RawPeer(connectedTo: try #require(transport.localAddress))
        var counted: UInt64 = 0
        /// Sends trains with a single datagram between them, and lets the loop receive them.
        func burst() {
            let goal = transport.statistics.received + 102
            for _ in 0..<2 {
                peer.sendTrain(50)
                peer.send(1)
            }
            while transport.statistics.received < goal {
                allocations_begin()
                loop.turn(waiting: true)
                counted += allocations_end()
            }
        }
        for _ in 0..<10 {
            burst()
            _ = peer.receiveAll()
        }
        let before = transport.statistics
        calls.reset()
        counted = 0
        var echoed = 0
        for _ in 0..<50 {
            burst()
            echoed += peer.receiveAll()
        }
        while behaviour.answers && echoed < 5100 { echoed += peer.receiveAll() }
        let after = transport.statistics
        #expect(counted == 0)
        #expect(after.received - before.received == 5100)
        #expect(after.trainsReceived - before.trainsReceived == 100)
        #expect(echoed == (behaviour.answers ? 5100 : 0))
        // What came together is answered together.
        #expect(behaviour.answers == (after.trainsSent - before.trainsSent >= 50))
        #expect(calls.counts.sends == (behaviour.answers ? Int(after.receiveBatches - before.receiveBatches) : 0))
    }
}

/// How often the kernel was called.
final class CallCounts: Sendable {
    struct Counts {
        var receives = 0, emptyReceives = 0, fullReceives = 0, sends = 0
    }
    private let state = Mutex(Counts())

    var counts: Counts { state.withLock { $0 } }
    func reset() { state.withLock { $0 = Counts() } }

    /// The kernel's calls, counted.
    var counted: Syscalls {
        var syscalls = Syscalls.kernel
        let (recvmmsg, sendmmsg) = unsafe (syscalls.recvmmsg, syscalls.sendmmsg)
        unsafe syscalls.recvmmsg = { descriptor, headers, count in
            let result = unsafe recvmmsg(descriptor, headers, count)
            self.state.withLock { counts in
                counts.receives += 1
                if result <= 0 { counts.emptyReceives += 1 }
                if result == count { counts.fullReceives += 1 }
            }
            return result
        }
        unsafe syscalls.sendmmsg = { descriptor, headers, count in
            self.state.withLock { $0.sends += 1 }
            return unsafe sendmmsg(descriptor, headers, count)
        }
        return syscalls
    }
}

private final class Sink: DatagramProtocol {
    var bytes = 0
    func datagramReceived(_ datagram: Datagram) { bytes += datagram.count }
}

private final class BatchSink: DatagramProtocol {
    var bytes = 0
    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        for index in batch.indices { bytes += batch[index].count }
    }
}

private final class Echo: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
}

private final class BatchEcho: DatagramProtocol {
    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        for index in batch.indices { batch[index].reply(batch[index].payload) }
    }
}

private final class InPlace: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) {
        try? datagram.reply(capacity: 512) { output throws(ByteError) in
            try output.write { writer throws(ByteError) in try writer.write(repeating: datagram.bytes[0], count: 12) }
        }
    }
}

private final class Copying: DatagramProtocol {
    let answer = [UInt8](repeating: 7, count: 100)
    func datagramReceived(_ datagram: Datagram) { datagram.reply(answer) }
}

private final class Sending: DatagramProtocol {
    private var transport: (any DatagramTransport)?
    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
    func datagramReceived(_ datagram: Datagram) { transport?.send(datagram.payload, to: datagram.source) }
}
