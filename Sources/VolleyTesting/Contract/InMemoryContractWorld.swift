/// The contract's world in memory, an ``InMemoryEndpoint`` with two peers; the simplest example of a ``ContractWorld``.
public final class InMemoryContractWorld: ContractWorld {
    private let loop = ManualEventLoop()
    private let transportFaults = TransportFaults()
    private let host: IPAddress
    private let isConnected: Bool
    private var endpoint: InMemoryEndpoint?

    /// A world whose endpoint is to have addresses of one family.
    ///
    /// - Parameters:
    ///   - host: the address of everybody; ports tell them apart.
    ///   - isConnected: whether the endpoint is connected to the first peer.
    public init(host: IPAddress, isConnected: Bool) {
        self.host = host
        self.isConnected = isConnected
    }

    /// Everything a world can offer, but the other kind of endpoint.
    public var capabilities: ContractCapabilities {
        [
            isConnected ? .connected : .unconnected, .sendFaults, .receiveFaults, .internet, .oversized, .truncation,
            .deafPeer, .interactive,
        ]
    }

    /// Two addresses of the host.
    public var peers: [PeerAddress] { [PeerAddress(address(1)), PeerAddress(address(2))] }
    /// A third address of the host.
    public var deafPeer: PeerAddress? { PeerAddress(address(3)) }
    /// The endpoint's faults.
    public var faults: TransportFaults? { transportFaults }
    /// One byte more than a UDP datagram can have over IPv4.
    public let oversizedCount = 65_508

    private func address(_ port: UInt16) -> SocketAddress { SocketAddress(host, port: 10_000 + port) }

    /// Opens the endpoint on the world's own loop.
    public func open(_ protocol: any DatagramProtocol, options: ContractOptions) {
        var endpointOptions = InMemoryEndpoint.Options()
        endpointOptions.slotSize = options.slotSize
        endpointOptions.writeBufferLimits = options.writeBufferLimits
        endpoint = InMemoryEndpoint(
            `protocol`, on: loop, local: address(0), remote: isConnected ? address(1) : nil, options: endpointOptions,
            faults: transportFaults)
    }

    /// Delivers a batch in a later turn.
    public func deliver(_ batch: [ContractDatagram]) {
        endpoint?.deliver(batch.map { InMemoryDatagram($0.payload, peer: address(UInt16($0.peer + 1))) })
    }

    /// What the endpoint has sent to a peer.
    public func arrivals(at peer: Int) -> [[UInt8]] {
        endpoint?.sent.filter { $0.peer == address(UInt16(peer + 1)) }.map(\.payload) ?? []
    }

    /// Runs one turn.
    public func turn() { loop.turn() }
    /// Runs turns until none has anything to do.
    public func settle() { loop.runUntilIdle() }
}
