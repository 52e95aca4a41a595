import Testing
import VolleyCapture
import VolleyCore
import VolleyTesting

@testable import VolleyReplay

/// The contract's world over a replay: what the peers send is a capture in memory, and what arrives at them is what the
/// replay's sink has taken.
final class ReplayContractWorld: ContractWorld {
    private let isConnected: Bool
    private let host: IPAddress
    private let transportFaults = TransportFaults()
    private var run: ReplayRun
    // What a callback may ask for while the run is at work.
    private let sink: ReplaySink
    private let loop: VirtualEventLoop
    private var pending: [[ContractDatagram]] = []
    /// The time of the next batch; each has one of its own, and so stays one batch.
    private var time: Int64 = 1_000_000_000

    init(host: IPAddress, isConnected: Bool) {
        self.host = host
        self.isConnected = isConnected
        var options = ReplayOptions()
        options.keepsSent = true
        let local = SocketAddress(host, port: 10_000)
        run = ReplayRun(
            isConnected ? .client(local, connectedTo: SocketAddress(host, port: 10_001)) : .server(local), options)
        sink = run.sink
        loop = run.loop
    }

    var capabilities: ContractCapabilities {
        [isConnected ? .connected : .unconnected, .sendFaults, .internet, .oversized, .deafPeer, .interactive]
    }

    private func address(_ port: UInt16) -> SocketAddress { SocketAddress(host, port: 10_000 + port) }
    var peers: [PeerAddress] { [PeerAddress(address(1)), PeerAddress(address(2))] }
    var deafPeer: PeerAddress? { PeerAddress(address(3)) }
    var faults: TransportFaults? { transportFaults }
    var oversizedCount: Int { host.isIPv6 ? 65_528 : 65_508 }

    func open(_ protocol: any DatagramProtocol, options: ContractOptions) {
        run.isStarted = true
        run.transport.writeBufferLimits = options.writeBufferLimits
        let world = FaultyWorld(run.world, faults: transportFaults, transport: run.transport)
        run.transport.start(`protocol`, in: world)
    }

    func deliver(_ batch: [ContractDatagram]) { pending.append(batch) }

    func arrivals(at peer: Int) -> [[UInt8]] {
        sink.sent.filter { $0.destination == address(UInt16(peer + 1)) }.map(\.payload)
    }

    /// A turn takes what one batch of the capture brings, or runs what is ready.
    func turn() {
        guard !pending.isEmpty else { return loop.hasWork ? loop.turn() : () }
        let batch = pending.removeFirst()
        do throws(CaptureError) {
            try take(batch)
        } catch {
            Issue.record(error)
        }
    }

    func settle() {
        while !pending.isEmpty { turn() }
        loop.runUntilIdle()
    }

    private func take(_ batch: [ContractDatagram]) throws(CaptureError) {
        let writer = CaptureWriter(inMemory: .pcapng)
        for datagram in batch {
            try writer.writeDatagram(
                RawSpan(datagram.payload.span), from: address(UInt16(datagram.peer + 1)), to: address(0), at: time,
                direction: .inbound)
        }
        time += 1_000
        try writer.close()
        var reader = try CaptureReader(bytes: writer.bytes)
        while try run.takeNext(of: &reader, nil, { preconditionFailure("the run has been started") }) {}
        run.deliverBatch()
    }
}
