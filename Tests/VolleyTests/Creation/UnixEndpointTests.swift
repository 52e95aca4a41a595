import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("Unix datagram endpoints", .timeLimit(.minutes(10)))
struct UnixEndpointTests {
    @Test("the unnamed address gives a Unix endpoint, with a name the kernel chooses")
    func unnamed() throws {
        let loop = try EpollLoop()
        let transport = try loop.bind(to: UnixAddress.unnamed, DatagramOptions()) { RecordingProtocol() }
        #expect(transport.localAddress == nil)
        #expect(transport.unixLocalAddress?.isAbstract == true)
        loop.shutDown()
    }

    @Test("the file of a socket that is gone is replaced")
    func staleFile() throws {
        let names = try TemporaryNames(isAbstract: false)
        let address = try names.next()
        _ = try PeerSocket(address)
        let loop = try EpollLoop()
        let transport = try loop.bind(to: address, DatagramOptions()) { RecordingProtocol() }
        #expect(transport.unixLocalAddress == address)
        loop.shutDown()
    }

    @Test("the file of a socket in use is left alone: EADDRINUSE")
    func fileInUse() throws {
        let names = try TemporaryNames(isAbstract: false)
        let address = try names.next()
        let peer = try PeerSocket(address)
        let loop = try EpollLoop()
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: address, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(error == DatagramError(.addressInUse, operation: .bind, unixPeer: address))
        let client = try loop.connect(to: address, from: nil, DatagramOptions()) { RecordingProtocol() }
        client.send([1])
        client.flush()
        peer.drain()
        #expect(peer.arrivals == [[1]])
        loop.shutDown()
    }

    @Test("a file that is no socket is left alone: EADDRINUSE")
    func otherFile() throws {
        let names = try TemporaryNames(isAbstract: false)
        let address = try names.next()
        let path = try #require(address.path)
        close(unsafe creat(path, 0o600))
        let loop = try EpollLoop()
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: address, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(error?.kind == .addressInUse)
        #expect(unsafe access(path, F_OK) == 0)
    }

    @Test("an unconnected endpoint tries again by timer while its peer's queue is full, without spinning")
    func backsOff() throws {
        let names = try TemporaryNames(isAbstract: true)
        let peer = try PeerSocket(names.next())
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        let transport = try loop.bind(to: names.next(), DatagramOptions()) { recorder }
        let payloads = (UInt8(0)..<100).map { [$0] }
        for payload in payloads { transport.send(payload, to: peer.address) }
        transport.flush()
        #expect(transport.statistics.sendBlocked == 1)
        var turns = 0
        while transport.writeBufferSize > 0, turns < 1_000 {
            peer.drain()
            loop.turn(waiting: true)
            turns += 1
        }
        peer.drain()
        #expect(peer.arrivals == payloads)
        #expect(recorder.errors == [])
        // Each try gets out what fits into the peer's queue: 10 by default. EPOLLOUT would be told thousands of times.
        #expect(turns <= 100)
        loop.shutDown()
    }

    @Test("a connected endpoint waits for the kernel's word while its peer's queue is full")
    func waitsForWritable() throws {
        let names = try TemporaryNames(isAbstract: true)
        let peer = try PeerSocket(names.next())
        let loop = try EpollLoop()
        let address = try #require(peer.address.unixAddress)
        let transport = try loop.connect(to: address, from: nil, DatagramOptions()) { RecordingProtocol() }
        let payloads = (UInt8(0)..<100).map { [$0] }
        for payload in payloads { transport.send(payload) }
        transport.flush()
        // The first turn runs the flush that was due; then there is nothing to do until the peer reads.
        loop.turn(waiting: false)
        #expect(!loop.turn(waiting: false))
        while transport.writeBufferSize > 0 {
            peer.drain()
            loop.turn(waiting: true)
        }
        peer.drain()
        #expect(peer.arrivals == payloads)
        loop.shutDown()
    }

    @Test("a datagram of more than 64 KiB arrives whole when the slots are large enough")
    func large() throws {
        let names = try TemporaryNames(isAbstract: true)
        let peer = try PeerSocket(names.next())
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        recorder.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) }
        var options = DatagramOptions()
        options.slotSize = 150_000
        let transport = try loop.bind(to: names.next(), options) { recorder }
        let payload = (0..<150_000).map { UInt8(truncatingIfNeeded: $0) }
        peer.send(payload, to: PeerAddress(try #require(transport.unixLocalAddress)))
        loop.settle()
        peer.drain()
        #expect(recorder.payloads == [payload])
        #expect(peer.arrivals == [payload])
        loop.shutDown()
    }

    @Test("a reply to an unnamed peer is an error of that datagram, and the endpoint lives on")
    func unnamedPeer() throws {
        let names = try TemporaryNames(isAbstract: true)
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        recorder.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) }
        let address = try names.next()
        let transport = try loop.bind(to: address, DatagramOptions()) { recorder }
        let client = try loop.connect(to: address, from: nil, DatagramOptions()) { RecordingProtocol() }
        client.send([1])
        client.send([2])
        loop.settle()
        #expect(recorder.datagrams.map(\.source) == [PeerAddress(.unnamed), PeerAddress(.unnamed)])
        #expect(recorder.errors.count == 2)
        #expect(transport.statistics.failedDropped == 2)
        #expect(!transport.isClosing)
        loop.shutDown()
    }
}
