import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// Draining one endpoint, on a loop stepped by hand.
@Suite(.timeLimit(.minutes(10)))
struct DrainTests {
    private final class Counting: DatagramProtocol {
        private(set) var received = 0
        private(set) var isLost = false
        private(set) var transport: (any DatagramTransport)?
        var pauses = false

        func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
        func datagramReceived(_ datagram: Datagram) {
            received += 1
            datagram.reply(datagram.payload)
            if pauses { transport?.pauseReading() }
        }
        func connectionLost(_ error: DatagramError?) {
            isLost = true
            transport = nil
        }
    }

    /// An endpoint with datagrams in its socket's queue.
    private struct Endpoint {
        let loop: EpollLoop
        let counting = Counting()
        let transport: RingTransport
        let descriptor: CInt
        let address: SocketAddress
        let peer = Peer()

        init(syscalls: Syscalls = .kernel) throws {
            loop = try EpollLoop(syscalls: syscalls)
            var options = DatagramOptions()
            options.batchSize = 4
            transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { [counting] in counting }
            // What DatagramEndpoint sets.
            transport.onLost = { _ in }
            descriptor = try #require(transport.descriptor)
            address = try #require(transport.localAddress)
        }

        func queue(_ count: Int) {
            for _ in 0..<count {
                let charge = System.receiveCharge(descriptor) ?? 0
                peer.send([1], to: address)
                waitUntil { System.receiveCharge(descriptor) ?? 0 > charge }
            }
        }

        func drain(within limit: Duration = .seconds(60), _ intake: Drain.Intake = .open) -> PendingDrain {
            let pending = PendingDrain()
            Drain(transport, DrainPromise(pending)).begin(within: limit, intake)
            return pending
        }

        func runToEnd() { while !counting.isLost { loop.turn(waiting: true) } }
    }

    @Test("everything queued is delivered and answered before the endpoint closes", arguments: [0, 1, 4, 100])
    func drains(count: Int) throws {
        let endpoint = try Endpoint()
        endpoint.queue(count)
        let pending = endpoint.drain()
        endpoint.runToEnd()
        #expect(endpoint.counting.received == count)
        let report = pending.wait()
        #expect(report.received == UInt64(count))
        #expect(report.isComplete)
        for _ in 0..<count { #expect(endpoint.peer.receive() != nil) }
    }

    @Test("what arrives while new datagrams are refused is dropped and counted")
    func refusesNew() throws {
        let endpoint = try Endpoint()
        endpoint.queue(10)
        let pending = endpoint.drain(.refusing)
        for _ in 0..<5 { endpoint.peer.send([2], to: endpoint.address) }
        waitUntil { endpoint.transport.statistics.kernelDrops == 5 }
        endpoint.runToEnd()
        let report = pending.wait()
        #expect(report.received == 10)
        #expect(report.isComplete)
        #expect(endpoint.counting.received == 10)
        #expect(endpoint.transport.statistics.kernelDrops == 5)
    }

    @Test("a protocol that has paused is waited for")
    func paused() throws {
        let endpoint = try Endpoint()
        endpoint.counting.pauses = true
        endpoint.queue(6)
        let pending = endpoint.drain()
        endpoint.loop.settle(until: { endpoint.counting.received == 1 })
        #expect(!endpoint.transport.isClosing)
        endpoint.counting.pauses = false
        endpoint.transport.resumeReading()
        endpoint.runToEnd()
        #expect(pending.wait().received == 6)
        #expect(pending.wait().isComplete)
        #expect(endpoint.counting.received == 6)
    }

    @Test("the limit ends an endpoint that does not read")
    func limitOnReceiving() throws {
        let endpoint = try Endpoint()
        endpoint.transport.pauseReading()
        endpoint.queue(3)
        let pending = endpoint.drain(within: .milliseconds(5))
        endpoint.runToEnd()
        #expect(pending.wait() == DrainReport())
        #expect(endpoint.counting.received == 0)
    }

    @Test("the limit ends an endpoint whose answers nobody takes, and they are counted")
    func limitOnSending() throws {
        var calls = Syscalls.kernel
        unsafe calls.sendmmsg = { _, _, _ in -Int(EAGAIN) }
        let endpoint = try Endpoint(syscalls: calls)
        endpoint.queue(3)
        let pending = endpoint.drain(within: .milliseconds(5))
        endpoint.runToEnd()
        let report = pending.wait()
        #expect(report.received == 3)
        #expect(report.isReceivingComplete)
        #expect(report.abandonedSends == 3)
        #expect(!report.isComplete)
    }

    @Test("draining twice, or what is closing, ends as well")
    func twice() throws {
        let endpoint = try Endpoint()
        endpoint.queue(2)
        let first = endpoint.drain()
        let second = endpoint.drain()
        endpoint.runToEnd()
        #expect(first.wait().isComplete)
        #expect(second.wait().received == 2)
        let closing = try Endpoint()
        closing.queue(1)
        closing.transport.close()
        let pending = closing.drain()
        closing.runToEnd()
        #expect(!pending.wait().isReceivingComplete)
    }

    @Test("through the handle, from another thread and in async code")
    func handle() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let blocking = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Counting() }
        let report: DrainReport = await blocking.drain(within: .seconds(30), refusingNew: true)
        #expect(report.isComplete)
        #expect(await blocking.closed() == nil)
        #expect(await blocking.drain(within: .seconds(30)) == DrainReport(), "it has ended before")
        loop.stop()
        #expect(await blocking.drain(within: .seconds(30)) == DrainReport())
    }

    @Test("blocking, from another thread")
    func blocking() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Counting() }
        #expect(endpoint.drain(within: .seconds(30)).isComplete)
        #expect(endpoint.waitUntilClosed() == nil)
    }
}
