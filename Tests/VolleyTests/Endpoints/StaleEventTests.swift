import CVolley
import Glibc
import Testing
import VolleyCore

@testable import Volley

/// Events that epoll has already reported when what they are for goes away.
@Suite(.timeLimit(.minutes(10)))
struct StaleEventTests {
    @Test("an endpoint closed by another one's callback, in the same wake-up, receives nothing more")
    func closedInTheSameWakeUp() throws {
        let loop = try EpollLoop()
        let pair = Pair()
        for _ in 0..<2 {
            let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) {
                CloseTheOther(pair)
            }
            pair.transports.append(transport)
        }
        let peer = Peer()
        for transport in pair.transports { peer.send([1], to: try #require(transport.localAddress)) }
        while pair.received == 0 { loop.turn(waiting: true) }
        while loop.turn(waiting: false) {}
        #expect(pair.received == 1)
    }

    @Test("an event of a registration that is gone does not reach the one that took its place and number")
    func reusedPlaceAndDescriptor() throws {
        let loop = try EpollLoop()
        // Both readable before the loop looks, so that one epoll_wait reports both.
        let (first, second) = (Pipe(), Pipe())
        first.fill()
        second.fill()
        let newcomer = Handler {}
        var replaced: Pipe?
        var tokens: [EpollLoop.Token] = []
        func replace(_ other: Pipe, _ token: Int) {
            guard replaced == nil else { return }
            loop.deregister(tokens[token], other.reading)
            let number = other.reading
            other.closeReading()
            let pipe = Pipe(readingAs: number)
            replaced = pipe
            _ = try? loop.register(pipe.reading, events: UInt32(VOLLEY_READABLE), handler: newcomer)
        }
        let one = Handler { replace(second, 1) }
        let two = Handler { replace(first, 0) }
        tokens.append(try loop.register(first.reading, events: UInt32(VOLLEY_READABLE), handler: one))
        tokens.append(try loop.register(second.reading, events: UInt32(VOLLEY_READABLE), handler: two))
        loop.turn(waiting: true)
        #expect(one.calls + two.calls == 1)
        #expect(newcomer.calls == 0)
        replaced?.fill()
        loop.turn(waiting: true)
        #expect(newcomer.calls == 1)
    }
}

private final class Pair {
    var transports: [any DatagramTransport] = []
    var received = 0
}

private final class CloseTheOther: DatagramProtocol {
    let pair: Pair
    private var transport: (any DatagramTransport)?
    init(_ pair: Pair) { self.pair = pair }
    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
    func datagramReceived(_ datagram: Datagram) {
        pair.received += 1
        for other in pair.transports where other !== transport { other.close() }
    }
}

private final class Handler: EpollHandler {
    private let body: () -> Void
    private(set) var calls = 0
    init(_ body: @escaping () -> Void) { self.body = body }
    func ready(_ events: UInt32) {
        calls += 1
        body()
    }
}

/// Two ends of a pipe.
private final class Pipe {
    private(set) var reading: CInt = -1
    private var writing: CInt = -1

    /// Far above the lowest free number, which is what every test beside this one gets: a number closed here is still
    /// free when it is asked for again. (`dup2` would take it from whoever has got it meanwhile.)
    private static let firstNumber = getdtablesize() - 64

    /// - Parameter number: the number the reading end is to have.
    init(readingAs number: CInt? = nil) {
        var ends: [CInt] = [-1, -1]
        precondition(unsafe pipe(&ends) == 0)
        writing = ends[1]
        reading = fcntl(ends[0], F_DUPFD, number ?? Self.firstNumber)
        precondition(reading >= Self.firstNumber && (number == nil || reading == number))
        close(ends[0])
    }

    deinit {
        closeReading()
        close(writing)
    }

    func fill() { precondition(unsafe write(writing, "x", 1) == 1) }

    func closeReading() {
        if reading >= 0 { close(reading) }
        reading = -1
    }
}
