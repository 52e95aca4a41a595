/// What a world can do for a scenario, beyond delivering datagrams and showing what was sent.
public struct ContractCapabilities: OptionSet, Hashable, Sendable {
    /// One bit for each capability.
    public let rawValue: UInt32

    /// The capabilities with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The endpoint is connected to one peer.
    public static let connected = ContractCapabilities(rawValue: 1 << 0)
    /// The endpoint is not connected, and has at least two peers.
    public static let unconnected = ContractCapabilities(rawValue: 1 << 1)
    /// The world has ``ContractWorld/faults``, and sends obey them.
    public static let sendFaults = ContractCapabilities(rawValue: 1 << 2)
    /// The world has ``ContractWorld/faults``, and receives obey them.
    public static let receiveFaults = ContractCapabilities(rawValue: 1 << 3)
    /// The endpoint speaks IPv4 or IPv6.
    public static let internet = ContractCapabilities(rawValue: 1 << 4)
    /// There is a payload too large to be sent: ``ContractWorld/oversizedCount``.
    public static let oversized = ContractCapabilities(rawValue: 1 << 5)
    /// A received datagram longer than the slot size asked for is truncated.
    public static let truncation = ContractCapabilities(rawValue: 1 << 6)
    /// There is an address nobody listens on: ``ContractWorld/deafPeer``.
    public static let deafPeer = ContractCapabilities(rawValue: 1 << 7)
    /// Datagrams can be delivered while the scenario runs, and not only before its first turn.
    public static let interactive = ContractCapabilities(rawValue: 1 << 8)

    private static let names: [(ContractCapabilities, String)] = [
        (.connected, "a connected endpoint"), (.unconnected, "an unconnected endpoint"),
        (.sendFaults, "faults of sends"), (.receiveFaults, "faults of receives"), (.internet, "IP addresses"),
        (.oversized, "a payload too large to send"), (.truncation, "truncation"),
        (.deafPeer, "a peer that is not there"),
        (.interactive, "deliveries at any time"),
    ]

    /// What the capabilities are, in words.
    var text: String { Self.names.filter { contains($0.0) }.map(\.1).joined(separator: ", ") }
}
