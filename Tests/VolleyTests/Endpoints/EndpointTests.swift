import Glibc
import Synchronization
import SystemPackage
import Testing
import Volley
import VolleyCore

/// Endpoints on loops with threads of their own, through the public API alone.
@Suite(.timeLimit(.minutes(10)))
struct EndpointTests {
    @Test("an endpoint echoes empty, small and the largest datagrams", arguments: [IPAddress.loopbackV4, .loopbackV6])
    func echoes(ip: IPAddress) throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try loop.bindDatagram(to: SocketAddress(ip, port: 0)) { Echo() }
        let address = try #require(endpoint.localAddress)
        #expect(address.port != 0)
        let peer = Peer(ip)
        for size in [0, 1, 1400, 65_507] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            peer.send(bytes, to: address)
            let answer = peer.receive()
            let isSame = answer?.bytes == bytes
            #expect(isSame, "\(size) bytes")
            #expect(answer?.source == address)
        }
        #expect(endpoint.statistics().received == 4)
    }

    @Test("on a wildcard bind the reply leaves from the address the request was sent to")
    func repliesFromTheRightAddress() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try loop.bindDatagram(to: SocketAddress(.anyV4, port: 0)) { Echo() }
        let port = try #require(endpoint.localAddress).port
        let peer = Peer()
        for host: UInt8 in 1...3 {
            let address = SocketAddress(IPAddress(v4: 0x7f00_0000 | UInt32(host)), port: port)
            peer.send([host], to: address)
            #expect(peer.receive()?.source == address)
        }
    }

    @Test("an IPv6 wildcard endpoint answers IPv4 peers from the address they used")
    func dualStack() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        var options = DatagramOptions()
        options.isIPv6Only = false
        let endpoint = try loop.bindDatagram(to: SocketAddress(.anyV6, port: 0), options: options) { Echo() }
        let port = try #require(endpoint.localAddress).port
        let peer = Peer()
        let address = SocketAddress(IPAddress(v4: 0x7f00_0002), port: port)
        peer.send([1, 2], to: address)
        #expect(peer.receive()?.source == address)
        #expect(endpoint.send([3], to: peer.address))
        #expect(peer.receive()?.bytes == [3])
    }

    @Test("any thread may send, ask for statistics and close; the protocol hears of the end once")
    func handleFromOtherThreads() async throws {
        let loop = try LiveEventLoop()
        let log = Log()
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Logging(log) }
        let peer = Peer()
        for number: UInt8 in 0..<20 { #expect(endpoint.send([number], to: peer.address)) }
        for number: UInt8 in 0..<20 { #expect(peer.receive()?.bytes == [number]) }
        let statistics = await endpoint.statistics()
        #expect(statistics.sent == 20)
        endpoint.close()
        endpoint.close()
        #expect(await endpoint.closed() == nil)
        #expect(await endpoint.closed() == nil)
        #expect(log.entries == ["made", "lost nil"])
        #expect(await endpoint.statistics().sent == 20)
        loop.stop()
        #expect(!endpoint.send([1], to: peer.address))
        #expect(!loop.execute { _ in })
    }

    @Test("stopping a loop aborts its endpoints, and waiters hear of it")
    func stopAborts() async throws {
        let loop = try LiveEventLoop()
        let log = Log()
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Logging(log) }
        async let end = endpoint.closed()
        loop.stop()
        loop.stop()
        #expect(await end == nil)
        #expect(log.entries == ["made", "lost nil"])
        #expect(throws: DatagramError.self) {
            try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Echo() }
        }
    }

    @Test("the factory and every callback run on the loop's thread; an endpoint can be opened there")
    func runsOnTheLoop() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let main = pthread_self()
        let result = Mutex<(isElsewhere: Bool, second: SocketAddress?)?>(nil)
        let done = SpinLatch()
        _ = try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) {
            let isElsewhere = pthread_equal(main, pthread_self()) == 0
            let second = try? loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Echo() }
            result.withLock { $0 = (isElsewhere, second?.localAddress) }
            done.open()
            return Echo()
        }
        done.wait()
        let value = try #require(result.withLock { $0 })
        #expect(value.isElsewhere)
        #expect(value.second != nil)
    }

    @Test("timers run in order, not before their time, and can be cancelled")
    func timers() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let log = Log()
        let done = SpinLatch()
        loop.execute { loop in
            let start = loop.now
            loop.callLater(.milliseconds(30)) {
                log.add("30 \(start.duration(to: loop.now) >= .milliseconds(30))")
                done.open()
            }
            loop.callLater(.milliseconds(10)) { log.add("10 \(start.duration(to: loop.now) >= .milliseconds(10))") }
            loop.callLater(.milliseconds(20)) { log.add("20") }.cancel()
            loop.callSoon { log.add("soon") }
        }
        done.wait()
        #expect(log.entries == ["soon", "10 true", "30 true"])
    }

    @Test("a signal reaches the loop instead of ending the process")
    func signals() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let log = Log()
        let done = SpinLatch()
        try loop.onSignals([.user2]) { signal, _ in
            log.add("\(signal.rawValue == SIGUSR2)")
            done.open()
        }
        // To the process: most of the runner's threads do not block it.
        _ = kill(getpid(), SIGUSR2)
        done.wait()
        #expect(log.entries == ["true"])
    }

    @Test("kernel drops are counted exactly: what was sent and not received")
    func kernelDrops() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        var options = DatagramOptions()
        options.receiveBufferSize = 20_000
        let endpoint = try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0), options: options) { Paused() }
        let address = try #require(endpoint.localAddress)
        let peer = Peer()
        for _ in 0..<500 { peer.send([UInt8](repeating: 0, count: 200), to: address) }
        endpoint.execute { $0.resumeReading() }
        // The last one is known to fit: what arrives after it is all there is.
        var statistics = endpoint.statistics()
        while statistics.received + statistics.kernelDrops < 500 { statistics = endpoint.statistics() }
        #expect(statistics.received + statistics.kernelDrops == 500)
        #expect(statistics.kernelDrops > 0)
    }

    @Test("an address in use, a foreign address and a wrong descriptor are refused with their errno and address")
    func refusals() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let first = try loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Echo() }
        let address = try #require(first.localAddress)
        let inUse = #expect(throws: DatagramError.self) { try loop.bindDatagram(to: address) { Echo() } }
        #expect(inUse?.kind == .addressInUse)
        #expect(inUse?.peer == address)
        #expect(inUse?.operation == .bind)
        let foreign = #expect(throws: DatagramError.self) {
            try loop.bindDatagram(to: SocketAddress(IPAddress(v4: 0xc000_0201), port: 0)) { Echo() }
        }
        #expect(foreign?.kind == .addressNotAvailable)
        let null = unsafe open("/dev/null", O_RDONLY)
        let notSocket = #expect(throws: DatagramError.self) {
            try loop.adoptDatagram(descriptor: null) { Echo() }
        }
        #expect(notSocket?.errno == .notSocket)
    }
}

private final class Echo: DatagramProtocol {
    func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
}

private final class Paused: DatagramProtocol {
    func connectionMade(_ transport: any DatagramTransport) { transport.pauseReading() }
}

/// What happened, from whichever thread.
final class Log: Sendable {
    private let list = Mutex<[String]>([])
    var entries: [String] { list.withLock { $0 } }
    func add(_ entry: String) { list.withLock { $0.append(entry) } }
}

private final class Logging: DatagramProtocol {
    let log: Log
    init(_ log: Log) { self.log = log }
    func connectionMade(_ transport: any DatagramTransport) { log.add("made") }
    func connectionLost(_ error: DatagramError?) { log.add("lost \(error.map { "\($0)" } ?? "nil")") }
}

/// Something a test waits for; the wait has the suite's time limit.
final class SpinLatch: Sendable {
    private let isOpen = Atomic(false)
    func open() { isOpen.store(true, ordering: .releasing) }
    func wait() { while !isOpen.load(ordering: .acquiring) { sched_yield() } }
}
