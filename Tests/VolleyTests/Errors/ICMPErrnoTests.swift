import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Every row of the table of ICMP errors, injected by a raw socket in a namespace of the tests' own.
@Suite(
    "ICMP and errno", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: NetworkNamespace.obstacle == nil, "\(NetworkNamespace.obstacle ?? "")"))
struct ICMPErrnoTests {
    /// A namespace with an injector, and an endpoint that says when everything injected has been dealt with.
    private struct Bench {
        let family: InternetFamily
        let namespace: NetworkNamespace
        let injector: ICMPInjector
        let loop: EpollLoop
        private let sentinel: Probe
        let host: IPAddress
        let peer: SocketAddress
        static let payload: [UInt8] = Array("the datagram that failed".utf8)

        init(_ family: InternetFamily) throws {
            self.family = family
            namespace = try NetworkNamespace()
            let router = IPAddress.test(family, 9, 9)
            try namespace.run("ip addr add \(router)/\(family.isIPv6 ? "128 nodad" : "32") dev lo")
            injector = try ICMPInjector(family, from: router, in: namespace)
            loop = try EpollLoop(syscalls: namespace.syscalls)
            host = family.isIPv6 ? .loopbackV6 : .loopbackV4
            peer = SocketAddress(host, port: 9)
            sentinel = try Probe(family, on: loop, from: SocketAddress(host, port: 0), receivesErrors: .all)
        }

        func probe(
            _ reception: ErrorReception, isConnected: Bool, _ discovery: PathMTUDiscovery? = nil
        ) throws -> Probe {
            try Probe(
                family, on: loop, to: isConnected ? peer : nil, from: SocketAddress(host, port: 0),
                receivesErrors: reception, pathMTUDiscovery: discovery)
        }

        /// Tells `probe` of an error, and returns what it has heard when the sentinel has heard of one after that.
        func errors(of probe: Probe, type: UInt8, code: UInt8, word: UInt32) throws -> [DatagramError] {
            let before = probe.errors.count
            let message = ICMPInjector.Message(
                type: type, code: code, word: word, from: try #require(probe.transport.localAddress), to: peer,
                payload: Self.payload)
            var last = message
            (last.type, last.code) = family.isIPv6 ? (1, 4) : (3, 3)
            last.from = try #require(sentinel.transport.localAddress)
            let count = sentinel.errors.count
            try injector.send([message, last])
            loop.settle { sentinel.errors.count > count }
            try #require(sentinel.errors.count == count + 1, "the sentinel hears of each round")
            return Array(probe.errors[before...])
        }

        func error(_ errno: Errno, type: UInt8, code: UInt8, info: UInt32) -> DatagramError {
            DatagramError(
                errno, operation: .send, origin: .icmp(type: type, code: code, offender: injector.source), peer: peer,
                info: info, quoted: Self.payload)
        }
    }

    /// Bytes that are all different: the first is a pointer, the last two an MTU.
    private static let word: UInt32 = 0x0b00_0578

    @Test(
        "every error is what the table says, to whom it says, with all details where the queue is read",
        arguments: InternetFamily.allCases)
    func table(_ family: InternetFamily) throws {
        let bench = try Bench(family)
        let connected = (try bench.probe(.off, isConnected: true), try bench.probe(.connected, isConnected: true))
        let unconnected = (try bench.probe(.off, isConnected: false), try bench.probe(.all, isConnected: false))
        for row in ICMPErrnoRow.table where row.family == family {
            for (type, code) in row.samples {
                func errors(_ probe: Probe) throws -> [DatagramError] {
                    try bench.errors(of: probe, type: type, code: code, word: Self.word)
                }
                let full = row.errno.map {
                    bench.error($0, type: type, code: code, info: row.info(of: Self.word))
                }
                let name = Comment(rawValue: "type \(type) code \(code)")
                #expect(try errors(connected.1) == (full.map { [$0] } ?? []), name)
                #expect(try errors(unconnected.1) == (full.map { [$0] } ?? []), name)
                let bare = row.errno.map {
                    DatagramError($0, operation: .receive, origin: .network, peer: bench.peer)
                }
                #expect(try errors(connected.0) == (row.class == .hard ? bare.map { [$0] } ?? [] : []), name)
                #expect(try errors(unconnected.0) == [], name)
            }
        }
        bench.loop.shutDown()
    }

    @Test(
        "an MTU from the network is heard of as the mode of path MTU discovery says",
        arguments: InternetFamily.allCases, PathMTUDiscovery.allCases)
    func pathMTU(_ family: InternetFamily, _ mode: PathMTUDiscovery) throws {
        let bench = try Bench(family)
        let (type, code): (UInt8, UInt8) = family.isIPv6 ? (2, 0) : (3, 4)
        let (isHeard, isHeardByQueue) =
            switch (family, mode) {
            case (.v4, .dont), (.v6, .interface), (.v6, .omit): (false, false)
            case (.v6, .dont): (false, true)
            default: (true, true)
            }
        let off = try bench.probe(.off, isConnected: true, mode)
        let errors = try bench.errors(of: off, type: type, code: code, word: 1_400)
        #expect(errors.map(\.errno) == (isHeard ? [.messageTooLong] : []))
        let queue = try bench.probe(.connected, isConnected: true, mode)
        let detailed = try bench.errors(of: queue, type: type, code: code, word: 1_400)
        #expect(
            detailed == (isHeardByQueue ? [bench.error(.messageTooLong, type: type, code: code, info: 1_400)] : []))
        #expect(detailed.allSatisfy { $0.mtu == 1_400 })
        bench.loop.shutDown()
    }

    @Test(
        "an MTU that says nothing is none, and small and large ones are passed on",
        arguments: [0, 68, 9_000] as [UInt32])
    func oddMTU(_ mtu: UInt32) throws {
        let bench = try Bench(.v4)
        let probe = try bench.probe(.all, isConnected: false)
        let errors = try bench.errors(of: probe, type: 3, code: 4, word: mtu)
        #expect(errors.map(\.info) == [mtu])
        #expect(errors.first?.mtu == (mtu == 0 ? nil : Int(mtu)))
        bench.loop.shutDown()
    }

    @Test("an IPv6 endpoint hears of its IPv4 peers as an IPv4 endpoint does", arguments: [false, true])
    func mappedPeer(isConnected: Bool) throws {
        let bench = try Bench(.v4)
        let mapped = SocketAddress(bench.host.mappedToIPv6, port: bench.peer.port)
        let probe = try Probe(
            .v6, on: bench.loop, to: isConnected ? mapped : nil,
            from: SocketAddress(bench.host.mappedToIPv6, port: 0), receivesErrors: .all)
        let local = SocketAddress(bench.host, port: try #require(probe.transport.localAddress).port)
        try bench.injector.send([
            .init(type: 3, code: 1, word: 0, from: local, to: bench.peer, payload: [1, 2, 3])
        ])
        bench.loop.settle { !probe.errors.isEmpty }
        let origin = DatagramError.Origin.icmp(type: 3, code: 1, offender: bench.injector.source)
        let error = DatagramError(.noRouteToHost, operation: .send, origin: origin, peer: mapped, quoted: [1, 2, 3])
        #expect(probe.errors == [error])
        bench.loop.shutDown()
    }

    @Test("a flood of errors, forged ones too, costs no datagram to a living peer", arguments: InternetFamily.allCases)
    func flood(_ family: InternetFamily) throws {
        let bench = try Bench(family)
        let living = try bench.namespace.peer(SocketAddress(bench.host, port: 0))
        let probe = try bench.probe(.all, isConnected: false)
        let message = ICMPInjector.Message(
            type: family.isIPv6 ? 1 : 3, code: family.isIPv6 ? 4 : 3, word: 0,
            from: try #require(probe.transport.localAddress), to: bench.peer, payload: Bench.payload)
        let stop = StopFlag()
        let flood = TestThread { while !stop.isSet { bench.injector.sendOne(message) } }
        let rounds = 2_000
        for round in 0..<rounds {
            probe.transport.send([UInt8(truncatingIfNeeded: round)], to: living.address)
            probe.transport.send([UInt8(truncatingIfNeeded: round)], to: living.address)
            if round % 8 == 0 { loop(bench, until: { probe.transport.statistics.sent >= 2 * UInt64(round) }) }
            living.drain()
        }
        stop.set()
        _ = consume flood
        bench.loop.settle {
            living.drain()
            return living.arrivals.count == 2 * rounds
        }
        #expect(living.arrivals == (0..<2 * rounds).map { [UInt8(truncatingIfNeeded: $0 / 2)] })
        #expect(probe.transport.statistics.sendsDropped == 0)
        #expect(!probe.errors.isEmpty)
        bench.loop.shutDown()
    }

    private func loop(_ bench: Bench, until condition: () -> Bool) {
        waitUntil {
            bench.loop.turn(waiting: false)
            return condition()
        }
    }
}
