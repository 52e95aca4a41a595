internal import Synchronization
public import VolleyCore

/// The handle of a live endpoint, for every thread and for `async` code; its protocol stays on the loop.
///
/// Letting go of the handle does not close the endpoint: it lives until ``close()``, ``abort()``, or the loop's end.
public final class DatagramEndpoint: Sendable {
    /// The loop the endpoint lives on.
    public let eventLoop: LiveEventLoop
    /// The address it is bound to, with the port the kernel chose; `nil` for a Unix endpoint.
    public let localAddress: SocketAddress?
    /// The peer of a connected endpoint.
    public let remoteAddress: SocketAddress?
    /// The name of a Unix endpoint; `nil` for an IP endpoint.
    public let unixLocalAddress: UnixAddress?
    /// What was asked of its socket and what the kernel granted; empty for an adopted one.
    public let socketReport: SocketReport

    private let transport: LoopBound<RingTransport>
    private let end = Mutex(End())

    private struct End {
        var isReached = false
        var error: DatagramError?
        var statistics: DatagramStatistics?
        var waiters: [CheckedContinuation<DatagramError?, Never>] = []
    }
    private let latch = Latch()

    /// Called on the loop.
    init(_ transport: RingTransport, on eventLoop: LiveEventLoop) {
        self.eventLoop = eventLoop
        self.transport = LoopBound(transport)
        localAddress = transport.localAddress
        remoteAddress = transport.remoteAddress
        unixLocalAddress = transport.unixLocalAddress
        socketReport = transport.extraInfo("socketReport", default: SocketReport(options: []))
        // The transport holds on to the handle until it is lost, so that waiters always hear of it.
        transport.onLost = { [unowned transport] error in
            self.reachEnd(error, transport.statistics)
        }
    }

    /// Sends a copy of `bytes` to `destination`, from the loop.
    ///
    /// - Returns: whether the loop took it; what becomes of it then is in the statistics.
    @discardableResult
    public func send(_ bytes: [UInt8], to destination: SocketAddress) -> Bool {
        execute { $0.send(bytes, to: destination) }
    }

    /// Sends a copy of `bytes` to a Unix address, from the loop.
    @discardableResult
    public func send(_ bytes: [UInt8], to destination: UnixAddress) -> Bool {
        execute { $0.send(bytes, to: destination) }
    }

    /// Sends a copy of `bytes` to the peer of a connected endpoint, from the loop.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool {
        execute { $0.send(bytes) }
    }

    /// Runs `body` with the transport on the loop, in a later turn.
    ///
    /// - Returns: whether the loop took it; `false` once it has stopped.
    @discardableResult
    public func execute(_ body: @escaping @Sendable (any DatagramTransport) -> Void) -> Bool {
        eventLoop.execute { [transport] _ in body(transport.value) }
    }

    /// Flushes what is queued, then closes.
    ///
    /// Returns at once; see ``closed()``.
    public func close() { execute { $0.close() } }

    /// Drops what is queued and closes.
    ///
    /// Returns at once; see ``closed()``.
    public func abort() { execute { $0.abort() } }

    /// Suspends until the endpoint is closed and its protocol has been told.
    ///
    /// - Returns: the error that ended it, `nil` after `close()` or `abort()`.
    public func closed() async -> DatagramError? {
        await withCheckedContinuation { continuation in
            let error: DatagramError?? = end.withLock { end in
                guard !end.isReached else { return .some(end.error) }
                end.waiters.append(continuation)
                return nil
            }
            if let error { continuation.resume(returning: error) }
        }
    }

    /// Blocks the calling thread, which must not be the loop's, until the endpoint is closed.
    @discardableResult
    public func waitUntilClosed() -> DatagramError? {
        latch.wait()
        return end.withLock { $0.error }
    }

    /// What the endpoint has received, sent, dropped and refused so far; after its end, in all.
    public func statistics() async -> DatagramStatistics {
        if let statistics = end.withLock({ $0.statistics }) { return statistics }
        let snapshot = try? await eventLoop.runSuspending { [transport] _ throws(DatagramError) in
            transport.value.statistics
        }
        return snapshot ?? finalStatistics
    }

    /// What the endpoint has received, sent, dropped and refused so far; blocks until the loop has answered.
    public func statistics() -> DatagramStatistics {
        if let statistics = end.withLock({ $0.statistics }) { return statistics }
        let snapshot = try? eventLoop.run { [transport] _ throws(DatagramError) in transport.value.statistics }
        return snapshot ?? finalStatistics
    }

    /// Runs `body` with the transport on the loop, and waits for it.
    func onLoop(_ body: @escaping @Sendable (any DatagramTransport) throws(DatagramError) -> Void) throws(DatagramError)
    {
        try eventLoop.run { [transport] _ throws(DatagramError) in try body(transport.value) }
    }

    /// Runs `body` with the transport on the loop, and suspends until it has.
    func onLoopSuspending(
        _ body: @escaping @Sendable (any DatagramTransport) throws(DatagramError) -> Void
    ) async throws(DatagramError) {
        try await eventLoop.runSuspending { [transport] _ throws(DatagramError) in try body(transport.value) }
    }

    private var finalStatistics: DatagramStatistics { end.withLock { $0.statistics } ?? DatagramStatistics() }

    private func reachEnd(_ error: DatagramError?, _ statistics: DatagramStatistics) {
        let waiters = end.withLock { end in
            end.isReached = true
            end.error = error
            end.statistics = statistics
            let waiters = end.waiters
            end.waiters = []
            return waiters
        }
        latch.open()
        for waiter in waiters { waiter.resume(returning: error) }
    }
}

/// Something that lives on a loop, in the hands of something that does not.
final class LoopBound<Value>: @unchecked Sendable {
    // True by the loop: `value` is only used in closures that the loop runs.
    let value: Value
    init(_ value: Value) { self.value = value }
}
