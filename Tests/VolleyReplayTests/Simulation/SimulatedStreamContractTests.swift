import Testing
import VolleyCore
import VolleyTesting

@testable import VolleyReplay

@Suite("The stream contract, simulated")
struct SimulatedStreamContractTests {
    @Test("in a simulated network", arguments: StreamContract.scenarios, [false, true])
    func simulated(_ scenario: StreamScenario, isIPv6: Bool) throws {
        try check(scenario) { try SimulatedStreamContractWorld(isIPv6: isIPv6) }
    }
}

/// The stream contract's world over a simulated network: the stream on one host, its peer on another, links without
/// delay.
final class SimulatedStreamContractWorld: StreamContractWorld {
    private let simulation = Simulation(seed: 1)
    private let host: SimulatedHost
    private let peerHost: SimulatedHost
    private let peer = RecordingStreamProtocol()
    private let server: SimulatedStreamServer
    private let address: SocketAddress
    private var stream: SimulatedStream?

    init(isIPv6: Bool) throws {
        simulation.defaultLink.latency = .zero
        host = try simulation.addHost("host")
        peerHost = try simulation.addHost("peer")
        server = try peerHost.listen(port: 7) { [peer] in peer }
        peer.keepsOpen = true
        address = SocketAddress(peerHost.addresses[isIPv6 ? 1 : 0], port: 7)
    }

    deinit { simulation.end() }

    let capabilities: StreamCapabilities = [.writing, .reset, .interactive, .internet]
    let faults: StreamFaults? = nil

    func open(_ protocol: any BaseStreamProtocol, options: StreamContractOptions) throws {
        var streamOptions = SimulatedStream.Options()
        streamOptions.writeBufferLimits = options.writeBufferLimits
        if !options.earlyBytes.isEmpty { peer.onConnectionMade = { $0.write(options.earlyBytes) } }
        var isMade = false
        try host.connectStream(to: address, options: streamOptions) {
            isMade = true
            return `protocol`
        }
        // The hosts connect, and the peer's first bytes arrive, before the protocol is told.
        host.pause()
        simulation.loop.runUntilIdle()
        host.resume()
        while !isMade { simulation.loop.turn() }
        stream = host.tcp.inOrder.first?.stream
    }

    func deliver(_ bytes: [UInt8]) { peer.transport?.write(bytes) }
    func deliverEnd() { peer.transport?.writeEOF() }
    func deliverReset() { peer.transport?.abort() }
    var arrived: [UInt8] { peer.received }
    var hasEnded: Bool { peer.events.contains(.endOfStream) }
    var isShutDown: Bool { stream.map { !$0.isOpen } ?? false }
    func turn() { simulation.loop.turn() }
    func settle() { simulation.loop.runUntilIdle() }
}
