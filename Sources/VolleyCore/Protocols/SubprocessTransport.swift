/// A program that was started, in the hands of its protocol (asyncio's `SubprocessTransport`).
///
/// A transport lives on one event loop and is not `Sendable`; other threads use the handle. A signal can reach no other
/// process than the one that was started, also when its number has been given out again.
public protocol SubprocessTransport: AnyObject {
    /// The loop this transport lives on.
    var eventLoop: any EventLoop { get }

    /// The number of the process, also after its end, when it means nothing any more. asyncio: `get_pid`.
    var processID: CInt { get }

    /// How the program has ended; `nil` while it runs, or is not known to have ended. asyncio: `get_returncode`.
    var termination: ProcessTermination? { get }

    /// Our end of a pipe, by its number in the program; `nil` when there is no pipe there.
    ///
    /// 0 is what the program reads: write to it, and close it when that was all. 1 and 2 are what the program writes:
    /// they can be paused, and closed when nobody is interested any more. asyncio: `get_pipe_transport`.
    func pipe(_ descriptor: CInt) -> (any StreamTransport)?

    /// Sends the program a signal.
    ///
    /// - Throws: `processEnded` once the program has been reaped, `notPermitted` when it runs as somebody else by now,
    ///   `invalidArgument` for a number that is no signal.
    ///
    /// asyncio: `send_signal`.
    func sendSignal(_ signal: Signal) throws(SubprocessError)

    /// Sends a signal to the program and to all it has started that is still in its process group.
    ///
    /// - Throws: as ``sendSignal(_:)``; `invalidArgument` for a program that was not given a group or session of its own.
    ///
    /// Python: `os.killpg`.
    func signalGroup(_ signal: Signal) throws(SubprocessError)

    /// Whether ``close()`` has been called; a program that has ended by itself is not closing. asyncio: `is_closing`.
    var isClosing: Bool { get }

    /// Closes all pipes, kills the program unless it has ended already, and reaps it.
    ///
    /// What was written and not sent is dropped. `processExited`, `pipeConnectionLost` and `connectionLost` follow in later
    /// turns of the loop; of a program that runs as another user by now, and so cannot be killed, when it ends. Idempotent.
    /// asyncio: `close`.
    func close()

    /// Something the transport knows by name, `nil` if it does not: "pid" (asyncio: `get_extra_info`).
    func extraInfo(_ name: String) -> (any Sendable)?
}

extension SubprocessTransport {
    /// Asks the program to end (`SIGTERM`).
    ///
    /// - Throws: as ``sendSignal(_:)``.
    ///
    /// asyncio: `terminate`.
    @inlinable public func terminate() throws(SubprocessError) { try sendSignal(.terminate) }

    /// Ends the program (`SIGKILL`), which cannot do anything about it.
    ///
    /// - Throws: as ``sendSignal(_:)``.
    ///
    /// asyncio: `kill`.
    @inlinable public func kill() throws(SubprocessError) { try sendSignal(.kill) }

    /// How the program has ended as one number, as a shell or asyncio gives it: see ``ProcessTermination/returnCode``.
    @inlinable public var returnCode: CInt? { termination?.returnCode }

    /// Something the transport knows by name, or `fallback` (asyncio: `get_extra_info(name, default)`).
    @inlinable
    public func extraInfo<Value: Sendable>(_ name: String, default fallback: Value) -> Value {
        extraInfo(name) as? Value ?? fallback
    }
}
