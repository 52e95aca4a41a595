internal import VolleyCore

/// The end of an endpoint whose socket lives on in another process.
extension DatagramEndpoint {
    /// Stops receiving, at once and without draining: what waits in the socket is for whoever else has it open.
    ///
    /// What has been received already is still delivered, and everything can still be sent. Unlike `pauseReading()`, the
    /// protocol cannot undo it.
    ///
    /// - Parameter whenStopped: called on the endpoint's loop when nothing more is received.
    /// - Returns: whether the loop took it; `false` once it has stopped, and with it the endpoint.
    @discardableResult
    public func stopReceiving(_ whenStopped: @escaping @Sendable () -> Void = {}) -> Bool {
        execute { transport in
            (transport as? RingTransport)?.holdReceiving(true)
            whenStopped()
        }
    }

    /// Receives again, unless the protocol has paused reading.
    @discardableResult
    public func resumeReceiving() -> Bool {
        execute { ($0 as? RingTransport)?.holdReceiving(false) }
    }

    /// Stops receiving, delivers what has been received, flushes what is queued, then closes.
    ///
    /// What waits in the socket is left there for whoever else has it open. What cannot be sent within `limit` is
    /// dropped and counted. Returns at once; see ``closed()``.
    @discardableResult
    public func close(within limit: Duration) -> Bool {
        execute { ($0 as? RingTransport)?.close(within: limit) }
    }
}
