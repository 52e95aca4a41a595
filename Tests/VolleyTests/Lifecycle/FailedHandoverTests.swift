import CVolley
import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Whatever goes wrong before the old process has committed, it goes on.
@Suite("Hand-overs that fail", .timeLimit(.minutes(10)))
struct FailedHandoverTests {
    @Test("a new process that dies before it is ready changes nothing, whatever it had got by then", arguments: 0...2)
    func diesBeforeReady(step: Int) throws {
        let harness = try HandoverHarness()
        try harness.offer()
        do {
            let successor = try RawSuccessor(to: harness.path)
            if step > 0 { successor.send(HandoverMessage.hello.bytes) }
            if step > 1 { #expect(try successor.next() == .offer(names: ["echo"])) }
        }
        // Whoever comes next proves that the first attempt is over.
        let next = try harness.connect()
        harness.echo(5)
        #expect(harness.reports.codes(step == 0 ? 0 : 1) == (step == 0 ? [] : [.peerGone]))
        try next.complete()
        harness.endpoint.waitUntilClosed()
    }

    @Test("letting go of a takeover before it is complete leaves the old process serving")
    func letsGo() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        do { _ = try harness.connect() }
        #expect(harness.reports.codes() == [.peerGone])
        harness.echo(5)
    }

    @Test("a new process that dies right after ready gives the old one its datagrams back")
    func diesAfterReady() throws {
        let harness = try HandoverHarness()
        let calls = Calls()
        try harness.offer([
            OfferedSocket(harness.endpoint, name: "echo"),
            OfferedSocket(
                descriptor: STDIN_FILENO, name: "", stop: { calls.add("stop") }, resume: { calls.add("resume") },
                close: { calls.add("close") }),
        ])
        let successor = try RawSuccessor(to: harness.path)
        successor.send(HandoverMessage.hello.bytes)
        _ = try successor.next()
        // It will not hear the answer: to the old process the same as if it were dead by then.
        _ = shutdown(successor.channel.descriptor, CInt(SHUT_RD))
        successor.send(HandoverMessage.ready.bytes)
        #expect(harness.reports.codes() == [.peerGone])
        #expect(calls.all == ["stop", "resume"])
        harness.echo(5)
    }

    @Test("a new process that stays silent is refused when its time is up", arguments: [false, true])
    func silent(hasGreeted: Bool) throws {
        let harness = try HandoverHarness()
        try harness.offer(stepLimit: .milliseconds(20))
        let successor = try RawSuccessor(to: harness.path)
        if hasGreeted {
            successor.send(HandoverMessage.hello.bytes)
            #expect(try successor.next() == .offer(names: ["echo"]))
        }
        guard case .refused(let reason) = try successor.next() else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains("too long"))
        #expect(try successor.next() == nil)
        #expect(harness.reports.codes() == [.timedOut])
        harness.echo(5)
    }

    @Test(
        "what a new process must not say is refused with the reason",
        arguments: [
            (Array("VLYH".utf8) + [2, 1], "version 2", LifecycleError.Code.wrongVersion),
            (Array("GET / HTTP".utf8), "no hand-over message", .malformedMessage),
            (HandoverMessage.ready.bytes, "out of place", .malformedMessage),
            (HandoverMessage.committed.bytes, "out of place", .malformedMessage),
        ])
    func refuses(bytes: [UInt8], mention: String, code: LifecycleError.Code) throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let successor = try RawSuccessor(to: harness.path)
        successor.send(bytes)
        guard case .refused(let reason) = try successor.next() else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains(mention))
        #expect(harness.reports.codes() == [code])
        harness.echo(5)
    }

    @Test("a takeover that was refused stays refused, and its endpoint silent")
    func staysRefused() throws {
        let harness = try HandoverHarness()
        // Long enough for the steps before, even on a busy machine.
        try harness.offer(stepLimit: .milliseconds(500))
        let takeover = try harness.connect()
        let successor = try harness.new.adoptDatagram(takeover.sockets[0]) { EchoProtocol() }
        #expect(harness.reports.codes() == [.timedOut])
        for _ in 0..<2 {
            let error = #expect(throws: LifecycleError.self) { try takeover.complete() }
            #expect(error?.code == .refused)
        }
        harness.echo(5)
        #expect(successor.statistics().received == 0)
        let error = #expect(throws: LifecycleError.self) {
            try harness.new.offerSockets([], at: harness.path, after: takeover)
        }
        #expect(error?.code == .unusableDescriptor)
    }

    @Test("when the old process dies after its offer, the new one takes over what it has got")
    func oldDies() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let takeover = try harness.connect()
        let successor = try harness.new.adoptDatagram(takeover.sockets[0]) { EchoProtocol() }
        harness.peer.send([8], to: harness.address)
        #expect(harness.peer.receive()?.bytes == [8])
        harness.old.stop()
        harness.peer.send([9], to: harness.address)
        try takeover.complete()
        #expect(harness.peer.receive()?.bytes == [9])
        #expect(successor.statistics().received == 1)
        try harness.new.offerSockets([OfferedSocket(successor)], at: harness.path, after: takeover).end()
    }

    @Test("an endpoint that is closed is not offered")
    func closedEndpoint() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        harness.endpoint.close()
        harness.endpoint.waitUntilClosed()
        let error = #expect(throws: LifecycleError.self) { try SocketTakeover.connect(to: harness.path) }
        #expect(error?.code == .refused)
        #expect(error?.message.contains("closed already") == true)
    }

    @Test("what an old process must not say is an error of the new one")
    func wrongAnswers() throws {
        let cases: [([UInt8]?, LifecycleError.Code)] = [
            (nil, .peerGone), (HandoverMessage.refused(reason: "busy").bytes, .refused),
            (Array("VLYH".utf8) + [9, 2, 0, 0], .wrongVersion), (HandoverMessage.hello.bytes, .malformedMessage),
            // An offer without the listener that has to come with it.
            (HandoverMessage.offer(names: []).bytes, .malformedMessage),
        ]
        for (bytes, code) in cases {
            let names = try TemporaryNames(isAbstract: false)
            let path = try #require(try names.next().path)
            let listener = try HandoverPath(path).listen()
            let hasAnswered = Latch()
            let thread = try LiveEventLoop()
            thread.execute { _ in
                var number: CInt = -1
                waitUntil {
                    number = volley_accept(listener.rawValue)
                    return number >= 0
                }
                let server = RawSuccessor(number)
                _ = try? server.next()
                if let bytes { server.send(bytes) }
                hasAnswered.open()
            }
            let error = #expect(throws: LifecycleError.self) { try SocketTakeover.connect(to: path) }
            #expect(error?.code == code)
            if code == .refused { #expect(error?.message.contains("busy") == true) }
            hasAnswered.wait()
            thread.stop()
        }
    }

    @Test("a path is refused that is too long, or something else; nobody there is no error")
    func paths() throws {
        let names = try TemporaryNames(isAbstract: false)
        let long = #expect(throws: LifecycleError.self) {
            try SocketTakeover.connect(to: "/" + String(repeating: "x", count: 200))
        }
        #expect(long?.code == .unusablePath)
        #expect(try SocketTakeover.connect(to: "/nowhere/at/all") == nil)

        let file = try #require(try names.next().path)
        close(unsafe creat(file, 0o600))
        let datagram = try names.next()
        let peer = try PeerSocket(datagram)
        let harness = try HandoverHarness()
        for path in [file, try #require(datagram.path)] {
            let taken = #expect(throws: LifecycleError.self) { try SocketTakeover.connect(to: path) }
            #expect(taken?.code == .unusablePath)
            let offered = #expect(throws: LifecycleError.self) { try harness.old.offerSockets([], at: path) }
            #expect(offered?.code == .unusablePath)
            #expect(unsafe access(path, F_OK) == 0)
        }
        withExtendedLifetime(peer) {}
    }

    @Test("a path at which a process offers its sockets is refused to another, a stale one is replaced")
    func pathInUse() throws {
        let harness = try HandoverHarness()
        let offer = try harness.offer()
        let error = #expect(throws: LifecycleError.self) { try harness.new.offerSockets([], at: harness.path) }
        #expect(error?.code == .alreadyServed)
        try harness.connect().complete()
        offer.end()

        let names = try TemporaryNames(isAbstract: false)
        let stale = try #require(try names.next().path)
        do { _ = try HandoverPath(stale).listen() }
        #expect(unsafe access(stale, F_OK) == 0)
        #expect(try SocketTakeover.connect(to: stale) == nil)
        try harness.new.offerSockets([], at: stale).end()
        #expect(unsafe access(stale, F_OK) != 0)
    }

    @Test("more sockets or longer names than a message carries are refused at once")
    func tooMany() throws {
        let harness = try HandoverHarness()
        let one = OfferedSocket(harness.endpoint)
        let many = #expect(throws: LifecycleError.self) { try harness.offer(Array(repeating: one, count: 253)) }
        #expect(many?.code == .tooManySockets)
        let long = #expect(throws: LifecycleError.self) {
            try harness.offer([OfferedSocket(harness.endpoint, name: String(repeating: "é", count: 128))])
        }
        #expect(long?.code == .tooManySockets)
        try harness.offer(Array(repeating: one, count: 252))
        #expect(try harness.connect().sockets.count == 252)
    }

    @Test("a hand-over is continued only after it is complete, and once")
    func continuedOnce() throws {
        let harness = try HandoverHarness()
        try harness.offer()
        let takeover = try harness.connect()
        let early = #expect(throws: LifecycleError.self) {
            try harness.new.offerSockets([], at: harness.path, after: takeover)
        }
        #expect(early?.code == .unusableDescriptor)
        try takeover.complete()
        let offer = try harness.new.offerSockets([], at: harness.path, after: takeover)
        let again = #expect(throws: LifecycleError.self) {
            try harness.new.offerSockets([], at: harness.path, after: takeover)
        }
        #expect(again?.code == .unusableDescriptor)
        offer.end()
    }
}

/// What has been called, from whichever thread.
final class Calls: Sendable {
    private let names = Mutex<[String]>([])
    var all: [String] { names.withLock { $0 } }
    func add(_ name: String) { names.withLock { $0.append(name) } }
}
