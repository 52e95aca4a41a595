import SystemPackage
import Testing
import VolleyCore

@testable import VolleyReplay

@Suite("Hosts of a simulated network")
struct HostTests {
    @Test("a host that crashes ends its endpoints, and boots anew with nothing it knew")
    func restart() throws {
        let simulation = Simulation(seed: 1)
        var services: [EchoService] = []
        let server = try simulation.addHost("server") { host in
            try host.bind(port: 7) {
                services.append(EchoService())
                return services[services.count - 1]
            }
        }
        let client = try simulation.addHost("client")
        let query = RetryingClient(requests: 20, tries: 100, timeout: .milliseconds(50))
        try client.connect(to: server.address(7)) { query }
        simulation.after(.milliseconds(5)) { server.restart(after: .seconds(3)) }
        #expect(simulation.run(until: { query.isDone }, within: .seconds(10)))
        #expect(query.answered == 20)
        #expect(services.count == 2)
        #expect(services[0].losses.map { $0?.errno } == [.networkDown])
        #expect(services[0].received + services[1].received >= 20)
        #expect(services[1].received > 0)
        #expect(simulation.loop.now.nanoseconds > 3_000_000_000)
        simulation.end()
        #expect(services[1].losses == [nil])
    }

    @Test("timers of a crashed host do not run")
    func crashedTimers() throws {
        let simulation = Simulation(seed: 1)
        let host = try simulation.addHost("host")
        var count = 0
        host.eventLoop.callLater(.seconds(1)) { count += 1 }
        simulation.after(.milliseconds(500)) { host.crash() }
        simulation.run(for: .seconds(2))
        #expect(count == 0)
        #expect(!host.isUp)
        #expect(throws: DatagramError.self) { try host.bind(port: 1) { EchoService() } }
        simulation.end()
    }

    @Test("a paused host receives later, and a timer cancelled by what it receives does not run")
    func pause() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        let receiver = ArrivalRecorder()
        try other.bind(port: 9) { receiver }
        let sender = try one.bind(port: 0) { ArrivalRecorder() }
        var order: [Int] = []
        var late: ScheduledCall?
        other.eventLoop.callLater(.seconds(1)) {
            order.append(1)
            late?.cancel()
        }
        late = other.eventLoop.callLater(.seconds(2)) { order.append(2) }
        other.eventLoop.callLater(.seconds(3)) { order.append(3) }
        other.pause()
        sender.transport.send([1], to: other.address(9))
        simulation.run(for: .seconds(5))
        #expect(receiver.times.isEmpty && order.isEmpty)
        other.resume()
        simulation.run(for: .seconds(1))
        #expect(receiver.times == [5_000_000_000])
        #expect(order == [1, 3])
        simulation.end()
    }

    @Test("a full receive buffer drops, and the endpoint's statistics say so")
    func receiveBuffer() throws {
        var receiving = SimulatedEndpoint.Options()
        receiving.receiveBufferSize = 10 * (768 + 100)
        let pair = try LinkTests.Pair(LinkOptions(), receiving: receiving)
        pair.other.pause()
        for _ in 0..<25 { pair.send(100) }
        pair.simulation.run(for: .seconds(1))
        pair.other.resume()
        pair.simulation.run(for: .seconds(1))
        #expect(pair.receiver.counts.count == 10)
        #expect(pair.other.endpoints[0].statistics.kernelDrops == 15)
        #expect(pair.simulation.trace.count { $0.kind == .bufferFull } == 15)
    }

    @Test("a datagram longer than the slot is truncated")
    func truncation() throws {
        var receiving = SimulatedEndpoint.Options()
        receiving.slotSize = 100
        let pair = try LinkTests.Pair(LinkOptions(), receiving: receiving)
        pair.send(99, 100, 101, 60_000)
        pair.simulation.run(for: .seconds(1))
        #expect(pair.receiver.counts == [99, 100, 100, 100])
        #expect(pair.receiver.truncated == 2)
    }

    @Test("addresses and ports are refused as bind(2) refuses them")
    func binding() throws {
        let simulation = Simulation(seed: 1)
        let host = try simulation.addHost("host")
        func bind(_ address: SocketAddress) -> Errno? {
            do throws(DatagramError) {
                try host.bind(to: address) { EchoService() }
                return nil
            } catch {
                return error.errno
            }
        }
        #expect(bind(host.address(5)) == nil)
        #expect(bind(host.address(5)) == .addressInUse)
        #expect(bind(SocketAddress(.anyV4, port: 5)) == .addressInUse)
        #expect(bind(SocketAddress(.anyV6, port: 5)) == .addressInUse)
        #expect(bind(host.address6(5)) == nil)
        #expect(bind(SocketAddress(.loopbackV4, port: 5)) == nil)
        #expect(bind(SocketAddress(IPAddress(v4: 0x0102_0304), port: 5)) == .addressNotAvailable)
        #expect(bind(SocketAddress(.anyV6, port: 6)) == nil)
        #expect(bind(SocketAddress(.anyV4, port: 6)) == .addressInUse)
        #expect(throws: SimulationFailure.self) {
            try simulation.addHost("twin", addresses: [host.addresses[0]])
        }
        simulation.end()
    }

    @Test("a dual-stack server answers IPv4 and IPv6 from the address that was asked")
    func dualStack() throws {
        let simulation = Simulation(seed: 1)
        let extra = IPAddress(v4: 0x0a00_00ff)
        let server = try simulation.addHost(
            "server", addresses: [IPAddress(v4: 0x0a00_0001), IPAddress(v6High: 0xfd00 << 48, low: 1), extra]
        ) { host in
            try host.bind(port: 7) { EchoService() }
        }
        let client = try simulation.addHost("client")
        for address in server.addresses {
            let recorder = ArrivalRecorder()
            let endpoint = try client.connect(to: SocketAddress(address, port: 7)) { recorder }
            endpoint.transport.send([9])
            simulation.run(for: .seconds(1))
            #expect(recorder.payloads == [[9]], "\(address)")
        }
        let recorder = ArrivalRecorder()
        let local = try server.connect(to: SocketAddress(.loopbackV4, port: 7)) { recorder }
        local.transport.send([8])
        simulation.run(for: .seconds(1))
        #expect(recorder.payloads == [[8]])
        simulation.end()
    }

    @Test("who has joined a group hears it, the sender's host included; others do not")
    func multicast() throws {
        let simulation = Simulation(seed: 1)
        let group = IPAddress(v4: 0xef01_0203)
        var members: [ArrivalRecorder] = []
        var endpoints: [SimulatedEndpoint] = []
        for index in 0..<4 {
            let host = try simulation.addHost("host\(index)")
            members.append(ArrivalRecorder())
            endpoints.append(try host.bind(port: 5_353) { members[index] })
        }
        for index in [0, 1] { try endpoints[index].transport.join(MulticastMembership(group)) }
        try endpoints[3].transport.join(MulticastMembership(group, source: simulation.hosts[1].addresses[0]))
        endpoints[0].transport.send([1], to: SocketAddress(group, port: 5_353))
        simulation.run(for: .seconds(1))
        #expect(members.map(\.payloads.count) == [1, 1, 0, 0])
        endpoints[1].transport.send([2], to: SocketAddress(group, port: 5_353))
        simulation.run(for: .seconds(1))
        #expect(members.map(\.payloads.count) == [2, 2, 0, 1])
        try endpoints[1].transport.leave(MulticastMembership(group))
        endpoints[0].transport.send([3], to: SocketAddress(group, port: 5_353))
        simulation.run(for: .seconds(1))
        #expect(members.map(\.payloads.count) == [3, 2, 0, 1])
        simulation.end()
    }

    @Test("a broadcast takes permission, and reaches all others")
    func broadcast() throws {
        let simulation = Simulation(seed: 1)
        var hearers: [ArrivalRecorder] = []
        for index in 0..<3 {
            hearers.append(ArrivalRecorder())
            try simulation.addHost("host\(index)").bind(to: SocketAddress(.anyV4, port: 67)) { hearers[index] }
        }
        let everybody = SocketAddress(IPAddress(v4: 0xffff_ffff), port: 67)
        let shy = ArrivalRecorder()
        try simulation.hosts[0].bind(port: 0) { shy }.transport.send([1], to: everybody)
        var options = SimulatedEndpoint.Options()
        options.allowsBroadcast = true
        try simulation.hosts[0].bind(port: 0, options: options) { ArrivalRecorder() }
            .transport.send([2], to: everybody)
        simulation.run(for: .seconds(1))
        #expect(shy.errors.map(\.errno) == [.permissionDenied])
        #expect(hearers.map(\.payloads) == [[[2]], [[2]], [[2]]])
        simulation.end()
    }

    @Test("a host's clock may be wrong; its timers are not")
    func clockOffset() throws {
        let simulation = Simulation(seed: 1)
        let host = try simulation.addHost("host")
        host.clockOffset = .seconds(-90)
        var times: [Int64] = []
        host.eventLoop.callLater(.seconds(1)) { times = [host.eventLoop.now.nanoseconds] }
        simulation.run(for: .seconds(2))
        let difference =
            host.eventLoop.wallClock.nanosecondsSinceEpoch - simulation.loop.wallClock.nanosecondsSinceEpoch
        #expect(difference == -90_000_000_000)
        #expect(times == [1_000_000_000])
        simulation.end()
    }
}
