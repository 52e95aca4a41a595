import Testing
import VolleyReplay

/// Asks once a second until it is answered: what the documentation of `Simulation` calls `Query`.
private final class Query: DatagramProtocol {
    private(set) var isAnswered = false
    private var transport: (any DatagramTransport)?

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
        ask()
    }

    private func ask() {
        guard !isAnswered, let transport else { return }
        transport.send([1, 2, 3])
        transport.eventLoop.callLater(.seconds(1)) { [weak self] in self?.ask() }
    }

    func datagramReceived(_ datagram: Datagram) { isAnswered = true }
    func connectionLost(_ error: DatagramError?) { transport = nil }
}

private typealias Resolver = EchoService

@Suite("The samples of the documentation")
struct SampleTests {
    @Test("the sample of Simulation compiles, without any privilege of this package, and holds")
    func simulation() throws {
        let simulation = Simulation(seed: 7)
        simulation.defaultLink = LinkOptions(latency: .milliseconds(20), loss: 0.1)
        let server = try simulation.addHost("server") { host in
            try host.bind(port: 53) { Resolver() }
        }
        let client = try simulation.addHost("client")
        let query = Query()
        try client.connect(to: SocketAddress(server.addresses[0], port: 53)) { query }
        simulation.run(until: { query.isAnswered }, within: .seconds(10))
        simulation.check(query.isAnswered, "every query is answered or given up")
        #expect(simulation.failures.isEmpty)
        simulation.end()
    }

    @Test("a fault plan for one peer, as in the documentation of Faults")
    func faults() throws {
        let simulation = Simulation(seed: 7)
        let server = try simulation.addHost("server") { try $0.bind(port: 53) { Resolver() } }
        var faults = Faults()
        faults.burstLoss = BurstLoss(p: 0.5, r: 0.5)
        faults.filter = { [address = server.addresses[0]] subject in subject.destination.ip == address }
        var options = SimulatedEndpoint.Options()
        options.faults = FaultPlan(seed: 1, sending: faults)
        let query = Query()
        let endpoint = try simulation.addHost("client").connect(
            to: SocketAddress(server.addresses[0], port: 53), options: options
        ) { query }
        #expect(simulation.run(until: { query.isAnswered }, within: .seconds(100)))
        print(endpoint.faults?.description ?? "no faults")
        simulation.end()
    }
}
