/// The contract's world in memory: an ``InMemoryEndpoint`` with two peers. The simplest example of a ``ContractWorld``.
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

    public var capabilities: ContractCapabilities {
        [
            isConnected ? .connected : .unconnected, .sendFaults, .receiveFaults, .internet, .oversized, .truncation,
            .deafPeer, .interactive,
        ]
    }

    public var peers: [PeerAddress] { [PeerAddress(address(1)), PeerAddress(address(2))] }
    public var deafPeer: PeerAddress? { PeerAddress(address(3)) }
    public var faults: TransportFaults? { transportFaults }
    public let oversizedCount = 65_508

    private func address(_ port: UInt16) -> SocketAddress { SocketAddress(host, port: 10_000 + port) }

    public func open(_ protocol: any DatagramProtocol, options: ContractOptions) {
        var endpointOptions = InMemoryEndpoint.Options()
        endpointOptions.slotSize = options.slotSize
        endpointOptions.writeBufferLimits = options.writeBufferLimits
        endpoint = InMemoryEndpoint(
            `protocol`, on: loop, local: address(0), remote: isConnected ? address(1) : nil, options: endpointOptions,
            faults: transportFaults)
    }

    public func deliver(_ batch: [ContractDatagram]) {
        endpoint?.deliver(batch.map { InMemoryDatagram($0.payload, peer: address(UInt16($0.peer + 1))) })
    }

    public func arrivals(at peer: Int) -> [[UInt8]] {
        endpoint?.sent.filter { $0.peer == address(UInt16(peer + 1)) }.map(\.payload) ?? []
    }

    public func turn() { loop.turn() }
    public func settle() { loop.runUntilIdle() }
}
