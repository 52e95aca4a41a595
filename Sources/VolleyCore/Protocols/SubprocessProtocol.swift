/// What you write: the parent's side of a program that has been started (asyncio's `SubprocessProtocol`).
///
/// Order: ``connectionMade(_:)`` once and first; then what the program writes, the ends of its pipes, its own end and
/// the flow-control calls; ``BaseProtocol/connectionLost(_:)`` once and last, when the program has ended *and* every
/// pipe is closed. Between two descriptors there is no order: ``processExited()`` may come before the last data. For one
/// descriptor, all data comes before ``pipeConnectionLost(_:_:)``. Every callback comes from the loop the program was
/// started on.
///
/// ``BaseProtocol/pauseWriting()`` and ``BaseProtocol/resumeWriting()`` speak of the program's standard input.
public protocol SubprocessProtocol: BaseProtocol {
    /// The program runs, and all of its pipes are connected.
    ///
    /// asyncio: `connection_made`.
    func connectionMade(_ transport: any SubprocessTransport)

    /// The program has written to a pipe.
    ///
    /// - Parameters:
    ///   - descriptor: the pipe's number in the program: 1 for standard output, 2 for standard error.
    ///   - data: at least one byte, borrowed: valid only during the call.
    ///
    /// asyncio: `pipe_data_received`.
    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan)

    /// A pipe is closed: by the program, by its end, or by us; once for every pipe there was.
    ///
    /// - Parameters:
    ///   - descriptor: the pipe's number in the program.
    ///   - error: what went wrong: `EPIPE` when the program closed its standard input and did not take all that was
    ///     written; otherwise `nil`.
    ///
    /// asyncio: `pipe_connection_lost`.
    func pipeConnectionLost(_ descriptor: CInt, _ error: StreamError?)

    /// The program has ended, and been reaped: see ``SubprocessTransport/termination``.
    ///
    /// What it has written may still be on its way. asyncio: `process_exited`.
    func processExited()
}

extension SubprocessProtocol {
    /// Does nothing.
    @inlinable public func connectionMade(_ transport: any SubprocessTransport) {}
    /// Does nothing.
    @inlinable public func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {}
    /// Does nothing.
    @inlinable public func pipeConnectionLost(_ descriptor: CInt, _ error: StreamError?) {}
    /// Does nothing.
    @inlinable public func processExited() {}
}
