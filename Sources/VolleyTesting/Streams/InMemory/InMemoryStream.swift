public import SystemPackage
internal import VolleyCore

/// A stream without sockets: a test delivers what it receives, and sees what it sends; or two protocols talk to each
/// other.
///
/// It runs the very transport a live stream runs, on a ``ManualEventLoop``; only the kernel is replaced. What goes wrong
/// is ordered through ``faults``.
public final class InMemoryStream {
    /// How a stream is set up.
    public struct Options: Sendable {
        /// The address of this end.
        public var local: SocketAddress?
        /// The address of the peer.
        public var remote: SocketAddress?
        /// Bytes that each direction holds before writes block: 1 or more.
        public var capacity = 262_144
        /// When writing is paused and resumed.
        public var writeBufferLimits = WriteBufferLimits.stream

        /// The defaults: no addresses, a quarter of a mebibyte.
        public init() {}
    }

    /// The loop the stream lives on.
    public let eventLoop: ManualEventLoop
    /// What goes wrong with its reads and writes.
    public let faults: StreamFaults
    private let flow: FlowTransport
    private let world: InMemoryStreamWorld
    private let incoming: InMemoryChannel
    private let outgoing: InMemoryChannel
    private var taken: [UInt8] = []

    /// Opens a stream whose peer is the test; `connectionMade` has been called when this returns.
    ///
    /// - Parameters:
    ///   - protocol: what receives; kept until it has been told that the connection is lost.
    ///   - eventLoop: the loop it lives on.
    ///   - options: addresses, sizes and limits.
    ///   - faults: what goes wrong, if it is to be shared with somebody.
    ///   - received: bytes that have arrived before the stream is opened.
    public convenience init(
        _ protocol: any BaseStreamProtocol, on eventLoop: ManualEventLoop, options: Options = Options(),
        faults: StreamFaults = StreamFaults(), received: [UInt8] = []
    ) {
        self.init(
            on: eventLoop, options, faults, InMemoryChannel(capacity: .max), InMemoryChannel(capacity: options.capacity)
        )
        deliver(received)
        flow.start(`protocol`, in: world)
    }

    private init(
        on eventLoop: ManualEventLoop, _ options: Options, _ faults: StreamFaults, _ incoming: InMemoryChannel,
        _ outgoing: InMemoryChannel
    ) {
        self.eventLoop = eventLoop
        self.faults = faults
        self.incoming = incoming
        self.outgoing = outgoing
        flow = FlowTransport(
            eventLoop: eventLoop, names: StreamNames(local: options.local, remote: options.remote),
            limits: options.writeBufferLimits)
        world = InMemoryStreamWorld(flow, loop: eventLoop, faults: faults, incoming: incoming, outgoing: outgoing)
    }

    /// Opens two streams that are connected to each other; `connectionMade` has been called on both, the first first.
    ///
    /// ``deliver(_:)`` and ``sent`` are not for these: each is the other's peer.
    ///
    /// - Parameters:
    ///   - first: receives what `second` writes.
    ///   - second: receives what `first` writes; its addresses are those of `options`, exchanged.
    ///   - eventLoop: the loop both live on.
    ///   - options: the addresses, as the first sees them, sizes and limits.
    /// - Returns: the two ends, in the order of their protocols.
    public static func pair(
        _ first: any BaseStreamProtocol, _ second: any BaseStreamProtocol, on eventLoop: ManualEventLoop,
        options: Options = Options()
    ) -> (InMemoryStream, InMemoryStream) {
        let forth = InMemoryChannel(capacity: options.capacity)
        let back = InMemoryChannel(capacity: options.capacity)
        var exchanged = options
        (exchanged.local, exchanged.remote) = (options.remote, options.local)
        let one = InMemoryStream(on: eventLoop, options, StreamFaults(), back, forth)
        let other = InMemoryStream(on: eventLoop, exchanged, StreamFaults(), forth, back)
        one.flow.start(first, in: one.world)
        other.flow.start(second, in: other.world)
        return (one, other)
    }

    /// The transport its protocol was given.
    public var transport: any StreamTransport { flow }

    /// What has been sent so far, in order.
    public var sent: [UInt8] {
        taken += outgoing.takeAll()
        return taken
    }

    /// Whether everything is sent and the end of the stream with it.
    public var hasSentEnd: Bool { outgoing.isEnded && outgoing.count == 0 }

    /// Whether the stream has been given up, after `connectionLost`.
    public var isShutDown: Bool { world.isShutDown }

    /// Gives the stream bytes to receive, in a later turn of the loop; they wait while reading is paused.
    public func deliver(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes { unsafe incoming.write($0) }
    }

    /// Ends the peer's side: after what has been delivered, the end of the stream is received.
    public func deliverEnd() { incoming.end() }

    /// Resets the connection: the next read fails with `errno`, and so do writes, with `EPIPE`.
    public func deliverReset(_ errno: Errno = .connectionReset) {
        outgoing.breakOff()
        incoming.reset(errno)
    }
}
