import CVolley
import Glibc
import SystemPackage
import Testing

@testable import Volley

/// Endpoints in the loop's poll set, and those for which it has no place.
@Suite("Hot sockets", .timeLimit(.minutes(10)))
struct HotSocketTests {
    private let loop: EpollLoop
    private let peer: TrainPeer

    init() throws {
        loop = try EpollLoop()
        peer = try TrainPeer()
    }

    private func open(_ noting: NotingProtocol) throws -> (transport: RingTransport, address: SocketAddress) {
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { noting }
        return (transport, try #require(transport.localAddress))
    }

    @Test("more sockets than the poll set has places are all served, also when places become free")
    func many() throws {
        var endpoints: [(noting: NotingProtocol, transport: RingTransport, address: SocketAddress)] = []
        func add() throws {
            let noting = NotingProtocol(.echo)
            let (transport, address) = try open(noting)
            endpoints.append((noting, transport, address))
        }
        func exchange() {
            let before = endpoints.map { $0.noting.arrivals.count }
            let arrivals = peer.arrivals.count
            for endpoint in endpoints { for _ in 0..<3 { peer.send([1, 2], to: endpoint.address) } }
            loop.settle {
                peer.drain()
                return peer.arrivals.count == arrivals + 3 * endpoints.count
            }
            #expect(endpoints.map { $0.noting.arrivals.count } == before.map { $0 + 3 })
            #expect(Set(peer.arrivals[arrivals...].map(\.source)) == Set(endpoints.map(\.address)))
        }
        for _ in 0..<PollSet.capacity * 2 + 1 { try add() }
        exchange()
        // Some with a place, some without.
        for index in [16, 12, 7, 3, 0] { endpoints.remove(at: index).transport.close() }
        loop.settle()
        exchange()
        for _ in 0..<6 { try add() }
        exchange()
        // Out of the loop and in again.
        for endpoint in endpoints { endpoint.transport.pauseReading() }
        loop.settle()
        for endpoint in endpoints.reversed() { endpoint.transport.resumeReading() }
        exchange()
    }

    @Test(
        "an endpoint whose first datagram closes all others, in the same turn, is the last to receive",
        arguments: [2, PollSet.capacity, PollSet.capacity + 4])
    func closesOthers(count: Int) throws {
        var all: [(noting: NotingProtocol, transport: RingTransport, address: SocketAddress)] = []
        var closed = 0
        for _ in 0..<count {
            let noting = NotingProtocol()
            let (transport, address) = try open(noting)
            noting.onArrival = { own, _ in
                for other in all where other.transport !== own {
                    other.transport.abort()
                    closed += 1
                }
            }
            all.append((noting, transport, address))
        }
        for endpoint in all { peer.send([1], to: endpoint.address) }
        // All of them are ready in one wait.
        waitUntil { all.allSatisfy { System.receiveCharge($0.transport.descriptor ?? -1) ?? 1 > 0 } }
        loop.settle { closed > 0 }
        loop.settle()
        #expect(all.reduce(0) { $0 + $1.noting.arrivals.count } == 1)
        #expect(closed == count - 1)
        #expect(all.reduce(0) { $0 + $1.noting.ends.count } == count - 1)
    }

    @Test("an endpoint opened in a callback, in another's place, hears nothing of the other's events")
    func opensAnother() throws {
        let newcomer = NotingProtocol()
        var address: SocketAddress?
        var endpoints: [(noting: NotingProtocol, transport: RingTransport, address: SocketAddress)] = []
        for _ in 0..<2 {
            let noting = NotingProtocol()
            let (transport, name) = try open(noting)
            noting.onArrival = { [loop] own, _ in
                guard address == nil else { return }
                // The other's place in the poll set, and its registration, become free and are taken at once.
                for other in endpoints where other.transport !== own { other.transport.pauseReading() }
                address = try? loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { newcomer }
                    .localAddress
            }
            endpoints.append((noting, transport, name))
        }
        for endpoint in endpoints { peer.send([1], to: endpoint.address) }
        waitUntil { endpoints.allSatisfy { System.receiveCharge($0.transport.descriptor ?? -1) ?? 1 > 0 } }
        loop.settle { address != nil }
        loop.settle()
        #expect(endpoints.reduce(0) { $0 + $1.noting.arrivals.count } == 1)
        #expect(newcomer.arrivals.isEmpty)
        #expect(newcomer.errors.isEmpty)
        peer.send([2], to: try #require(address))
        for endpoint in endpoints { endpoint.transport.resumeReading() }
        loop.settle { newcomer.arrivals.count + endpoints.reduce(0) { $0 + $1.noting.arrivals.count } == 3 }
        #expect(newcomer.payloads == [[2]])
        #expect(endpoints.map { $0.noting.payloads } == [[[1]], [[1]]])
    }

    @Test("a descriptor that somebody else has closed ends its endpoint with EBADF")
    func closedBehindItsBack() throws {
        // Nobody else may get the number meanwhile: so it says so before it is closed.
        var calls = Syscalls.kernel
        let lost = Switch()
        unsafe calls.recvmmsg = { descriptor, headers, count in
            unsafe lost.isOn ? -Int(EBADF) : Syscalls.kernel.recvmmsg(descriptor, headers, count)
        }
        let loop = try EpollLoop(syscalls: calls)
        let noting = NotingProtocol()
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { noting }
        peer.send([1], to: try #require(transport.localAddress))
        loop.settle { noting.arrivals.count == 1 }
        lost.isOn = true
        peer.send([2], to: try #require(transport.localAddress))
        loop.settle { noting.ends.count == 1 }
        #expect(noting.ends.first??.errno == .badFileDescriptor)
        #expect(noting.payloads == [[1]])
        #expect(transport.isClosing)
    }

    @Test("a descriptor number that is really gone is noticed without any traffic")
    func goneNumber() throws {
        // High numbers are not given out while lower ones are free: the number stays nobody's.
        let original = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        let number = fcntl(original, F_DUPFD_CLOEXEC, getdtablesize() - 128)
        close(original)
        try #require(number >= getdtablesize() - 128)
        let noting = NotingProtocol()
        _ = try loop.adopt(number, DatagramOptions()) { noting }
        loop.settle()
        #expect(noting.ends.isEmpty)
        close(number)
        loop.settle { noting.ends.count == 1 }
        #expect(noting.ends.first??.errno == .badFileDescriptor)
    }
}

/// Something a test turns on for a system call.
private final class Switch: @unchecked Sendable {
    // True by the test: all of it is on one thread.
    var isOn = false
}
