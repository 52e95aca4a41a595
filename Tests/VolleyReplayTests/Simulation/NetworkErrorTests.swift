import SystemPackage
import Testing
import VolleyCore

@testable import VolleyReplay

@Suite("Errors of a simulated network")
struct NetworkErrorTests {
    /// Sends to `port` of a host without endpoints, and says what the sender hears.
    private func errors(
        isIPv6: Bool, isConnected: Bool, _ reception: ErrorReception,
        prepare: (Simulation, SimulatedHost, SimulatedHost) -> Void = { _, _, _ in }
    ) throws -> (errors: [DatagramError], times: Int64) {
        let simulation = Simulation(seed: 1)
        simulation.defaultLink.latency = .milliseconds(10)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        prepare(simulation, one, other)
        let address = isIPv6 ? other.address6(9) : other.address(9)
        var options = SimulatedEndpoint.Options()
        options.receivesErrors = reception
        let sender = ArrivalRecorder()
        let endpoint =
            try isConnected
            ? one.connect(to: address, options: options) { sender } : one.bind(port: 0, options: options) { sender }
        if isConnected { endpoint.transport.send([1, 2, 3]) } else { endpoint.transport.send([1, 2, 3], to: address) }
        simulation.run(until: { !sender.errors.isEmpty }, within: .seconds(1))
        let time = simulation.loop.now.nanoseconds
        let errors = sender.errors
        simulation.end()
        return (errors, time)
    }

    @Test("a closed port refuses a connected endpoint after the way there and back", arguments: [false, true])
    func portUnreachable(_ isIPv6: Bool) throws {
        let (errors, time) = try errors(isIPv6: isIPv6, isConnected: true, .off)
        #expect(errors.map(\.errno) == [.connectionRefused])
        #expect(errors.first?.origin == .network)
        #expect(time == 20_000_000)
    }

    @Test("an unconnected endpoint hears of it only if it asked, and then with all details", arguments: [false, true])
    func unconnected(_ isIPv6: Bool) throws {
        #expect(try errors(isIPv6: isIPv6, isConnected: false, .off).errors.isEmpty)
        #expect(try errors(isIPv6: isIPv6, isConnected: false, .connected).errors.isEmpty)
        let error = try #require(try errors(isIPv6: isIPv6, isConnected: false, .all).errors.first)
        #expect(error.errno == .connectionRefused)
        #expect(error.operation == .send)
        #expect(error.origin.icmp?.type == (isIPv6 ? 1 : 3))
        #expect(error.origin.icmp?.code == (isIPv6 ? 4 : 3))
        #expect(error.peer?.port == 9)
        #expect(error.quoted == [1, 2, 3])
    }

    @Test("that a host is down or a net cut is soft: only who asked hears of it", arguments: [false, true])
    func softErrors(_ isIPv6: Bool) throws {
        let crash: (Simulation, SimulatedHost, SimulatedHost) -> Void = { $2.crash() }
        let reject: (Simulation, SimulatedHost, SimulatedHost) -> Void = {
            $0.partition([$1], from: [$2], state: .rejecting)
        }
        #expect(try errors(isIPv6: isIPv6, isConnected: true, .off, prepare: crash).errors.isEmpty)
        #expect(try errors(isIPv6: isIPv6, isConnected: true, .off, prepare: reject).errors.isEmpty)
        let down = try errors(isIPv6: isIPv6, isConnected: true, .connected, prepare: crash)
        #expect(down.errors.map(\.errno) == [.noRouteToHost])
        let cut = try errors(isIPv6: isIPv6, isConnected: true, .connected, prepare: reject)
        #expect(cut.errors.map(\.errno) == [.networkUnreachable])
        #expect(cut.times == 20_000_000)
    }

    @Test("an address that nobody has is answered by a router")
    func unknownAddress() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        var options = SimulatedEndpoint.Options()
        options.receivesErrors = .all
        let sender = ArrivalRecorder()
        let endpoint = try one.bind(port: 0, options: options) { sender }
        endpoint.transport.send([1], to: SocketAddress(IPAddress(v4: 0xc0a8_0001), port: 9))
        simulation.run(for: .seconds(1))
        #expect(sender.errors.map(\.errno) == [.networkUnreachable])
        #expect(sender.errors.first?.origin.icmp?.offender == simulation.routerIPv4)
        simulation.end()
    }

    @Test("a send tells of the pending error of an earlier one, and is sent all the same")
    func pendingError() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        let sender = ArrivalRecorder()
        let endpoint = try one.connect(to: other.address(9)) { sender }
        endpoint.transport.send([1])
        endpoint.transport.flush()
        // The error arrives while the process stands still, and the next send finds it.
        one.pause()
        simulation.run(for: .seconds(1))
        endpoint.transport.send([2])
        endpoint.transport.flush()
        #expect(sender.errors.map(\.errno) == [.connectionRefused])
        #expect(sender.errors.first?.origin == .network)
        #expect(endpoint.statistics.sent == 2)
        #expect(endpoint.statistics.failedDropped == 0)
        simulation.end()
    }

    @Test("injected errors of sends blame the datagram they are for, and no other")
    func injectedSendErrors() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        var faults = Faults()
        faults.errors = [Faults.ErrnoFault(.notPermitted, 1)]
        faults.filter = { $0.number % 3 == 1 }
        var options = SimulatedEndpoint.Options()
        options.faults = FaultPlan(seed: 1, sending: faults)
        let (sender, receiver) = (ArrivalRecorder(), ArrivalRecorder())
        try other.bind(port: 9) { receiver }
        let endpoint = try one.connect(to: other.address(9), options: options) { sender }
        for number in 0..<9 { endpoint.transport.send([UInt8(number)]) }
        simulation.run(for: .seconds(1))
        #expect(sender.errors.map(\.errno) == [.notPermitted, .notPermitted, .notPermitted])
        #expect(sender.errors.allSatisfy { $0.origin == .local })
        #expect(sender.errors.map(\.quoted) == [[1], [4], [7]])
        #expect(receiver.payloads == [[0], [2], [3], [5], [6], [8]])
        #expect(endpoint.statistics.failedDropped == 3)
        #expect(endpoint.faults?.count(of: .errno) == 3)
        simulation.end()
    }

    @Test("a send that is refused with EAGAIN is made again")
    func injectedWouldBlock() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        var faults = Faults()
        faults.errors = [Faults.ErrnoFault(.wouldBlock, 0.5)]
        var options = SimulatedEndpoint.Options()
        options.faults = FaultPlan(seed: 1, sending: faults)
        let (sender, receiver) = (ArrivalRecorder(), ArrivalRecorder())
        try other.bind(port: 9) { receiver }
        let endpoint = try one.connect(to: other.address(9), options: options) { sender }
        for number in 0..<50 { endpoint.transport.send([UInt8(number)]) }
        simulation.run(for: .seconds(1))
        #expect(receiver.payloads == (0..<50).map { [UInt8($0)] })
        #expect(sender.errors.isEmpty)
        #expect(endpoint.statistics.sendBlocked > 0)
        simulation.end()
    }

    @Test("faults of a receiving endpoint are its own: errno, loss, corruption")
    func injectedReceiveFaults() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        var faults = Faults.loss(0.3)
        faults.corruption = 0.3
        faults.delay = .uniform(.zero, .milliseconds(50))
        faults.errors = [Faults.ErrnoFault(.noMemory, 0.1)]
        var options = SimulatedEndpoint.Options()
        options.faults = FaultPlan(seed: 1, receiving: faults)
        let receiver = ArrivalRecorder()
        let endpoint = try other.bind(port: 9, options: options) { receiver }
        let sender = try one.bind(port: 0) { ArrivalRecorder() }
        for number in 0..<200 { sender.transport.send([UInt8(number), 0], to: other.address(9)) }
        simulation.run(for: .seconds(1))
        let injector = try #require(endpoint.faults)
        #expect(receiver.payloads.count == 200 - injector.count(of: .loss))
        #expect(receiver.errors.count == injector.count(of: .errno))
        #expect(injector.count(of: .corruption) > 0 && injector.count(of: .errno) > 0)
        simulation.end()
    }

    @Test("what was sent with a delay arrives, although its sender has closed")
    func delayedSend() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        var faults = Faults()
        faults.delay = .constant(.milliseconds(30))
        faults.duplication = 1
        var options = SimulatedEndpoint.Options()
        options.faults = FaultPlan(seed: 1, sending: faults)
        let receiver = ArrivalRecorder()
        try other.bind(port: 9) { receiver }
        let endpoint = try one.connect(to: other.address(9), options: options) { ArrivalRecorder() }
        endpoint.transport.send([1, 2])
        endpoint.transport.close()
        simulation.run(for: .seconds(1))
        #expect(!endpoint.isOpen)
        #expect(receiver.payloads == [[1, 2], [1, 2]])
        #expect(receiver.times == [31_000_000, 31_000_000])
        simulation.end()
    }

    @Test("an injected ICMP error takes the datagram's place")
    func injectedICMP() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        var faults = Faults()
        faults.icmp = [Faults.ICMPFault(type: 3, code: 13, 1, after: .constant(.milliseconds(7)))]
        faults.filter = { $0.number == 0 }
        var options = SimulatedEndpoint.Options()
        options.faults = FaultPlan(seed: 1, sending: faults)
        let (sender, receiver) = (ArrivalRecorder(), ArrivalRecorder())
        try other.bind(port: 9) { receiver }
        let endpoint = try one.connect(to: other.address(9), options: options) { sender }
        endpoint.transport.send([0])
        endpoint.transport.send([1])
        simulation.run(for: .seconds(1))
        #expect(sender.errors.map(\.errno) == [.noRouteToHost])
        #expect(receiver.payloads == [[1]])
        simulation.end()
    }
}
