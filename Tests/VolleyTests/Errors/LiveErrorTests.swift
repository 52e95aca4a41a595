import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// Real errors of the kernel and of ICMP that it sends, between namespaces of the tests' own.
@Suite(
    "Errors, live", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: NetworkNamespace.obstacle == nil, "\(NetworkNamespace.obstacle ?? "")"))
struct LiveErrorTests {
    @Test(
        "what the network reports arrives with errno, peer and origin, where it is asked for",
        arguments: LiveErrorCase.network)
    func network(_ item: LiveErrorCase) throws {
        let lab = try NetworkLab()
        let loop = try EpollLoop(syscalls: lab.host.syscalls)
        let setUps: [(reception: ErrorReception, isConnected: Bool)] = [
            (.off, false), (.connected, false), (.off, true), (.connected, true), (.all, false),
        ]  // Five: of more errors in a row a router keeps some to itself (`ip_error`, RFC 1812 4.3.2.8).
        let probes = try setUps.enumerated().map { number, setUp in
            try Probe(
                item.family, on: loop, to: setUp.isConnected ? item.destination(of: number) : nil,
                receivesErrors: setUp.reception, pathMTUDiscovery: item.pathMTUDiscovery)
        }
        for (number, probe) in probes.enumerated() { probe.send(item.payload, to: item.destination(of: number)) }
        loop.settle { probes[3...].allSatisfy { !$0.errors.isEmpty } }
        // The last two hear of it for certain, and the network has dealt with the others before.
        for number in 3..<5 {
            #expect(probes[number].errors == [item.error(to: item.destination(of: number))])
            #expect(probes[number].transport.statistics.errors == [item.errno: 1])
        }
        #expect(probes[0].errors == [])
        #expect(probes[1].errors == [])
        let pending = DatagramError(
            item.errno, operation: .receive, origin: .network, peer: item.destination(of: 2))
        #expect(probes[2].errors == (item.isHard ? [pending] : []))
        for number in [0, 1, 4] {
            let living = try lab.far.peer(SocketAddress(.test(item.family, 2, 1), port: 0))
            #expect(probes[number].exchanges(with: living, on: loop))
        }
        for probe in probes {
            #expect(!probe.transport.isClosing)
            #expect(probe.transport.statistics.sendsDropped == 0)
        }
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        loop.shutDown()
    }

    @Test("what the host refuses to send is reported with errno and peer, once", arguments: LiveErrorCase.local)
    func local(_ item: LiveErrorCase) throws { try checkLocal(item) }

    @Test(
        "what a firewall drops is reported with errno and peer, once",
        .enabled(if: NetworkNamespace.has("nft"), "nft is not installed"), arguments: LiveErrorCase.filtered)
    func filtered(_ item: LiveErrorCase) throws { try checkLocal(item) }

    private func checkLocal(_ item: LiveErrorCase) throws {
        let lab = try NetworkLab()
        let loop = try EpollLoop(syscalls: lab.host.syscalls)
        let probes = try [ErrorReception.off, .all].map { try Probe(item.family, on: loop, receivesErrors: $0) }
        try lab.host.run(item.hostScript)
        for probe in probes {
            let isHeard = item.isShown || probe === probes[1]
            probe.send(item.payload, to: item.destination)
            loop.settle()
            #expect(probe.errors == (isHeard ? [item.error(to: item.destination, hasQueue: probe === probes[1])] : []))
            #expect(probe.transport.statistics.errors == (isHeard ? [item.errno: 1] : [:]))
            #expect(probe.transport.statistics.failedDropped == (isHeard ? 1 : 0))
        }
        if item.hostScript.hasPrefix("tc") { try lab.host.run("tc qdisc del dev a0 root") }
        for probe in probes {
            let living = try lab.far.peer(SocketAddress(.test(item.family, 2, 1), port: 0))
            #expect(probe.exchanges(with: living, on: loop))
        }
        #expect(!loop.turn(waiting: false), "the loop has nothing left to do")
        loop.shutDown()
    }

    @Test("no living peer loses a datagram to dead ones, however far", arguments: InternetFamily.allCases)
    func livingPeers(_ family: InternetFamily) throws {
        let lab = try NetworkLab()
        let loop = try EpollLoop(syscalls: lab.host.syscalls)
        let probe = try Probe(family, on: loop, receivesErrors: .all)
        let living = try (0..<2).map { _ in try lab.far.peer(SocketAddress(.test(family, 2, 1), port: 0)) }
        let dead = [
            SocketAddress(.test(family, 2, 1), port: 9), SocketAddress(.test(family, 7, 1), port: 9),
            SocketAddress(.test(family, 8, 1), port: 9), SocketAddress(.test(family, 66, 1), port: 9),
        ]
        let rounds = 200
        for round in 0..<rounds {
            for peer in dead { probe.transport.send([0], to: peer) }
            for peer in living { probe.transport.send([UInt8(round)], to: peer.address) }
            if round % 5 == 0 { loop.turn(waiting: false) }
            for peer in living { peer.drain() }
        }
        loop.settle {
            for peer in living { peer.drain() }
            return living.allSatisfy { $0.arrivals.count == rounds }
        }
        for peer in living { #expect(peer.arrivals == (0..<rounds).map { [UInt8($0)] }) }
        // Only to the network without a route does the host itself refuse to send.
        #expect(probe.transport.statistics.failedDropped == UInt64(rounds))
        #expect(probe.errors.count { $0.origin == .local } == rounds)
        #expect(probe.errors.allSatisfy { $0.peer.map(dead.contains) == true && $0.origin != .network })
        loop.shutDown()
    }

    @Test("a datagram larger than the known path MTU is refused with that MTU", arguments: InternetFamily.allCases)
    func knownPathMTU(_ family: InternetFamily) throws {
        let lab = try NetworkLab()
        let loop = try EpollLoop(syscalls: lab.host.syscalls)
        let far = SocketAddress(.test(family, 2, 1), port: 9)
        let payload = [UInt8](repeating: 3, count: 1_400)
        let teacher = try Probe(family, on: loop, receivesErrors: .all, pathMTUDiscovery: .do)
        teacher.send(payload, to: far)
        loop.settle { !teacher.errors.isEmpty }
        let own = DatagramError(
            .messageTooLong, operation: .send, peer: far, info: 1_300, quoted: Array(payload.prefix(512)))
        for (peer, reception) in [(nil, ErrorReception.all), (far, .all), (far, .off)] {
            let probe = try Probe(family, on: loop, to: peer, receivesErrors: reception, pathMTUDiscovery: .do)
            probe.send(payload, to: far)
            loop.settle()
            #expect(probe.errors == [own])
            #expect(probe.errors.first?.mtu == 1_300)
            #expect(probe.transport.statistics.failedDropped == 1)
        }
        // Nobody told this one, and it does not ask: an unconnected socket has no path.
        let probe = try Probe(family, on: loop, receivesErrors: .off, pathMTUDiscovery: .do)
        probe.send(payload, to: far)
        loop.settle()
        #expect(probe.errors.map(\.errno) == [.messageTooLong])
        #expect(probe.errors.first?.mtu == nil)
        loop.shutDown()
    }

    @Test(
        "the modes of path MTU discovery refuse, fragment or let pass what is too large",
        arguments: InternetFamily.allCases)
    func modes(_ family: InternetFamily) throws {
        let lab = try NetworkLab()
        let loop = try EpollLoop(syscalls: lab.host.syscalls)
        // Larger than the first link takes, which the host knows by itself.
        let payload = [UInt8](repeating: 9, count: 2_000)
        for mode in PathMTUDiscovery.allCases {
            let probe = try Probe(family, on: loop, receivesErrors: .all, pathMTUDiscovery: mode)
            // A path of its own, of which nothing is known yet.
            probe.send(payload, to: SocketAddress(.test(family, 2, 17 + UInt8(mode.rawValue)), port: 9))
            loop.settle()
            let fragments = mode == .dont || mode == .want || mode == .omit
            #expect(probe.transport.statistics.sent == (fragments ? 1 : 0), "\(mode)")
            if !fragments { #expect(probe.errors.map(\.mtu) == [1_500], "\(mode)") }
        }
        loop.shutDown()
    }
}
