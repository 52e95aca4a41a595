/// What every protocol of the family has in common (asyncio's `BaseProtocol`): flow control and the end.
///
/// A protocol object lives on one event loop: every callback comes from that loop, one at a time, and the object is not
/// `Sendable`. All callbacks have default implementations that do nothing.
public protocol BaseProtocol: AnyObject {
    /// The transport's write buffer has grown strictly over its high-water mark; send no more until ``resumeWriting()``.
    ///
    /// Called synchronously, inside the send or flush that crossed the mark, and never twice in a row.
    /// asyncio: `pause_writing`.
    func pauseWriting()

    /// The transport's write buffer has drained to its low-water mark or below; only ever follows ``pauseWriting()``.
    ///
    /// asyncio: `resume_writing`.
    func resumeWriting()

    /// The transport is closed; called exactly once, and no other callback follows.
    ///
    /// - Parameter error: what ended the transport; `nil` after `close()` or `abort()`.
    ///
    /// asyncio: `connection_lost`.
    func connectionLost(_ error: DatagramError?)
}

extension BaseProtocol {
    /// Does nothing.
    @inlinable public func pauseWriting() {}
    /// Does nothing.
    @inlinable public func resumeWriting() {}
    /// Does nothing.
    @inlinable public func connectionLost(_ error: DatagramError?) {}
}
