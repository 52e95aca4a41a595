import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("Handing sockets over", .timeLimit(.minutes(10)))
struct SocketHandoverTests {
    @Test("the old endpoint serves until the new one is complete, and is closed then; the path goes along")
    func handsOver() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let takeover = try harness.connect()
        #expect(takeover.processID == getpid())
        #expect(takeover.sockets.map(\.name) == ["echo"])
        #expect(takeover.sockets[0].localAddress == harness.address)
        let successor = try harness.new.adoptDatagram(takeover.sockets[0]) { EchoProtocol() }
        harness.echo(20)
        #expect(successor.statistics().received == 0)
        try takeover.complete()
        #expect(harness.endpoint.waitUntilClosed() == nil)
        harness.echo(20)
        #expect(harness.endpoint.statistics().received == 20)
        #expect(successor.statistics().received == 20)
        #expect(harness.reports.codes() == [nil])
        try takeover.complete()

        // And once more, from the new one to the next, at the same path.
        let offer = try harness.new.offerSockets([OfferedSocket(successor)], at: harness.path, after: takeover)
        let next = try harness.connect()
        let third = try harness.old.adoptDatagram(next.sockets[0]) { EchoProtocol() }
        try next.complete()
        successor.waitUntilClosed()
        harness.echo(1)
        #expect(third.statistics().received == 1)
        // The path is the third one's by now.
        offer.end()
        #expect(unsafe access(harness.path, F_OK) == 0)
    }

    @Test("a socket that becomes an endpoint only after the hand-over is complete receives at once")
    func adoptedLate() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let takeover = try harness.connect()
        try takeover.complete()
        harness.peer.send([9], to: harness.address)
        _ = try harness.new.adoptDatagram(takeover.sockets[0]) { EchoProtocol() }
        #expect(harness.peer.receive()?.bytes == [9])
    }

    @Test("what waits in the socket when the old endpoint stops is the new one's")
    func leavesTheQueue() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let takeover = try harness.connect()
        let successor = try harness.new.adoptDatagram(takeover.sockets[0]) { EchoProtocol() }
        let latch = Latch()
        harness.endpoint.stopReceiving { latch.open() }
        latch.wait()
        for index: UInt8 in 0..<10 { harness.peer.send([index], to: harness.address) }
        try takeover.complete()
        let answers = (0..<10).compactMap { _ in harness.peer.receive()?.bytes.first }
        #expect(answers == Array(0..<10))
        harness.endpoint.waitUntilClosed()
        #expect(harness.endpoint.statistics().received == 0)
        #expect(successor.statistics().received == 10)
    }

    @Test("a protocol that resumes reading cannot undo a stop, nor begin before its time")
    func protocolCannotUndo() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let takeover = try harness.connect()
        let successor = try harness.new.adoptDatagram(takeover.sockets[0]) { Eager() }
        harness.echo(5)
        #expect(successor.statistics().received == 0)
        let latch = Latch()
        harness.endpoint.stopReceiving {}
        harness.endpoint.execute {
            $0.pauseReading()
            $0.resumeReading()
            latch.open()
        }
        latch.wait()
        harness.peer.send([1], to: harness.address)
        try takeover.complete()
        #expect(harness.peer.receive()?.bytes == [1])
        #expect(successor.statistics().received == 1)
    }

    private final class Eager: DatagramProtocol {
        func connectionMade(_ transport: any DatagramTransport) {
            transport.pauseReading()
            transport.resumeReading()
        }
        func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
    }

    @Test("several sockets keep order and names; others than endpoints are told when to stop and close")
    func several() throws {
        let harness = try HandoverHarness()
        let shard = try harness.new.bindDatagram(to: SocketAddress(.loopbackV6, port: 0)) { EchoProtocol() }
        let stream = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(stream) }
        try #require(listen(stream, 1) == 0)
        let calls = Calls()
        try harness.offer([
            OfferedSocket(harness.endpoint, name: "first"), OfferedSocket(shard, name: "second"),
            OfferedSocket(
                descriptor: stream, name: "stream", stop: { calls.add("stop") }, resume: { calls.add("resume") },
                close: { calls.add("close") }),
        ])
        let takeover = try harness.connect()
        #expect(takeover.sockets.map(\.name) == ["first", "second", "stream"])
        #expect(takeover.sockets.map(\.localAddress?.family) == [.ipv4, .ipv6, .ipv4])
        #expect(takeover.sockets.map(\.isListening) == [false, false, true])
        let taken = try #require(takeover.sockets[2].takeDescriptor())
        #expect(fcntl(taken, F_GETFD) == FD_CLOEXEC)
        #expect(SocketIdentity(taken) == SocketIdentity(stream))
        close(taken)
        #expect(calls.all.isEmpty)
        try takeover.complete()
        harness.endpoint.waitUntilClosed()
        shard.waitUntilClosed()
        _ = harness.reports.wait()
        #expect(calls.all == ["stop", "close"])
    }

    @Test("a process that wants to be next while another is served waits for its turn")
    func queued() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let first = try RawSuccessor(to: harness.path)
        first.send(HandoverMessage.hello.bytes)
        let second = try RawSuccessor(to: harness.path)
        second.send(HandoverMessage.hello.bytes)
        #expect(try first.next() == .offer(names: ["echo"]))
        first.channel.shutDown()
        #expect(try second.next() == .offer(names: ["echo"]))
        second.send(HandoverMessage.ready.bytes)
        #expect(try second.next() == .committed)
        harness.endpoint.waitUntilClosed()
    }

    @Test("at its end the old process removes the path; who has its sockets by then takes over, who has not is refused")
    func ends() throws {
        let idle = try HandoverHarness()
        try idle.offer().end()
        #expect(unsafe access(idle.path, F_OK) != 0)
        #expect(try SocketTakeover.connect(to: idle.path) == nil)

        let offered = try HandoverHarness()
        let offer = try offered.offer()
        let takeover = try offered.connect()
        let successor = try offered.new.adoptDatagram(takeover.sockets[0]) { EchoProtocol() }
        offer.end()
        try takeover.complete()
        offered.echo(1)
        #expect(successor.statistics().received == 1)
        #expect(unsafe access(offered.path, F_OK) == 0)

        let greeting = try HandoverHarness()
        let handover = try greeting.offer()
        let early = try RawSuccessor(to: greeting.path)
        handover.end()
        withExtendedLifetime(early) {}
        #expect(unsafe access(greeting.path, F_OK) != 0)
    }

    @Test("the path is for the same user only, and is not removed when something else has taken its place")
    func pathIsPrivate() throws {
        let harness = try HandoverHarness()
        let offer = try harness.offer()
        var status = stat()
        #expect(unsafe stat(harness.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(unsafe unlink(harness.path) == 0)
        close(unsafe creat(harness.path, 0o600))
        offer.end()
        #expect(unsafe access(harness.path, F_OK) == 0)
    }
}

extension SocketIdentity: Equatable {
    static func == (left: SocketIdentity, right: SocketIdentity) -> Bool { left.inodeNumber == right.inodeNumber }
}
