/// What a world offers the contract suite: one endpoint, its peers, and a loop that the test steps.
///
/// Implement this for a transport of your own, then run ``DatagramContract/scenarios``, each in a fresh world. All calls
/// come from one thread.
public protocol ContractWorld: AnyObject {
    /// What scenarios may ask of this world.
    var capabilities: ContractCapabilities { get }

    /// The endpoint's peers, at least two: a connected endpoint is connected to the first, the second is a stranger.
    var peers: [PeerAddress] { get }

    /// The faults that sends and receives obey; `nil` without those capabilities.
    var faults: TransportFaults? { get }

    /// A payload size that is too large to be sent; used with ``ContractCapabilities/oversized``.
    var oversizedCount: Int { get }

    /// An address of the endpoint's family that nobody listens on; used with ``ContractCapabilities/deafPeer``.
    var deafPeer: PeerAddress? { get }

    /// Opens the endpoint; `connectionMade` has been called when this returns. Called once.
    func open(_ protocol: any DatagramProtocol, options: ContractOptions) throws

    /// Makes the peers send these datagrams, at most eight, so that the endpoint receives them in order and as one batch.
    ///
    /// What a stranger sends to a connected endpoint gets lost, as may what is sent to a closed one.
    func deliver(_ batch: [ContractDatagram])

    /// The payloads that have arrived at a peer so far, in order.
    func arrivals(at peer: Int) -> [[UInt8]]

    /// Runs one turn of the endpoint's loop.
    func turn()

    /// Runs the loop until nothing is left to do, except for sends that ``faults`` keep blocked.
    func settle()
}

/// How a scenario wants its endpoint.
public struct ContractOptions: Sendable {
    /// The marks of its write buffer.
    public var writeBufferLimits = WriteBufferLimits.standard
    /// Bytes of each receive slot.
    public var slotSize = 2_048
}

/// A datagram that a scenario has a peer send.
public struct ContractDatagram: Hashable, Sendable {
    /// The peer's index in ``ContractWorld/peers``.
    public let peer: Int
    /// The payload.
    public let payload: [UInt8]
}
