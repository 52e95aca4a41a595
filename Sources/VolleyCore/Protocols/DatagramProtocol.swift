/// What you write: the receiving side of a datagram service (asyncio's `DatagramProtocol`).
///
/// The very same object runs on a kernel socket, on a capture, on a simulated network, or in memory.
/// Order: ``connectionMade(_:)`` once and first; then datagrams, errors and flow-control calls in any order;
/// ``BaseProtocol/connectionLost(_:)`` once and last. Every callback comes from the endpoint's event loop.
public protocol DatagramProtocol: BaseProtocol {
    /// The endpoint is ready to send and about to receive. Keep `transport` if you need more than replies.
    ///
    /// asyncio: `connection_made`.
    func connectionMade(_ transport: any DatagramTransport)

    /// One datagram has arrived.
    ///
    /// `datagram` borrows the receive ring: nothing is copied, and the compiler rejects code that keeps it, or a span
    /// of it, past the call. Truncated and zero-length datagrams arrive too: see ``Datagram/isTruncated``.
    /// Not called when the type implements ``datagramsReceived(_:)`` itself. asyncio: `datagram_received`.
    func datagramReceived(_ datagram: Datagram)

    /// A whole batch has arrived: what one `recvmmsg` brought, in order.
    ///
    /// The default calls ``datagramReceived(_:)`` for each and stops in mid-batch when the protocol closes, aborts or
    /// pauses reading: after a close the rest is dropped and counted, after a pause it waits for `resumeReading()`.
    /// A type that implements this method takes the whole batch, whatever it does to its transport meanwhile.
    func datagramsReceived(_ batch: borrowing DatagramBatch)

    /// A send or receive has failed, or a datagram sent earlier has; the transport stays open.
    ///
    /// Every errno gets here but `EAGAIN`, `EWOULDBLOCK` and `EINTR`. asyncio: `error_received`.
    func errorReceived(_ error: DatagramError)
}

extension DatagramProtocol {
    /// Does nothing.
    @inlinable public func connectionMade(_ transport: any DatagramTransport) {}
    /// Does nothing.
    @inlinable public func datagramReceived(_ datagram: Datagram) {}
    /// Does nothing.
    @inlinable public func errorReceived(_ error: DatagramError) {}

    /// Calls ``datagramReceived(_:)`` for each datagram until the transport is closed, aborted or paused.
    @inlinable
    public func datagramsReceived(_ batch: borrowing DatagramBatch) {
        batch.forEachUntilInterrupted { datagramReceived($0) }
    }
}
