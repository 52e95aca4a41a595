public import VolleyCore

/// The handle of a connection that was made or adopted, for every thread and for `async` code; its protocol stays on the
/// loop.
///
/// Letting go of the handle does not close the connection: it lives until ``close()``, ``abort()``, the peer's end, an
/// error, or the loop's end.
public final class StreamConnection: Sendable {
    /// The loop the connection lives on.
    public let eventLoop: LiveEventLoop
    /// The address of this end; `nil` for a Unix connection.
    public let localAddress: SocketAddress?
    /// The address of the peer; `nil` for a Unix connection.
    public let remoteAddress: SocketAddress?
    /// The name of the peer of a Unix connection; `nil` for an IP connection.
    public let unixRemoteAddress: UnixAddress?

    private let transport: LoopBound<FlowTransport>
    private let end = Completion<End>()

    private struct End {
        let error: StreamError?
        let statistics: StreamStatistics
    }

    /// Called on the loop.
    init(_ transport: FlowTransport, on eventLoop: LiveEventLoop) {
        self.eventLoop = eventLoop
        self.transport = LoopBound(transport)
        localAddress = transport.localAddress
        remoteAddress = transport.remoteAddress
        unixRemoteAddress = transport.unixRemoteAddress
        let forget = transport.onLost
        // Only the completion is held on to: waiters hear of the end, and the handle may go before.
        transport.onLost = { [end, unowned transport] error in
            forget?(error)
            end.give(End(error: error, statistics: transport.statistics))
        }
    }

    /// Writes a copy of `bytes`, from the loop.
    ///
    /// - Returns: whether the loop took it; what becomes of it then is in the statistics.
    @discardableResult
    public func write(_ bytes: [UInt8]) -> Bool { execute { $0.write(bytes) } }

    /// Ends this side of the connection once everything written has been sent.
    public func writeEOF() { execute { $0.writeEOF() } }

    /// Runs `body` with the transport on the loop, in a later turn.
    ///
    /// - Returns: whether the loop took it; `false` once it has stopped.
    @discardableResult
    public func execute(_ body: @escaping @Sendable (any StreamTransport) -> Void) -> Bool {
        eventLoop.execute { [transport] _ in body(transport.value) }
    }

    /// Sends what is queued, then closes.
    ///
    /// Returns at once; see ``closed()``.
    public func close() { execute { $0.close() } }

    /// Drops what is queued and closes.
    ///
    /// Returns at once; see ``closed()``.
    public func abort() { execute { $0.abort() } }

    /// Suspends until the connection is closed and its protocol has been told.
    ///
    /// - Returns: the error that ended it, `nil` after `close()` or `abort()`.
    public func closed() async -> StreamError? { await end.get().error }

    /// Blocks the calling thread, which must not be the loop's, until the connection is closed.
    @discardableResult
    public func waitUntilClosed() -> StreamError? { end.wait().error }

    /// What the connection has read, written and dropped so far; after its end, in all.
    public func statistics() async -> StreamStatistics {
        if let last = end.value { return last.statistics }
        let snapshot = try? await eventLoop.runSuspending { [transport] _ throws(StreamError) in
            transport.value.statistics
        }
        return snapshot ?? end.value?.statistics ?? StreamStatistics()
    }

    /// What the connection has read, written and dropped so far; blocks until the loop has answered.
    public func statistics() -> StreamStatistics {
        if let last = end.value { return last.statistics }
        let snapshot = try? eventLoop.run { [transport] _ throws(StreamError) in transport.value.statistics }
        return snapshot ?? end.value?.statistics ?? StreamStatistics()
    }
}
