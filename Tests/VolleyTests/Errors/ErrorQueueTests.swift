import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// The error queue on plain loopback: what may not suffer from it, and that it never spins.
@Suite("The error queue", .timeLimit(.minutes(10)))
struct ErrorQueueTests {
    /// A host that no other test uses: what they close may be bound anew.
    private static func host(_ family: InternetFamily) -> IPAddress {
        family.isIPv6 ? .loopbackV6 : IPAddress(v4: 0x7f00_4d02)
    }

    /// Ports where nobody listens, and nobody will as long as these sockets are there: they are connected elsewhere, and
    /// what others send them is refused.
    private static func deadPeers(_ count: Int, _ family: InternetFamily) throws -> [PeerSocket] {
        let elsewhere = PeerAddress(SocketAddress(host(family), port: 9))
        return try (0..<count).map { _ in
            let socket = try PeerSocket(host: host(family))
            socket.send([0], to: elsewhere)
            return socket
        }
    }

    @Test("no living peer loses a datagram to dead ones", arguments: InternetFamily.allCases)
    func livingPeers(_ family: InternetFamily) throws {
        let loop = try EpollLoop()
        let probe = try Probe(family, on: loop, from: SocketAddress(Self.host(family), port: 0), receivesErrors: .all)
        let dead = try Self.deadPeers(3, family)
        let living = try (0..<3).map { _ in try PeerSocket(host: Self.host(family)) }
        let rounds = 300
        for round in 0..<rounds {
            let payload = [UInt8(truncatingIfNeeded: round), UInt8(round >> 8)]
            for index in 0..<3 {
                probe.transport.send(payload, to: dead[index].address)
                probe.transport.send(payload, to: living[index].address)
            }
            // Sometimes one by one, sometimes many at once, and with and without the loop in between.
            if round % 7 == 0 { probe.transport.flush() }
            if round % 16 == 0 { loop.turn(waiting: false) }
            for peer in living { peer.drain() }
        }
        loop.settle {
            for peer in living { peer.drain() }
            return living.allSatisfy { $0.arrivals.count == rounds }
        }
        let expected = (0..<rounds).map { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        for peer in living { #expect(peer.arrivals == expected) }
        let statistics = probe.transport.statistics
        #expect(statistics.sent == UInt64(6 * rounds))
        #expect(statistics.sendsDropped == 0)
        #expect(!probe.errors.isEmpty)
        #expect(statistics.errors == [.connectionRefused: UInt64(probe.errors.count)])
        let deadAddresses = Set(dead.compactMap(\.address.socketAddress))
        for error in probe.errors {
            #expect(error.peer.map(deadAddresses.contains) == true)
            #expect(error.origin.icmp != nil)
        }
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        loop.shutDown()
    }

    @Test("each failure is reported once, whoever meets it first: epoll, a send, or a receive", arguments: 0..<3)
    func reportedOnce(_ way: Int) throws {
        let loop = try EpollLoop()
        let host = Self.host(.v4)
        let dead = try Self.deadPeers(1, .v4)[0]
        let living = try PeerSocket(host: host)
        let probe = try Probe(.v4, on: loop, from: SocketAddress(host, port: 0), receivesErrors: .all)
        let local = PeerAddress(try #require(probe.transport.localAddress))
        // One flush is one batch: the error is there when it ends.
        probe.send([1, 2, 3], to: try #require(dead.address.socketAddress))
        try waitForError(probe)
        switch way {
        case 0: break
        case 1: probe.send([4], to: try #require(living.address.socketAddress))
        default: living.send([5], to: local)
        }
        loop.settle { !probe.errors.isEmpty }
        let origin = DatagramError.Origin.icmp(type: 3, code: 3, offender: host)
        let error = DatagramError(
            .connectionRefused, operation: .send, origin: origin, peer: dead.address.socketAddress, quoted: [1, 2, 3])
        #expect(probe.errors == [error])
        #expect(probe.transport.statistics.errors == [.connectionRefused: 1])
        if way == 2 {
            loop.settle { !probe.recorder.payloads.isEmpty }
            #expect(probe.recorder.payloads == [[5]])
        }
        if way == 1 {
            waitUntil {
                living.drain()
                return !living.arrivals.isEmpty
            }
            #expect(living.arrivals == [[4]])
        }
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        loop.shutDown()
    }

    @Test("errors for which the queue has no room are heard of all the same, and do not keep the loop busy")
    func fullQueue() throws {
        let loop = try EpollLoop()
        let dead = try Self.deadPeers(1, .v4)[0]
        let probe = try Probe(.v4, on: loop, from: SocketAddress(Self.host(.v4), port: 0), receivesErrors: .all)
        // The smallest there is: it holds a few entries.
        var size: CInt = 1
        let descriptor = try #require(probe.transport.descriptor)
        #expect(unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) == 0)
        for number in UInt8(0)..<200 { probe.transport.send([number], to: dead.address) }
        probe.transport.flush()
        loop.settle { !probe.errors.isEmpty }
        #expect(probe.errors.allSatisfy { $0.errno == .connectionRefused })
        #expect(probe.transport.statistics.sent == 200)
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        loop.shutDown()
    }

    @Test("while its reading is paused, an endpoint sleeps; what has happened it hears when it goes on")
    func paused() throws {
        let loop = try EpollLoop()
        let dead = try Self.deadPeers(1, .v4)[0]
        let probe = try Probe(.v4, on: loop, from: SocketAddress(Self.host(.v4), port: 0), receivesErrors: .all)
        probe.transport.pauseReading()
        probe.send([1], to: try #require(dead.address.socketAddress))
        try waitForError(probe)
        loop.settle()
        #expect(probe.errors == [])
        #expect(!loop.turn(waiting: false), "the loop has nothing to do")
        probe.transport.resumeReading()
        loop.settle { !probe.errors.isEmpty }
        #expect(probe.errors.map(\.errno) == [.connectionRefused])
        loop.shutDown()
    }

    @Test("an endpoint may close, abort or send from inside of errorReceived", arguments: 0..<3)
    func callbacks(_ way: Int) throws {
        let loop = try EpollLoop()
        let dead = try Self.deadPeers(2, .v4)
        let living = try PeerSocket(host: Self.host(.v4))
        let probe = try Probe(.v4, on: loop, from: SocketAddress(Self.host(.v4), port: 0), receivesErrors: .all)
        probe.recorder.onError = { transport, _ in
            switch way {
            case 0: transport.close()
            case 1: transport.abort()
            default:
                transport.send([1], to: living.address)
                transport.flush()
            }
        }
        for peer in dead { probe.transport.send([0], to: peer.address) }
        probe.transport.flush()
        try waitForError(probe)
        loop.settle { !probe.errors.isEmpty && (way == 2 || probe.recorder.losses == 1) }
        if way == 2 {
            loop.settle {
                living.drain()
                return living.arrivals.count == probe.errors.count && probe.errors.count == 2
            }
            #expect(living.arrivals == [[1], [1]])
        } else {
            #expect(probe.recorder.events.last == .connectionLost(nil))
        }
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        probe.recorder.removeHooks()
        loop.shutDown()
    }

    @Test("a socket that is adopted with its error queue on, and nobody asks for it, does not keep the loop busy")
    func adopted() throws {
        let loop = try EpollLoop()
        let dead = try Self.deadPeers(1, .v4)[0]
        let descriptor = CInt(Syscalls.kernel.socket(AF_INET))
        #expect(Syscalls.kernel.setOption(descriptor, CInt(IPPROTO_IP), IP_RECVERR, 1) == 0)
        let recorder = RecordingProtocol()
        let transport = try loop.adopt(descriptor, DatagramOptions()) { recorder }
        transport.send([1], to: dead.address)
        transport.flush()
        loop.settle()
        #expect(recorder.errors == [])
        #expect(!loop.turn(waiting: false), "the loop has nothing to do")
        loop.shutDown()
    }

    @Test("only IP endpoints whom it concerns set the options")
    func options() throws {
        let (v4, v6) = ([0, 11, 1], [41, 25, 1]) as ([CInt], [CInt])
        for (reception, isConnected, isSet) in [
            (ErrorReception.off, false, false), (.off, true, false), (.connected, false, false),
            (.connected, true, true), (.all, false, true), (.all, true, true),
        ] {
            for family in InternetFamily.allCases {
                let calls = RecordedCalls()
                let loop = try EpollLoop(syscalls: calls.table)
                let peer = SocketAddress(Self.host(family), port: 9)
                let local = SocketAddress(Self.host(family), port: 0)
                _ = try Probe(
                    family, on: loop, to: isConnected ? peer : nil, from: local, receivesErrors: reception)
                #expect(calls.options == (isSet ? (family.isIPv6 ? [v4, v6] : [v4]) : []))
                loop.shutDown()
            }
        }
        let loop = try EpollLoop()
        var options = DatagramOptions()
        options.receivesErrors = .all
        options.pathMTUDiscovery = .do
        let names = try TemporaryNames(isAbstract: true)
        let recorder = RecordingProtocol()
        _ = try loop.bind(to: try names.next(), options) { recorder }
        #expect(recorder.errors == [])
        loop.shutDown()
    }

    @Test(
        "a mode of path MTU discovery is set for both families an IPv6 endpoint speaks",
        arguments: PathMTUDiscovery.allCases)
    func modes(_ mode: PathMTUDiscovery) throws {
        for family in InternetFamily.allCases {
            let calls = RecordedCalls()
            let loop = try EpollLoop(syscalls: calls.table)
            _ = try Probe(
                family, on: loop, from: SocketAddress(Self.host(family), port: 0), receivesErrors: .off,
                pathMTUDiscovery: mode)
            let v4: [CInt] = [0, 10, mode.rawValue]
            #expect(calls.options == (family.isIPv6 ? [v4, [41, 23, mode.rawValue]] : [v4]))
            loop.shutDown()
        }
    }

    /// Waits until the socket has an error to report, without fetching it.
    private func waitForError(_ probe: Probe) throws {
        var request = pollfd(fd: try #require(probe.transport.descriptor), events: 0, revents: 0)
        // SAFETY: poll reads and writes one pollfd.
        waitUntil { unsafe poll(&request, 1, 0) == 1 && request.revents & Int16(POLLERR) != 0 }
        try #require(request.revents & Int16(POLLERR) != 0)
    }
}
