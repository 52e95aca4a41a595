import SystemPackage
import Testing
import VolleyCore

@testable import VolleyReplay

/// Notes when datagrams arrive, and how long they are.
final class ArrivalRecorder: DatagramProtocol {
    private(set) var times: [Int64] = []
    private(set) var counts: [Int] = []
    private(set) var payloads: [[UInt8]] = []
    private(set) var errors: [DatagramError] = []
    private(set) var truncated = 0
    private(set) var transport: (any DatagramTransport)?

    func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }

    func datagramReceived(_ datagram: Datagram) {
        times.append(transport?.eventLoop.now.nanoseconds ?? -1)
        counts.append(datagram.count)
        payloads.append(Array(copying: datagram.payload))
        truncated += datagram.isTruncated ? 1 : 0
    }

    func errorReceived(_ error: DatagramError) { errors.append(error) }
    func connectionLost(_ error: DatagramError?) { transport = nil }
}

@Suite("Links of a simulated network")
struct LinkTests {
    /// Two hosts, a receiver on the second and a sender that is connected to it.
    final class Pair {
        let simulation: Simulation
        let one: SimulatedHost
        let other: SimulatedHost
        let receiver = ArrivalRecorder()
        let sender = ArrivalRecorder()
        let link: SimulatedLink

        init(
            _ options: LinkOptions, seed: UInt64 = 1, isIPv6: Bool = false,
            sending: SimulatedEndpoint.Options = SimulatedEndpoint.Options(),
            receiving: SimulatedEndpoint.Options = SimulatedEndpoint.Options()
        ) throws {
            simulation = Simulation(seed: seed)
            simulation.defaultLink = options
            one = try simulation.addHost("one")
            other = try simulation.addHost("other")
            let address = isIPv6 ? other.address6(9_000) : other.address(9_000)
            let (receiver, sender) = (receiver, sender)
            try other.bind(to: address, options: receiving) { receiver }
            try one.connect(to: address, options: sending) { sender }
            link = simulation.link(from: one, to: other)
        }

        deinit { simulation.end() }

        func send(_ counts: Int...) {
            for count in counts { sender.transport?.send([UInt8](repeating: 7, count: count)) }
        }
    }

    @Test("a datagram arrives after the latency, to the nanosecond")
    func latency() throws {
        let pair = try Pair(LinkOptions(latency: .nanoseconds(12_345_678)))
        pair.send(10)
        pair.simulation.run(for: .seconds(1))
        #expect(pair.receiver.times == [12_345_678])
    }

    @Test("a narrow link sends one packet after the other, headers included")
    func bandwidth() throws {
        var options = LinkOptions(latency: .milliseconds(1))
        options.bandwidth = 1_000_000
        let pair = try Pair(options)
        pair.send(97, 97, 222)
        pair.simulation.run(for: .seconds(1))
        // 125, 125 and 250 bytes at 8 microseconds each.
        #expect(pair.receiver.times == [2_000_000, 3_000_000, 5_000_000])
        #expect(pair.link.statistics.bytes == 500)
        #expect(pair.link.statistics.queuePacketsMax == 3)
    }

    @Test("a full queue drops and counts, by packets or by bytes")
    func queue() throws {
        for isByBytes in [false, true] {
            var options = LinkOptions(latency: .zero)
            options.bandwidth = 1_000_000
            if isByBytes { options.queueBytes = 500 } else { options.queuePackets = 4 }
            let pair = try Pair(options)
            for _ in 0..<10 { pair.send(97) }
            pair.simulation.run(for: .seconds(1))
            #expect(pair.receiver.counts.count == 4)
            #expect(pair.link.statistics.queueDropped == 6)
            // Once it has drained, it takes more.
            pair.send(97)
            pair.simulation.run(for: .seconds(1))
            #expect(pair.receiver.counts.count == 5)
        }
    }

    @Test("jitter reorders, unless the link keeps the order", arguments: [true, false])
    func jitter(_ reorders: Bool) throws {
        var options = LinkOptions(latency: .milliseconds(1))
        options.jitter = .uniform(.zero, .milliseconds(10))
        options.jitterReorders = reorders
        let pair = try Pair(options)
        for count in 1...50 { pair.send(count) }
        pair.simulation.run(for: .seconds(1))
        #expect(pair.receiver.counts.sorted() == Array(1...50))
        #expect((pair.receiver.counts == Array(1...50)) != reorders)
        #expect(pair.receiver.times.allSatisfy { 1_000_000...11_000_000 ~= $0 })
    }

    @Test("loss is counted, and adds up")
    func loss() throws {
        var receiving = SimulatedEndpoint.Options()
        // All arrive at one instant, before the endpoint gets to receive.
        receiving.receiveBufferSize = .max
        let pair = try Pair(LinkOptions(latency: .milliseconds(1), loss: 0.3), receiving: receiving)
        for _ in 0..<500 { pair.send(10) }
        pair.simulation.run(for: .seconds(1))
        let statistics = pair.link.statistics
        #expect(statistics.offered == 500)
        #expect(statistics.lost + statistics.delivered == 500)
        #expect(abs(statistics.lost - 150) < 45)
        #expect(pair.receiver.counts.count == statistics.delivered)
        #expect(pair.link.faults?.count(of: .loss) == statistics.lost)
    }

    @Test("a large datagram travels in fragments, whose headers take time too")
    func fragments() throws {
        var options = LinkOptions(latency: .zero)
        options.bandwidth = 8_000_000
        let pair = try Pair(options)
        pair.send(4_000)
        pair.simulation.run(for: .seconds(1))
        // 4,008 bytes in shares of 1,480, each behind 20 bytes of header.
        #expect(pair.link.statistics.bytes == 4_008 + 3 * 20)
        #expect(pair.link.statistics.fragmented == 1)
        #expect(pair.receiver.times == [4_068_000])
    }

    @Test("a datagram in many fragments is lost more often, for any of them can be")
    func fragmentLoss() throws {
        let pair = try Pair(LinkOptions(latency: .zero, loss: 0.1))
        for _ in 0..<400 {
            pair.send(14_000)
            pair.simulation.run(for: .milliseconds(1))
        }
        // 14,008 bytes are ten fragments: 0.9^10 = 0.35 get through.
        #expect(abs(pair.receiver.counts.count - 140) < 45)
    }

    @Test("an endpoint that does not fragment gets EMSGSIZE with the MTU", arguments: [false, true])
    func messageTooLong(_ isIPv6: Bool) throws {
        var sending = SimulatedEndpoint.Options()
        sending.fragments = false
        let pair = try Pair(LinkOptions(), isIPv6: isIPv6, sending: sending)
        let most = 1_500 - (isIPv6 ? 48 : 28)
        pair.send(most + 1, most)
        pair.simulation.run(for: .seconds(1))
        #expect(pair.sender.errors.map(\.errno) == [.messageTooLong])
        #expect(pair.sender.errors.first?.mtu == 1_500)
        #expect(pair.receiver.counts == [most])
    }

    @Test("a path that takes less than the link says so, once; then the host keeps to it", arguments: [false, true])
    func pathMTU(_ isIPv6: Bool) throws {
        var options = LinkOptions(latency: .milliseconds(5))
        options.pathMTU = 1_300
        var sending = SimulatedEndpoint.Options()
        sending.receivesErrors = .connected
        let pair = try Pair(options, isIPv6: isIPv6, sending: sending)
        pair.send(1_400)
        pair.simulation.run(for: .milliseconds(9))
        #expect(pair.sender.errors.isEmpty)
        pair.simulation.run(for: .milliseconds(1))
        let error = try #require(pair.sender.errors.first)
        #expect(error.errno == .messageTooLong)
        #expect(error.mtu == 1_300)
        #expect(error.origin.icmp?.offender == (isIPv6 ? pair.simulation.routerIPv6 : pair.simulation.routerIPv4))
        pair.send(1_400)
        pair.simulation.run(for: .seconds(1))
        #expect(pair.receiver.counts == [1_400])
        #expect(pair.link.statistics.tooBig == 1)
        #expect(pair.link.statistics.fragmented == 1)
    }

    @Test("senseless options count as the nearest sensible ones")
    func senselessOptions() throws {
        var options = LinkOptions(latency: .seconds(-1))
        options.jitter = .constant(.seconds(-1))
        options.bandwidth = Int.max
        options.queuePackets = -1
        options.mtu = -1
        options.pathMTU = 0
        var faults = Faults()
        faults.reordering = Faults.Reordering(7, by: .constant(.seconds(-1)), gap: 0)
        faults.corruption = -1
        faults.corruptedBits = 0
        faults.loss = .nan
        options.faults = faults
        for isIPv6 in [false, true] {
            let pair = try Pair(options, isIPv6: isIPv6)
            pair.send(0, 60_000)
            pair.simulation.run(for: .seconds(1))
            #expect(pair.receiver.counts == [0, 60_000])
        }
        options.bandwidth = -1
        options.latency = .seconds(Int64.max)
        let endless = try Pair(options)
        endless.send(100, 100)
        endless.simulation.run(for: .seconds(1))
        #expect(endless.receiver.counts.isEmpty)
    }

    @Test("a cut works in one direction or both, and for as long as it is to")
    func partitions() throws {
        for isSymmetric in [false, true] {
            let simulation = Simulation(seed: 1)
            let one = try simulation.addHost("one")
            let other = try simulation.addHost("other")
            let (mine, theirs) = (ArrivalRecorder(), ArrivalRecorder())
            let local = try one.bind(to: one.address(1)) { mine }
            let remote = try other.bind(to: other.address(2)) { theirs }
            simulation.partition(
                [one], from: [other], isSymmetric: isSymmetric, after: .seconds(1), lasting: .seconds(2))
            for _ in 0..<4 {
                local.transport.send([1], to: other.address(2))
                remote.transport.send([2], to: one.address(1))
                simulation.run(for: .milliseconds(999))
            }
            // Sent at 0, 0.999 (not cut yet), 1.998 and 2.997 seconds.
            #expect(theirs.counts.count == 2)
            #expect(mine.counts.count == (isSymmetric ? 2 : 4))
            simulation.run(for: .seconds(1))
            local.transport.send([1], to: other.address(2))
            simulation.run(for: .seconds(1))
            #expect(theirs.counts.count == 3)
            #expect(simulation.link(from: one, to: other).statistics.cutDropped == 2)
            simulation.end()
        }
    }

    @Test("one more host does not change what the others meet")
    func independence() throws {
        func run(hasThird: Bool) throws -> [Int64] {
            let pair = try Pair(LinkOptions(latency: .milliseconds(1), loss: 0.3))
            pair.link.options.jitter = .exponential(mean: .milliseconds(1))
            if hasThird {
                let third = try pair.simulation.addHost("third")
                let noise = try third.bind(port: 5) { ArrivalRecorder() }
                for _ in 0..<20 { noise.transport.send([1], to: pair.other.address(9_000)) }
            }
            for _ in 0..<50 { pair.send(100) }
            pair.simulation.run(for: .seconds(1))
            return zip(pair.receiver.times, pair.receiver.counts).filter { $1 == 100 }.map(\.0)
        }
        #expect(try run(hasThird: false) == run(hasThird: true))
    }
}
