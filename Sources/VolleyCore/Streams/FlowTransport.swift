internal import SystemPackage

/// The `StreamTransport` of every world: reading, write buffer, flow control and life cycle.
///
/// A ``StreamWorld`` moves bytes; when what happens is decided here, once, so that a protocol cannot tell the worlds
/// apart. Reading is in `FlowTransport+Reading.swift`, writing in `+Writing.swift`, the end in `+Closing.swift`.
@safe
package final class FlowTransport {
    package let eventLoop: any EventLoop
    package let names: StreamNames

    /// The state touched for every read and write; allocated once, freed with the transport.
    ///
    /// SAFETY of every plain `state.pointee`: it is initialised from init to deinit, and only the loop's thread gets here.
    let state: UnsafeMutablePointer<FlowState>
    /// Called once, after `connectionLost`.
    package var onLost: ((StreamError?) -> Void)?

    /// Makes a transport; nothing happens until ``start(_:in:)``.
    package init(eventLoop: any EventLoop, names: StreamNames, limits: WriteBufferLimits = .stream) {
        self.eventLoop = eventLoop
        self.names = names
        // SAFETY: lives exactly as long as this object and never moves.
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: FlowState(limits: limits))
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// Connects protocol and world: `connectionMade`, then, unless the protocol paused or closed, reading begins.
    package func start(_ protocol: any BaseStreamProtocol, in world: any StreamWorld) {
        precondition(self.world == nil && phase == .open, "a transport starts once")
        self.world = world
        unsafe state.pointee.direction = world.direction
        unsafe state.pointee.setProtocol(`protocol`)
        `protocol`.connectionMade(self)
        updateReading()
    }
}

/// What every read and write looks at: behind a pointer, where looking costs a load and no check for exclusive access.
@safe
struct FlowState: ~Copyable {
    /// The protocol, once as what it is and once as what it is read for; a plain one goes first.
    private(set) var base: (any BaseStreamProtocol)?
    private(set) var plain: (any StreamProtocol)?
    private(set) var buffered: (any BufferedStreamProtocol)?
    /// Let go when the protocol has been told that the connection is lost.
    var world: (any StreamWorld)?

    var phase = TransportPhase.open
    var direction = StreamDirection.both
    var isReadingPaused = false
    var isReadingArmed = false
    var hasReceivedEOF = false
    var isProtocolPaused = false
    var isAwaitingWritable = false
    var isLossScheduled = false
    /// `writeEOF` was called; the side ends when the queue is empty.
    var isEOFWanted = false
    /// How much the next read of a plain protocol asks for: doubled after a full one, halved after a nearly empty one.
    var readSize = readSizeMin
    var queue = StreamQueue()
    var limits: WriteBufferLimits
    var counters = StreamStatistics()

    static let readSizeMin = 65_536

    init(limits: WriteBufferLimits) { self.limits = limits }

    /// Whether a write is taken at all.
    var takesWrites: Bool { phase == .open && !isEOFWanted && direction != .reading }

    mutating func setProtocol(_ protocol: (any BaseStreamProtocol)?) {
        base = `protocol`
        plain = `protocol` as? any StreamProtocol
        buffered = plain == nil ? `protocol` as? any BufferedStreamProtocol : nil
    }
}

extension FlowTransport {
    var phase: TransportPhase {
        get { unsafe state.pointee.phase }
        set { unsafe state.pointee.phase = newValue }
    }
    var world: (any StreamWorld)? {
        get { unsafe state.pointee.world }
        set { unsafe state.pointee.world = newValue }
    }
}

extension FlowTransport: StreamTransport {
    package var localAddress: SocketAddress? { names.local }
    package var remoteAddress: SocketAddress? { names.remote }
    package var unixLocalAddress: UnixAddress? { names.unixLocal }
    package var unixRemoteAddress: UnixAddress? { names.unixRemote }

    package var isClosing: Bool { phase != .open }
    package var canWriteEOF: Bool { unsafe state.pointee.direction != .reading }
    package var statistics: StreamStatistics { unsafe state.pointee.counters }

    package var currentProtocol: (any BaseStreamProtocol)? { unsafe state.pointee.base }

    package func setProtocol(_ protocol: any BaseStreamProtocol) {
        guard phase != .lost else { return }
        unsafe state.pointee.setProtocol(`protocol`)
    }

    package func extraInfo(_ name: String) -> (any Sendable)? {
        switch name {
        case "sockname": names.local ?? names.unixLocal
        case "peername": names.remote ?? names.unixRemote
        default: world?.extraInfo(name)
        }
    }

    /// The error of an errno that a world has returned, negated.
    func error(_ result: Int, _ operation: StreamError.Operation) -> StreamError {
        StreamError(
            Errno(rawValue: CInt(truncatingIfNeeded: -result)), operation: operation, peer: names.remote,
            unixPeer: names.unixRemote)
    }

    /// Whether a negated errno only says that nothing could be done right now.
    func isTransient(_ result: Int) -> Bool {
        let errno = Errno(rawValue: CInt(truncatingIfNeeded: -result))
        return errno == .wouldBlock || errno == .resourceTemporarilyUnavailable || errno == .interrupted
    }
}
