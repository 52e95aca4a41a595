/// The contract's world in memory, an ``InMemoryStream``; the simplest example of a ``StreamContractWorld``.
public final class InMemoryStreamContractWorld: StreamContractWorld {
    private let loop = ManualEventLoop()
    private let streamFaults = StreamFaults()
    private var stream: InMemoryStream?

    /// A world.
    public init() {}

    /// Everything a world can offer.
    public var capabilities: StreamCapabilities { [.writing, .faults, .reset, .interactive, .internet] }
    /// The stream's faults.
    public var faults: StreamFaults? { streamFaults }

    /// Opens the stream on the world's own loop.
    public func open(_ protocol: any BaseStreamProtocol, options: StreamContractOptions) {
        var streamOptions = InMemoryStream.Options()
        streamOptions.local = SocketAddress(.loopbackV4, port: 1)
        streamOptions.remote = SocketAddress(.loopbackV4, port: 2)
        streamOptions.writeBufferLimits = options.writeBufferLimits
        stream = InMemoryStream(
            `protocol`, on: loop, options: streamOptions, faults: streamFaults, received: options.earlyBytes)
    }

    /// Delivers bytes in a later turn.
    public func deliver(_ bytes: [UInt8]) { stream?.deliver(bytes) }
    /// Ends the peer's side.
    public func deliverEnd() { stream?.deliverEnd() }
    /// Resets the connection.
    public func deliverReset() { stream?.deliverReset() }
    /// What the stream has sent.
    public var arrived: [UInt8] { stream?.sent ?? [] }
    /// Whether the stream has sent its end.
    public var hasEnded: Bool {
        stream.map {
            _ = $0.sent; return $0.hasSentEnd
        } ?? false
    }
    /// Whether the stream has been given up.
    public var isShutDown: Bool { stream?.isShutDown ?? false }
    /// Runs one turn.
    public func turn() { loop.turn() }
    /// Runs turns, the peer reading all it is sent, until there is nothing to do.
    public func settle() {
        repeat {
            loop.runUntilIdle()
            _ = stream?.sent
        } while loop.turn()
    }
}
