import SystemPackage
import Testing
import VolleyTesting

@Suite("The endpoint in memory, and its loop")
struct InMemoryEndpointTests {
    private static let local = SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
    private static let peer = SocketAddress(IPAddress(v4: 0xc000_0202), port: 4_000)

    /// Implements nothing: the defaults are all there is.
    private final class Nothing: DatagramProtocol {}

    @Test("a protocol without methods takes every callback, and does nothing")
    func defaults() throws {
        let loop = ManualEventLoop()
        var options = InMemoryEndpoint.Options()
        options.writeBufferLimits = try WriteBufferLimits(low: 0, high: 0)
        let endpoint = InMemoryEndpoint(Nothing(), on: loop, local: Self.local, options: options)
        endpoint.faults.receiveScript = [.connectionRefused]
        endpoint.faults.isSendingBlocked = true
        endpoint.deliver([InMemoryDatagram([1], peer: Self.peer), InMemoryDatagram([2], peer: Self.peer)])
        endpoint.transport.send([3], to: Self.peer)
        loop.runUntilIdle()
        endpoint.faults.isSendingBlocked = false
        loop.runUntilIdle()
        endpoint.transport.close()
        loop.runUntilIdle()
        #expect(endpoint.transport.statistics.received == 2)
        #expect(endpoint.transport.statistics.errors == [.connectionRefused: 1])
        #expect(endpoint.sent.map(\.payload) == [[3]])
    }

    @Test("a reply leaves from the address its datagram was sent to")
    func replySource() {
        let loop = ManualEventLoop()
        let recorder = RecordingProtocol()
        recorder.onDatagram = { transport, datagram, _ in
            datagram.reply(datagram.payload)
            transport.send([9], to: datagram.source)
        }
        let endpoint = InMemoryEndpoint(recorder, on: loop, local: SocketAddress(IPAddress(v4: 0), port: 53))
        let alias = IPAddress(v4: 0xc000_02ff)
        endpoint.deliver([InMemoryDatagram([1], peer: Self.peer, local: alias)])
        loop.runUntilIdle()
        #expect(recorder.datagrams.first?.localAddress == alias)
        #expect(
            endpoint.sent == [
                InMemoryDatagram([1], peer: Self.peer, local: alias), InMemoryDatagram([9], peer: Self.peer),
            ])
        endpoint.transport.abort()
        loop.runUntilIdle()
    }

    @Test("of a send's options an endpoint in memory shows the source, and knows no other", arguments: [false, true])
    func sendOptions(isBlocked: Bool) {
        let loop = ManualEventLoop()
        let recorder = RecordingProtocol()
        let endpoint = InMemoryEndpoint(recorder, on: loop, local: SocketAddress(IPAddress(v4: 0), port: 53))
        endpoint.faults.isSendingBlocked = isBlocked
        var options = SendOptions()
        options.source = IPAddress(v4: 0xc000_02fe)
        options.ecn = .capable0
        options.dscp = 46
        options.transmitTime = MonotonicInstant(nanoseconds: 1 << 40)
        endpoint.transport.send(RawSpan([UInt8]([1]).span), to: Self.peer, options: options)
        options.source = nil
        endpoint.transport.send(RawSpan([UInt8]([2]).span), to: Self.peer, options: options)
        options.source = .loopbackV6
        endpoint.transport.send(RawSpan([UInt8]([3]).span), to: Self.peer, options: options)
        loop.runUntilIdle()
        endpoint.faults.isSendingBlocked = false
        loop.runUntilIdle()
        #expect(
            endpoint.sent == [
                InMemoryDatagram([1], peer: Self.peer, local: IPAddress(v4: 0xc000_02fe)),
                InMemoryDatagram([2], peer: Self.peer),
            ])
        #expect(endpoint.transport.statistics.refusedDropped == 1)
        #expect(endpoint.transport.statistics.errors == [.invalidArgument: 1])
        #expect(endpoint.transport.statistics.queued == (isBlocked ? 2 : 0))
        endpoint.transport.abort()
        loop.runUntilIdle()
    }

    @Test("a queued reply still leaves from the address its datagram was sent to")
    func queuedReplySource() {
        let loop = ManualEventLoop()
        let recorder = RecordingProtocol()
        recorder.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) }
        let endpoint = InMemoryEndpoint(recorder, on: loop, local: SocketAddress(IPAddress(v4: 0), port: 53))
        endpoint.faults.isSendingBlocked = true
        let aliases = (UInt32(1)...5).map { IPAddress(v4: 0xc000_0200 + $0) }
        endpoint.deliver(aliases.map { InMemoryDatagram([1], peer: Self.peer, local: $0) })
        loop.runUntilIdle()
        endpoint.faults.isSendingBlocked = false
        loop.runUntilIdle()
        #expect(endpoint.sent.map(\.local) == aliases)
        endpoint.transport.abort()
        loop.runUntilIdle()
    }

    @Test("what comes while the receive queue is full is the kernel's drop")
    func receiveQueueLimit() {
        let loop = ManualEventLoop()
        var options = InMemoryEndpoint.Options()
        options.receiveQueueLimit = 3
        let recorder = RecordingProtocol()
        let endpoint = InMemoryEndpoint(recorder, on: loop, local: Self.local, options: options)
        endpoint.deliver((UInt8(0)..<5).map { InMemoryDatagram([$0], peer: Self.peer) })
        loop.runUntilIdle()
        #expect(recorder.payloads == [[0], [1], [2]])
        #expect(endpoint.transport.statistics.kernelDrops == 2)
        endpoint.transport.abort()
        loop.runUntilIdle()
        #expect(endpoint.transport.statistics.kernelDrops == 2)
    }

    @Test("an IPv6 endpoint sends to IPv4 peers by their mapped addresses, connected or not")
    func mapped() {
        let loop = ManualEventLoop()
        let mapped = Self.peer.mappedToIPv6
        let local = SocketAddress(IPAddress(v6High: 0, low: 0), port: 53)
        for remote in [nil, mapped] {
            let recorder = RecordingProtocol()
            let endpoint = InMemoryEndpoint(recorder, on: loop, local: local, remote: remote)
            endpoint.transport.send([1], to: Self.peer)
            endpoint.transport.send([2], to: mapped)
            loop.runUntilIdle()
            #expect(recorder.errors == [])
            #expect(endpoint.sent.map(\.peer) == [mapped, mapped])
            endpoint.transport.abort()
            loop.runUntilIdle()
        }
    }

    @Test("time moves only by hand, and stops at every timer on the way")
    func manualTime() {
        let loop = ManualEventLoop(wallClock: WallClockTime(nanosecondsSinceEpoch: 1_000))
        var log: [Int64] = []
        loop.callLater(.nanoseconds(30)) { log.append(loop.now.nanoseconds) }
        loop.callLater(.nanoseconds(10)) {
            log.append(loop.now.nanoseconds)
            loop.callLater(.nanoseconds(5)) { log.append(loop.now.nanoseconds) }
        }
        loop.runUntilIdle()
        #expect(log == [])
        loop.advance(by: .nanoseconds(20))
        #expect(log == [10, 15])
        #expect(loop.wallClock.nanosecondsSinceEpoch == 1_020)
        loop.advance(by: .nanoseconds(-5))
        #expect(loop.now.nanoseconds == 20)
        loop.advance(by: .seconds(1))
        #expect(log == [10, 15, 30])
    }

    @Test("work of other threads arrives in order, and is refused once the loop is gone")
    func handle() {
        var loop: ManualEventLoop? = ManualEventLoop()
        let handle = loop?.handle
        let recorder = RecordedOrder()
        #expect(handle?.execute { _ in recorder.add("a") } == true)
        #expect(handle?.execute { _ in recorder.add("b") } == true)
        loop?.runUntilIdle()
        #expect(recorder.text == "ab")
        loop = nil
        #expect(handle?.execute { _ in recorder.add("c") } == false)
    }

    @Test("a loop that is never idle is given up")
    func neverIdle() {
        let loop = ManualEventLoop()
        var count = 0
        func again() {
            count += 1
            loop.callSoon { again() }
        }
        again()
        #expect(!loop.runUntilIdle(maximumTurns: 10))
        #expect(count == 11)
    }
}

/// What ran, in order; used by the loop's calls alone.
private final class RecordedOrder: @unchecked Sendable {
    // True by the test, which runs the loop on its own thread.
    private(set) var text = ""
    func add(_ name: String) { text += name }
}
