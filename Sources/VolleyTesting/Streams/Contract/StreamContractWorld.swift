/// What a world offers the contract suite of streams: one stream, its peer, and a loop that the test steps.
///
/// Implement this for a transport of your own, then run ``StreamContract/scenarios``, each in a fresh world. All calls
/// come from one thread.
public protocol StreamContractWorld: AnyObject {
    /// What scenarios may ask of this world.
    var capabilities: StreamCapabilities { get }

    /// The faults that reads and writes obey; `nil` without those capabilities.
    var faults: StreamFaults? { get }

    /// Opens the stream; `connectionMade` has been called when this returns. Called once.
    ///
    /// Reads make ``StreamContractOptions/earlyBytes`` available at the first opportunity.
    func open(_ protocol: any BaseStreamProtocol, options: StreamContractOptions) throws

    /// Has the peer write bytes, at most 64 KiB.
    func deliver(_ bytes: [UInt8])

    /// Has the peer end its side.
    func deliverEnd()

    /// Has the peer reset the connection; used with ``StreamCapabilities/reset``.
    func deliverReset()

    /// What has arrived at the peer so far.
    var arrived: [UInt8] { get }

    /// Whether the peer has received the end of the stream.
    var hasEnded: Bool { get }

    /// Whether the socket, or whatever stands for it, has been given up.
    var isShutDown: Bool { get }

    /// Runs one turn of the stream's loop.
    func turn()

    /// Runs the loop until nothing is left to do, except for writes that ``faults`` keep blocked.
    func settle()
}

/// How a scenario wants its stream.
public struct StreamContractOptions: Sendable {
    /// The marks of its write buffer.
    public var writeBufferLimits = WriteBufferLimits.stream
    /// Bytes the peer has written before the stream is opened.
    public var earlyBytes: [UInt8] = []
}

/// What a world can do for a scenario.
public struct StreamCapabilities: OptionSet, Hashable, Sendable {
    /// One bit for each capability.
    public let rawValue: UInt32

    /// The capabilities with these bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The stream can be written, and shows what arrives at the peer.
    public static let writing = StreamCapabilities(rawValue: 1 << 0)
    /// The world has ``StreamContractWorld/faults``, and reads and writes obey them.
    public static let faults = StreamCapabilities(rawValue: 1 << 1)
    /// The peer can reset the connection.
    public static let reset = StreamCapabilities(rawValue: 1 << 2)
    /// Bytes can be delivered while the scenario runs, and not only before its first turn.
    public static let interactive = StreamCapabilities(rawValue: 1 << 3)
    /// Both ends have IP addresses.
    public static let internet = StreamCapabilities(rawValue: 1 << 4)

    private static let names: [(StreamCapabilities, String)] = [
        (.writing, "writing"), (.faults, "faults"), (.reset, "resets"), (.interactive, "deliveries at any time"),
        (.internet, "IP addresses"),
    ]

    /// What the capabilities are, in words.
    var text: String { Self.names.filter { contains($0.0) }.map(\.1).joined(separator: ", ") }
}
