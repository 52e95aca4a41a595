import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// The end of an endpoint whose socket lives on, on a loop stepped by hand.
@Suite("Closing without draining the socket", .timeLimit(.minutes(10)))
struct EndpointClosingTests {
    @Test("what has been received is delivered although the protocol paused; what has not stays in the socket")
    func deliversTheBacklog() throws {
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        recorder.onDatagram = { transport, datagram, _ in
            datagram.reply(datagram.payload)
            transport.pauseReading()
        }
        let names = try TemporaryNames(isAbstract: true)
        let transport = try loop.bind(to: names.next(), DatagramOptions()) { recorder }
        let name = PeerAddress(try #require(transport.unixLocalAddress))
        let peer = try PeerSocket(names.next())
        for index: UInt8 in 0..<5 { peer.send([index], to: name) }
        loop.turn(waiting: false)
        #expect(recorder.payloads == [[0]])
        peer.send([5], to: name)
        // Somebody else has the socket, too.
        let copy = try #require(transport.descriptor.map { fcntl($0, F_DUPFD_CLOEXEC, 0) })
        transport.close(within: .seconds(30))
        loop.settle()
        #expect(recorder.payloads == (0..<5).map { [$0] })
        #expect(recorder.events.last == .connectionLost(nil))
        #expect(transport.statistics.undelivered == 0)
        peer.drain()
        #expect(peer.arrivals == (0..<5).map { [$0] })
        let heir = RecordingProtocol()
        _ = try loop.adopt(copy, DatagramOptions()) { heir }
        loop.settle { !heir.payloads.isEmpty }
        #expect(heir.payloads == [[5]])
        loop.shutDown()
    }

    @Test("closed from inside of a callback, the rest of the batch is delivered first")
    func closesInBatch() throws {
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        recorder.onDatagram = { transport, _, number in
            if number == 0 { (transport as? RingTransport)?.close(within: .seconds(30)) }
        }
        let names = try TemporaryNames(isAbstract: true)
        let transport = try loop.bind(to: names.next(), DatagramOptions()) { recorder }
        let peer = try PeerSocket(names.next())
        let name = PeerAddress(try #require(transport.unixLocalAddress))
        for index: UInt8 in 0..<3 { peer.send([index], to: name) }
        loop.settle { recorder.losses > 0 }
        #expect(recorder.payloads == [[0], [1], [2]])
        loop.shutDown()
    }

    @Test("what cannot be sent within the limit is dropped and counted")
    func limit() throws {
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        let names = try TemporaryNames(isAbstract: true)
        let peer = try PeerSocket(names.next())
        let transport = try loop.bind(to: names.next(), DatagramOptions()) { recorder }
        for index: UInt8 in 0..<100 { transport.send([index], to: peer.address) }
        transport.flush()
        let waiting = transport.statistics.queued
        #expect(waiting > 0)
        transport.close(within: .milliseconds(20))
        loop.settle()
        #expect(recorder.losses == 0)
        while recorder.losses == 0 { loop.turn(waiting: true) }
        #expect(recorder.events.last == .connectionLost(nil))
        #expect(transport.statistics.abortedDropped == waiting)
        loop.shutDown()
    }

    @Test("a limit does nothing to an endpoint that is closed by then")
    func limitAfterTheEnd() throws {
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { recorder }
        transport.close(within: .zero)
        transport.close(within: .milliseconds(1))
        loop.settle { recorder.losses > 0 }
        loop.settle()
        #expect(recorder.losses == 1)
        loop.shutDown()
    }
}
