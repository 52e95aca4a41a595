import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Errors that the network reports of itself: real ICMP on loopback, nothing injected.
@Suite("Errors of the network", .timeLimit(.minutes(10)))
struct NetworkErrorTests {
    private static let host = IPAddress(v4: 0x7f00_4d01)

    /// An endpoint connected to a port where nobody listens any more.
    private struct Orphan {
        let loop: EpollLoop
        let recorder = RecordingProtocol()
        let transport: RingTransport
        let peer: SocketAddress

        init() throws {
            peer = try #require(try PeerSocket(host: host).address.socketAddress)
            loop = try EpollLoop()
            transport = try loop.connect(to: peer, from: nil, DatagramOptions()) { [recorder] in recorder }
        }

        /// Waits until the socket has an error to report, without fetching it.
        func waitForError() throws {
            var request = pollfd(fd: try #require(transport.descriptor), events: 0, revents: 0)
            // SAFETY: poll reads and writes one pollfd.
            waitUntil { unsafe poll(&request, 1, 0) == 1 && request.revents & Int16(POLLERR) != 0 }
            try #require(request.revents & Int16(POLLERR) != 0)
        }
    }

    @Test("a connected endpoint hears that its peer refuses, keeps all its datagrams, and lives on")
    func refused() throws {
        let orphan = try Orphan()
        for number in UInt8(0)..<5 { orphan.transport.send([number]) }
        orphan.loop.settle { !orphan.recorder.errors.isEmpty }
        #expect(!orphan.recorder.errors.isEmpty)
        #expect(orphan.recorder.errors.allSatisfy { $0.kind == .connectionRefused && $0.peer == orphan.peer })
        #expect(orphan.transport.statistics.sent == 5)
        #expect(orphan.transport.statistics.sendsDropped == 0)
        #expect(!orphan.transport.isClosing)
        orphan.loop.shutDown()
    }

    @Test("an error inherited from an earlier datagram costs none of a batch to a peer that is back")
    func inheritedBySend() throws {
        let orphan = try Orphan()
        orphan.transport.send([0])
        orphan.transport.flush()
        try orphan.waitForError()
        let peer = try PeerSocket(address: orphan.peer)
        for number in UInt8(1)...4 { orphan.transport.send([number]) }
        orphan.transport.flush()
        waitUntil {
            peer.drain()
            return peer.arrivals.count == 4
        }
        #expect(peer.arrivals == [[1], [2], [3], [4]])
        let error = DatagramError(.connectionRefused, operation: .send, origin: .network, peer: orphan.peer)
        #expect(orphan.recorder.errors == [error])
        #expect(orphan.transport.statistics.sendsDropped == 0)
        orphan.loop.shutDown()
    }

    @Test("an error pending at a receive costs none of the datagrams that wait")
    func pendingAtReceive() throws {
        let orphan = try Orphan()
        orphan.transport.send([0])
        orphan.transport.flush()
        try orphan.waitForError()
        let peer = try PeerSocket(address: orphan.peer)
        let local = PeerAddress(try #require(orphan.transport.localAddress))
        for number in UInt8(1)...3 { peer.send([number], to: local) }
        orphan.loop.settle { orphan.recorder.payloads.count == 3 }
        #expect(orphan.recorder.errors.map(\.errno) == [.connectionRefused])
        #expect(orphan.recorder.payloads == [[1], [2], [3]])
        orphan.loop.shutDown()
    }

    @Test("an unconnected endpoint hears nothing of a peer that refuses, and goes on")
    func unconnected() throws {
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        let transport = try loop.bind(to: SocketAddress(Self.host, port: 0), DatagramOptions()) { recorder }
        let peer = try PeerSocket(host: Self.host)
        transport.send([1], to: SocketAddress(Self.host, port: 9))
        transport.send([2], to: peer.address)
        loop.settle {
            peer.drain()
            return !peer.arrivals.isEmpty
        }
        #expect(recorder.errors == [])
        #expect(peer.arrivals == [[2]])
        loop.shutDown()
    }
}
