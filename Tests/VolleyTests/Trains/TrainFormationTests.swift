import CVolley
import Glibc
import SystemPackage
import Testing

@testable import Volley

/// Which datagrams leave together, as the kernel is asked to send them.
@Suite("Which datagrams are a train", .timeLimit(.minutes(10)))
struct TrainFormationTests {
    private static let peers = (1...3).map { SocketAddress(IPAddress(v4: 0x7f00_0001), port: 40_000 + $0) }

    /// Lengths of datagrams to one peer, and how many datagrams each message has to be.
    static let cases: [(lengths: [Int], counts: [Int])] = [
        ([100], [1]),
        ([100, 100], [2]),
        ([Int](repeating: 100, count: 64), [64]),
        ([Int](repeating: 100, count: 65), [64, 1]),
        ([Int](repeating: 100, count: 200), [64, 64, 64, 8]),
        ([100, 100, 50], [3]),
        ([100, 100, 50, 100, 100], [3, 2]),
        ([100, 50, 50], [2, 1]),
        ([50, 100, 100], [1, 2]),
        ([100, 99, 98, 97], [2, 2]),
        ([1, 1, 1], [3]),
        ([2, 1, 1], [2, 1]),
        ([0, 0, 0], [1, 1, 1]),
        ([100, 0, 100], [1, 1, 1]),
        ([0, 100, 100], [1, 2]),
        ([Int](repeating: 1400, count: 50), [46, 4]),
        ([30_000, 30_000, 30_000], [2, 1]),
        ([40_000, 40_000], [1, 1]),
        ([65_507, 1], [1, 1]),
    ]

    @Test("a run of equal lengths is one message, which a shorter datagram ends", arguments: cases, [false, true])
    func runs(run: (lengths: [Int], counts: [Int]), isConnected: Bool) throws {
        let kernel = ScriptedKernel()
        let loop = try EpollLoop(syscalls: kernel.table)
        let local = SocketAddress(.loopbackV4, port: 0)
        let transport =
            isConnected
            ? try loop.connect(to: Self.peers[0], from: local, DatagramOptions()) { NotingProtocol() }
            : try loop.bind(to: local, DatagramOptions()) { NotingProtocol() }
        let datagrams = run.lengths.enumerated().map { pattern($1, seed: $0) }
        for datagram in datagrams { transport.send(datagram, to: Self.peers[0]) }
        loop.settle()
        #expect(kernel.counts == run.counts)
        #expect(kernel.datagrams == datagrams)
        #expect(kernel.taken.allSatisfy { $0.destination == (isConnected ? nil : Self.peers[0]) })
        #expect(kernel.taken.allSatisfy { $0.payload.count <= 65_507 })
        let statistics = transport.statistics
        #expect(statistics.sent == UInt64(datagrams.count))
        #expect(statistics.bytesSent == UInt64(run.lengths.reduce(0, +)))
        #expect(statistics.trainsSent == UInt64(run.counts.filter { $0 > 1 }.count))
    }

    @Test("the most segments are what the kernel takes", arguments: [(64, [64, 64, 22]), (128, [128, 22]), (1, [])])
    func segmentsMax(segmentsMax: Int, counts: [Int]) throws {
        let kernel = ScriptedKernel()
        kernel.segmentation.segmentsMax = segmentsMax
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { NotingProtocol() }
        for _ in 0..<150 { transport.send(pattern(100), to: Self.peers[0]) }
        loop.settle()
        #expect(kernel.counts == (segmentsMax > 1 ? counts : [Int](repeating: 1, count: 150)))
    }

    @Test("another peer begins another message, and each peer's order is kept")
    func peers() throws {
        let kernel = ScriptedKernel()
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { NotingProtocol() }
        for (index, peer) in [0, 0, 1, 1, 1, 0, 2, 0, 2, 2].enumerated() {
            transport.send(pattern(100, seed: index), to: Self.peers[peer])
        }
        loop.settle()
        #expect(kernel.counts == [2, 3, 1, 1, 1, 2])
        #expect(kernel.taken.map(\.destination) == [0, 1, 0, 2, 0, 2].map { Self.peers[$0] })
        #expect(kernel.datagrams == (0..<10).map { pattern(100, seed: $0) })
    }

    @Test("IPv6 peers that differ in port, address or scope alone are different peers")
    func peersIPv6() throws {
        let kernel = ScriptedKernel()
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV6, port: 0), DatagramOptions()) { NotingProtocol() }
        let linkLocal = IPAddress(v6High: 0xfe80 << 48, low: 1)
        let peers = [
            SocketAddress(.loopbackV6, port: 9), SocketAddress(.loopbackV6, port: 10),
            SocketAddress(linkLocal, port: 10),
            SocketAddress(linkLocal, port: 10, scope: 1), SocketAddress(linkLocal, port: 10, scope: 2),
        ]
        for peer in peers { for index in 0..<3 { transport.send(pattern(10, seed: index), to: peer) } }
        loop.settle()
        #expect(kernel.counts == [3, 3, 3, 3, 3])
        #expect(kernel.taken.map(\.destination) == peers)
    }

    @Test("datagrams that are to leave differently do not share a train")
    func controls() throws {
        let kernel = ScriptedKernel()
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { NotingProtocol() }
        func options(_ ecn: ECN?, _ source: IPAddress? = nil) -> SendOptions {
            var options = SendOptions()
            options.ecn = ecn
            options.source = source
            return options
        }
        let one = IPAddress(v4: 0x7f00_0001)
        let two = IPAddress(v4: 0x7f00_0002)
        let all = [
            options(nil), options(.capable0), options(.capable1), options(.capable1, one), options(.capable1, two),
            options(nil, two), options(nil),
        ]
        for options in all {
            for index in 0..<2 {
                transport.send(RawSpan(pattern(100, seed: index).span), to: Self.peers[0], options: options)
            }
        }
        loop.settle()
        #expect(kernel.counts == [2, 2, 2, 2, 2, 2, 2])
        let segment = [CInt(IPPROTO_UDP), 103]
        let (tos, source) = ([CInt(IPPROTO_IP), CInt(IP_TOS)], [CInt(IPPROTO_IP), CInt(IP_PKTINFO)])
        #expect(
            kernel.taken.map(\.controls) == [
                [segment], [segment, tos], [segment, tos], [segment, source, tos], [segment, source, tos],
                [segment, source], [segment],
            ])
    }

    @Test("a train that lies in one piece is one piece of memory to the kernel")
    func contiguous() throws {
        let kernel = ScriptedKernel()
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { NotingProtocol() }
        for index in 0..<20 { transport.send(pattern(100, seed: index), to: Self.peers[0]) }
        loop.settle()
        #expect(kernel.taken.map(\.vectors) == [1])
    }

    @Test("no train is made where they are switched off, or this kernel has none", arguments: [false, true])
    func off(isSwitchedOff: Bool) throws {
        let kernel = ScriptedKernel()
        var options = DatagramOptions()
        if isSwitchedOff { options.usesGSO = false } else { kernel.segmentation = .none }
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { NotingProtocol() }
        for index in 0..<10 { transport.send(pattern(100, seed: index), to: Self.peers[0]) }
        loop.settle()
        #expect(kernel.counts == [Int](repeating: 1, count: 10))
        #expect(kernel.taken.allSatisfy { $0.controls.isEmpty })
        #expect(transport.statistics.trainsSent == 0)
    }
}
