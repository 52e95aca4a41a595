public import VolleyCore

/// The handle of a server of streams, for every thread and for `async` code; the protocols of its connections stay on
/// the loop (asyncio's `Server`).
///
/// Letting go of the handle does not end the server: it lives until ``close()`` or the loop's end.
public final class StreamServer: Sendable {
    /// The loop the server and its connections live on.
    public let eventLoop: LiveEventLoop
    /// The addresses it listens on, with the ports the kernel chose; empty for a Unix server.
    public let localAddresses: [SocketAddress]
    /// The name of a Unix server; `nil` for any other.
    public let unixAddress: UnixAddress?

    private let core: LoopBound<ServerCore>
    private let end = Completion<ServerStatistics>()

    /// Called on the loop.
    init(_ core: ServerCore, on eventLoop: LiveEventLoop) {
        self.eventLoop = eventLoop
        self.core = LoopBound(core)
        localAddresses = core.acceptors.compactMap(\.localAddress)
        unixAddress = core.acceptors.first?.unixAddress
        let end = end
        core.onEnd = { end.give($0) }
    }

    /// The first of the addresses it listens on; `nil` for a Unix server.
    public var localAddress: SocketAddress? { localAddresses.first }

    /// Stops listening; connections stay open.
    ///
    /// Returns at once. Connections that wait in the kernel to be accepted are reset by it. asyncio: `close`.
    public func close() { onLoop { $0.close() } }

    /// Closes every connection there is, each after what it has queued has been sent.
    ///
    /// Returns at once. asyncio: `close_clients`.
    public func closeConnections() { onLoop { $0.closeConnections() } }

    /// Aborts every connection there is.
    ///
    /// Returns at once. asyncio: `abort_clients`.
    public func abortConnections() { onLoop { $0.abortConnections() } }

    /// Suspends until the server has stopped listening and its last connection has ended.
    ///
    /// asyncio: `wait_closed`.
    public func closed() async { _ = await end.get() }

    /// Blocks the calling thread, which must not be the loop's, until the server has stopped listening and its last
    /// connection has ended.
    public func waitUntilClosed() { _ = end.wait() }

    /// What it has accepted and refused so far; after its end, in all.
    public func statistics() async -> ServerStatistics {
        if let last = end.value { return last }
        let snapshot = try? await eventLoop.runSuspending { [core] _ throws(StreamError) in core.value.statistics }
        return snapshot ?? end.value ?? ServerStatistics()
    }

    /// What it has accepted and refused so far; blocks until the loop has answered.
    public func statistics() -> ServerStatistics {
        if let last = end.value { return last }
        let snapshot = try? eventLoop.run { [core] _ throws(StreamError) in core.value.statistics }
        return snapshot ?? end.value ?? ServerStatistics()
    }

    private func onLoop(_ body: @escaping @Sendable (ServerCore) -> Void) {
        eventLoop.execute { [core] _ in body(core.value) }
    }
}
