import SystemPackage
import Synchronization
import Testing
import VolleyCore
import VolleyTesting

@testable import VolleyReplay

/// The contract's world over a simulated network: the endpoint on one host, its peers on another, links without delay.
final class SimulatedContractWorld: ContractWorld {
    private let simulation = Simulation(seed: 1)
    private let isIPv6: Bool
    private let isConnected: Bool
    private let receivesErrors: ErrorReception
    private let transportFaults = TransportFaults()
    private let host: SimulatedHost
    private let peerHost: SimulatedHost
    private var peerEndpoints: [SimulatedEndpoint] = []
    private var recorders: [PeerRecorder] = []
    private var local: SocketAddress?
    private let sent = SentRecorder()

    /// Keeps what the network has taken, which without loss is what arrives.
    private final class SentRecorder: DatagramTap {
        private let state = Mutex<[(destination: SocketAddress, payload: [UInt8])]>([])

        func received(_: RawSpan, from: SocketAddress, to: SocketAddress, at: WallClockTime) {}
        func sent(_ payload: RawSpan, from: SocketAddress, to destination: SocketAddress, at: WallClockTime) {
            let bytes = Array(copying: payload)
            state.withLock { $0.append((destination, bytes)) }
        }

        func payloads(to destination: SocketAddress) -> [[UInt8]] {
            state.withLock { $0.filter { $0.destination == destination }.map(\.payload) }
        }
    }

    /// Keeps what a peer has received.
    private final class PeerRecorder: DatagramProtocol {
        private(set) var payloads: [[UInt8]] = []
        func datagramReceived(_ datagram: Datagram) { payloads.append(Array(copying: datagram.payload)) }
    }

    init(isIPv6: Bool, isConnected: Bool, receivesErrors: ErrorReception = .off) throws {
        self.isIPv6 = isIPv6
        self.isConnected = isConnected
        self.receivesErrors = receivesErrors
        simulation.defaultLink.latency = .zero
        host = try simulation.addHost("host")
        peerHost = try simulation.addHost("peers")
        for index in 0..<2 {
            let recorder = PeerRecorder()
            recorders.append(recorder)
            var options = SimulatedEndpoint.Options()
            // Scenarios send more at one instant than a real peer could hold.
            options.receiveBufferSize = .max
            peerEndpoints.append(try peerHost.bind(to: address(UInt16(index + 1)), options: options) { recorder })
        }
    }

    deinit { simulation.end() }

    var capabilities: ContractCapabilities {
        [
            isConnected ? .connected : .unconnected, .sendFaults, .internet, .oversized, .truncation, .deafPeer,
            .interactive,
        ]
    }

    private func address(_ number: UInt16) -> SocketAddress {
        SocketAddress(peerHost.addresses[isIPv6 ? 1 : 0], port: 10_000 + number)
    }

    var peers: [PeerAddress] { [PeerAddress(address(1)), PeerAddress(address(2))] }
    var deafPeer: PeerAddress? { PeerAddress(address(3)) }
    var faults: TransportFaults? { transportFaults }
    var oversizedCount: Int { isIPv6 ? 65_528 : 65_508 }

    func open(_ protocol: any DatagramProtocol, options: ContractOptions) throws {
        var settings = SimulatedEndpoint.Options()
        settings.slotSize = options.slotSize
        settings.writeBufferLimits = options.writeBufferLimits
        settings.receivesErrors = receivesErrors
        settings.tap = sent
        let name = SocketAddress(host.addresses[isIPv6 ? 1 : 0], port: 9_999)
        let endpoint = try host.makeEndpoint(name, remote: isConnected ? address(1) : nil, settings)
        let faults = transportFaults
        local = name
        endpoint.start(`protocol`, options: settings) { FaultyWorld($0, faults: faults, transport: $1) }
    }

    func deliver(_ batch: [ContractDatagram]) {
        guard let local else { return }
        for datagram in batch {
            peerEndpoints[datagram.peer].transport.send(datagram.payload, to: local)
            peerEndpoints[datagram.peer].transport.flush()
        }
    }

    func arrivals(at peer: Int) -> [[UInt8]] { sent.payloads(to: address(UInt16(peer + 1))) }

    func turn() { if simulation.loop.hasWork { simulation.loop.turn() } }

    func settle() {
        simulation.runUntilIdle(within: .seconds(1))
        for index in recorders.indices { #expect(recorders[index].payloads == arrivals(at: index)) }
    }
}

@Suite("The datagram contract, on a simulated network")
struct ContractSimulationTests {
    @Test("simulation over IPv4, bound", arguments: DatagramContract.scenarios)
    func boundIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { try SimulatedContractWorld(isIPv6: false, isConnected: false) }
    }

    @Test("simulation over IPv4, connected", arguments: DatagramContract.scenarios)
    func connectedIPv4(_ scenario: DatagramScenario) throws {
        try check(scenario) { try SimulatedContractWorld(isIPv6: false, isConnected: true) }
    }

    @Test("simulation over IPv6, bound", arguments: DatagramContract.scenarios)
    func boundIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try SimulatedContractWorld(isIPv6: true, isConnected: false) }
    }

    @Test("simulation over IPv6, connected", arguments: DatagramContract.scenarios)
    func connectedIPv6(_ scenario: DatagramScenario) throws {
        try check(scenario) { try SimulatedContractWorld(isIPv6: true, isConnected: true) }
    }

    @Test("simulation with the error queue, connected", arguments: DatagramContract.scenarios)
    func withErrorQueue(_ scenario: DatagramScenario) throws {
        try check(scenario) {
            try SimulatedContractWorld(isIPv6: false, isConnected: true, receivesErrors: .all)
        }
    }
}
