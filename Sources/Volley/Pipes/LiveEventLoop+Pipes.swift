public import VolleyCore

extension LiveEventLoop {
    /// Reads from a pipe, with a protocol that `makeProtocol` makes on the loop.
    ///
    /// The descriptor is the reading end of a pipe or FIFO, a pty, another character device, or a socket; it is made
    /// non-blocking, for whoever else has the same open file too, and belongs to the stream from here on, even on error.
    /// When the last writer has gone, `eofReceived` is called and the stream closed, whatever that returns. Writes to it are
    /// dropped. `connectionMade` has been called when this returns. asyncio: `connect_read_pipe`.
    ///
    /// - Parameters:
    ///   - descriptor: what to read from.
    ///   - makeProtocol: makes the protocol, on the loop.
    /// - Returns: the handle of the stream.
    /// - Throws: `EINVAL` for a regular file or a directory, `EPERM` for a device that epoll does not take (such as
    ///   `/dev/null`), `EBADF`; the error says what to do.
    public func connectReadPipe(
        descriptor: CInt, _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        try run { loop throws(StreamError) in
            StreamConnection(try loop.openPipe(descriptor, .reading, makeProtocol), on: self)
        }
    }

    /// Reads from a pipe; suspends until `connectionMade` has been called.
    public func connectReadPipe(
        descriptor: CInt, _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        try await runSuspending { loop throws(StreamError) in
            StreamConnection(try loop.openPipe(descriptor, .reading, makeProtocol), on: self)
        }
    }

    /// Writes to a pipe, with a protocol that `makeProtocol` makes on the loop.
    ///
    /// As ``connectReadPipe(descriptor:_:)``, for the writing end: the protocol hears of flow control and of the end. The
    /// stream closes when nobody reads any more, with `EPIPE` if something was still to be written. `writeEOF` is
    /// `close`. `SIGPIPE` is blocked in the loop's thread from now on. asyncio: `connect_write_pipe`.
    ///
    /// - Parameters:
    ///   - descriptor: what to write to.
    ///   - limits: the marks at which `pauseWriting` and `resumeWriting` are called.
    ///   - makeProtocol: makes the protocol, on the loop.
    /// - Returns: the handle of the stream.
    /// - Throws: as for reading.
    public func connectWritePipe(
        descriptor: CInt, limits: WriteBufferLimits = .stream,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        try run { loop throws(StreamError) in
            StreamConnection(try loop.openPipe(descriptor, .writing, limits: limits, makeProtocol), on: self)
        }
    }

    /// Writes to a pipe; suspends until `connectionMade` has been called.
    public func connectWritePipe(
        descriptor: CInt, limits: WriteBufferLimits = .stream,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        try await runSuspending { loop throws(StreamError) in
            StreamConnection(try loop.openPipe(descriptor, .writing, limits: limits, makeProtocol), on: self)
        }
    }
}
