import CVolley
import Glibc
import SystemPackage
import Testing

@testable import Volley

/// Trains the kernel takes, as peers receive them.
@Suite(
    "Trains sent", .timeLimit(.minutes(10)),
    .enabled(if: SegmentationSupport.probed.segmentsMax > 1, "no UDP_SEGMENT"))
struct TrainSendTests {
    @Test(
        "random mixes reach plain sockets and such with UDP_GRO, each with its boundaries and in its order",
        arguments: Meeting.allCases, 0..<3)
    func anything(meeting: Meeting, seed: UInt64) throws {
        var random = Random(seed: seed)
        let endpoint = try SteppedEndpoint(meeting)
        let peers = try [false, true, false].map { try TrainPeer(meeting.peer, receivesTrains: $0) }
        var expected: [[[UInt8]]] = [[], [], []]
        var pending = 0
        for number in 0..<80 {
            let index = random.next(below: 3)
            let length = [0, 1, 2, 63, 64, 1400, 9000][random.next(below: 7)]
            for _ in 0..<(length > 1400 ? 3 : 1 + random.next(below: 40)) {
                let datagram = pattern(length, seed: random.next(below: 1000))
                endpoint.transport.send(datagram, to: peers[index].address)
                expected[index].append(datagram)
                pending += length + 1_000
            }
            if random.next(below: 4) == 0 {
                // A short one that ends the train.
                endpoint.transport.send([7], to: peers[index].address)
                expected[index].append([7])
            }
            // As much as fits a peer's buffer under the system's default limits.
            guard pending > 150_000 || number == 79 else { continue }
            pending = 0
            endpoint.loop.settle {
                for peer in peers { peer.drain() }
                return zip(peers, expected).allSatisfy { $0.arrivals.count >= $1.count }
            }
        }
        for (peer, datagrams) in zip(peers, expected) {
            let isSame = peer.payloads == datagrams
            #expect(isSame, "\(peer.arrivals.count) of \(datagrams.count)")
        }
        let statistics = endpoint.transport.statistics
        #expect(statistics.sent == UInt64(expected.reduce(0) { $0 + $1.count }))
        #expect(statistics.trainsSent > 0)
        #expect(endpoint.noting.errors.isEmpty)
        #expect(peers[1].trains > 0 || !SegmentationSupport.probed.receivesTrains)
    }

    @Test("a connected endpoint sends trains too", arguments: [IPAddress.loopbackV4, .loopbackV6])
    func connected(ip: IPAddress) throws {
        let loop = try EpollLoop()
        let peer = try TrainPeer(ip)
        let transport = try loop.connect(to: peer.address, from: nil, DatagramOptions()) { NotingProtocol() }
        let datagrams = (0..<300).map { pattern($0 % 50 == 49 ? 20 : 200, seed: $0) }
        for datagram in datagrams { transport.send(datagram) }
        loop.settle {
            peer.drain()
            return peer.arrivals.count >= 300
        }
        #expect(peer.payloads == datagrams)
        #expect(transport.statistics.trainsSent >= 6)
    }

    @Test(
        "a train longer than one interface's MTU goes as single datagrams, which the kernel fragments",
        .enabled(if: SmallLoopback.isPermitted, "network namespaces need CAP_SYS_ADMIN"))
    func narrowPath() throws {
        // A loopback of 1500 bytes: 1472 is the longest segment of IPv4, and 1473 one too long.
        let result = try SmallLoopback.run(mtu: 1500) {
            let loop = try EpollLoop()
            let peer = try TrainPeer()
            let noting = NotingProtocol()
            let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { noting }
            var datagrams: [[UInt8]] = []
            for (length, count) in [(1473, 20), (1472, 20), (2000, 5), (100, 30), (1473, 3)] {
                for _ in 0..<count { datagrams.append(pattern(length, seed: datagrams.count)) }
            }
            for datagram in datagrams { transport.send(datagram, to: peer.address) }
            loop.settle {
                peer.drain()
                return peer.arrivals.count >= datagrams.count
            }
            return (peer.payloads == datagrams, noting.errors.count, transport.statistics)
        }
        #expect(result.0)
        #expect(result.1 == 0)
        #expect(result.2.sent == 78)
        // Those of 1472 and of 100 still are trains, whatever the batches were.
        #expect(result.2.trainsSent >= 2)
    }

    @Test(
        "UDP_GRO is asked for only where trains can be received whole",
        arguments: [
            (true, 65_536, true, 1), (false, 65_536, true, 0), (true, 65_535, true, 0), (true, 65_536, false, 0),
        ])
    func receiveOption(uses: Bool, slotSize: Int, isSupported: Bool, expected: CInt) throws {
        var calls = Syscalls.kernel
        calls.segmentation = { SegmentationSupport(segmentsMax: 64, receivesTrains: isSupported) }
        let loop = try EpollLoop(syscalls: calls)
        var options = DatagramOptions.trains
        options.usesGRO = uses
        options.slotSize = slotSize
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { NotingProtocol() }
        let descriptor = try #require(transport.descriptor)
        #expect(System.getOption(descriptor, CInt(IPPROTO_UDP), CInt(VOLLEY_UDP_GRO)) == expected)
    }

    @Test("a socket that comes with UDP_GRO on has its trains split, whatever the options say")
    func adopted() throws {
        let loop = try EpollLoop()
        let socket = try TrainPeer(.loopbackV4, receivesTrains: true)
        let sender = try TrainPeer()
        let bytes = pattern(950)
        // Some wait already.
        sender.send(bytes, segment: 100, to: socket.address)
        let noting = NotingProtocol()
        var options = DatagramOptions.trains
        options.usesGRO = false
        let transport = try loop.adopt(dup(socket.descriptor), options) { noting }
        sender.send(bytes, segment: 100, to: socket.address)
        loop.settle { noting.arrivals.count >= 20 }
        #expect(noting.payloads == split(bytes, by: 100) + split(bytes, by: 100))
        #expect(transport.statistics.trainsReceived == 2)
        transport.abort()
        loop.settle()
    }

    @Test("what else was asked of an adopted socket neither hides the trains nor shows")
    func adoptedWithMetadata() throws {
        let loop = try EpollLoop()
        let socket = try TrainPeer(.loopbackV4, receivesTrains: true)
        socket.set(SOL_SOCKET, SO_TIMESTAMP, 1)
        socket.set(SOL_SOCKET, CInt(VOLLEY_SO_RXQ_OVFL), 1)
        socket.set(CInt(IPPROTO_IP), CInt(IP_PKTINFO), 1)
        socket.set(CInt(IPPROTO_IP), CInt(IP_RECVTTL), 1)
        let sender = try TrainPeer()
        let bytes = pattern(950)
        let noting = NotingProtocol()
        let transport = try loop.adopt(dup(socket.descriptor), DatagramOptions()) { noting }
        for _ in 0..<2 { sender.send(bytes, segment: 100, to: socket.address) }
        loop.settle { noting.arrivals.count >= 20 }
        #expect(noting.payloads == split(bytes, by: 100) + split(bytes, by: 100))
        #expect(transport.statistics.trainsReceived == 2)
        #expect(transport.statistics.controlTruncated == 0)
        #expect(noting.arrivals.allSatisfy { $0.hopLimit == nil && $0.local == nil && $0.dscp == nil })
        transport.abort()
        loop.settle()
    }
}
