internal import SystemPackage

/// Ends streams on which nothing has moved for a while.
///
/// It looks at the stream's counters a few times in every period, and so costs nothing per message: silence is noticed
/// after the period, and at most a quarter of it later.
///
/// ```swift
/// func connectionMade(_ transport: any StreamTransport) {
///     idleTimeout = IdleTimeout(transport, after: .seconds(30))
/// }
/// ```
///
/// It ends with the stream, with ``cancel()``, or with the last reference to it.
public final class IdleTimeout {
    private let period: Duration
    private weak var transport: (any StreamTransport)?
    private let onSilence: (any StreamTransport) -> Void
    private var lastMovement: MonotonicInstant
    private var lastCount: UInt64
    private var timer: ScheduledCall?

    /// Watches `transport`, from now on.
    ///
    /// - Parameters:
    ///   - transport: the stream.
    ///   - period: how long nothing may be read or written; the shortest is 4 nanoseconds.
    ///   - onSilence: what is done then, once; by default the stream is aborted with `ETIMEDOUT`, which
    ///     `connectionLost` hears of.
    public init(
        _ transport: any StreamTransport, after period: Duration,
        onSilence: @escaping (any StreamTransport) -> Void = IdleTimeout.abort
    ) {
        self.transport = transport
        self.period = max(period, .nanoseconds(4))
        self.onSilence = onSilence
        lastMovement = transport.eventLoop.now
        lastCount = Self.movements(of: transport)
        schedule(transport.eventLoop)
    }

    deinit { timer?.cancel() }

    /// Watches no more.
    public func cancel() {
        timer?.cancel()
        transport = nil
    }

    /// Aborts a stream with `ETIMEDOUT`.
    public static func abort(_ transport: any StreamTransport) {
        transport.abort(
            StreamError(
                .timedOut, operation: .receive, peer: transport.remoteAddress, unixPeer: transport.unixRemoteAddress,
                context: "nothing was read or written for too long"))
    }

    private static func movements(of transport: any StreamTransport) -> UInt64 {
        let statistics = transport.statistics
        return statistics.bytesReceived &+ statistics.bytesSent
    }

    private func schedule(_ loop: any EventLoop) {
        timer = loop.callLater(period / 4) { [weak self] in self?.look() }
    }

    private func look() {
        guard let transport, !transport.isClosing else { return }
        let loop = transport.eventLoop
        let count = Self.movements(of: transport)
        if count != lastCount {
            lastCount = count
            lastMovement = loop.now
        } else if lastMovement.duration(to: loop.now) >= period {
            self.transport = nil
            return onSilence(transport)
        }
        schedule(loop)
    }
}
