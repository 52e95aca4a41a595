internal import SystemPackage
public import VolleyCore

/// The handle of a program that was started, for every thread and for `async` code; its protocol stays on the loop.
///
/// Letting go of the handle does not end the program: it runs until it ends, ``close()``, or the loop's end.
public final class Subprocess: Sendable {
    /// The loop the program was started on.
    public let eventLoop: LiveEventLoop
    /// The number of the process.
    public let processID: CInt

    private let transport: LoopBound<ProcessTransport>
    private let exit = Completion<ProcessTermination>()
    private let end = Completion<Void>()

    /// Called on the loop, before anything else can happen there.
    init(_ transport: ProcessTransport, on eventLoop: LiveEventLoop) {
        self.eventLoop = eventLoop
        self.transport = LoopBound(transport)
        processID = transport.processID
        // The transport holds on to these until the end, so that waiters always hear of it.
        transport.onExit = { [exit] in exit.give($0) }
        transport.onLost = { [end] in end.give(()) }
    }

    /// Runs `body` with the transport on the loop, in a later turn.
    ///
    /// - Returns: whether the loop took it; `false` once it has stopped.
    @discardableResult
    public func execute(_ body: @escaping @Sendable (any SubprocessTransport) -> Void) -> Bool {
        eventLoop.execute { [transport] _ in body(transport.value) }
    }

    /// Sends the program a signal; returns when that is done.
    ///
    /// - Throws: `processEnded` once the program has been reaped, `notPermitted`, `invalidArgument`, or `loopStopped`.
    ///
    /// asyncio: `send_signal`.
    public func sendSignal(_ signal: Signal) throws(SubprocessError) {
        try eventLoop.runForSubprocess { [transport] _ throws(SubprocessError) in
            try transport.value.sendSignal(signal)
        }
    }

    /// Sends a signal to the program and to all it has started that is still in its process group.
    ///
    /// - Throws: as ``sendSignal(_:)``; `invalidArgument` for a program that was not given a group or session of its own.
    public func signalGroup(_ signal: Signal) throws(SubprocessError) {
        try eventLoop.runForSubprocess { [transport] _ throws(SubprocessError) in
            try transport.value.signalGroup(signal)
        }
    }

    /// Asks the program to end (`SIGTERM`).
    ///
    /// - Throws: as ``sendSignal(_:)``.
    public func terminate() throws(SubprocessError) { try sendSignal(.terminate) }

    /// Ends the program (`SIGKILL`).
    ///
    /// - Throws: as ``sendSignal(_:)``.
    public func kill() throws(SubprocessError) { try sendSignal(.kill) }

    /// Sends the program a signal; suspends until that is done.
    public func sendSignal(_ signal: Signal) async throws(SubprocessError) {
        try await eventLoop.runForSubprocessSuspending { [transport] _ throws(SubprocessError) in
            try transport.value.sendSignal(signal)
        }
    }

    /// Sends a signal to the program and to what it has started; suspends until that is done.
    public func signalGroup(_ signal: Signal) async throws(SubprocessError) {
        try await eventLoop.runForSubprocessSuspending { [transport] _ throws(SubprocessError) in
            try transport.value.signalGroup(signal)
        }
    }

    /// Asks the program to end (`SIGTERM`); suspends until it has been asked.
    public func terminate() async throws(SubprocessError) { try await sendSignal(.terminate) }

    /// Ends the program (`SIGKILL`); suspends until the signal is sent.
    public func kill() async throws(SubprocessError) { try await sendSignal(.kill) }

    /// Closes all pipes and kills the program unless it has ended already.
    ///
    /// Returns at once; see ``closed()``.
    public func close() { execute { $0.close() } }

    /// Suspends until the program has ended and been reaped, and its protocol told.
    ///
    /// Any number of callers get the same. What the program has written may still be on its way to the protocol.
    /// asyncio: `Process.wait`.
    public func exited() async -> ProcessTermination { await exit.get() }

    /// Blocks the calling thread, which must not be the loop's, until the program has ended.
    @discardableResult
    public func waitUntilExited() -> ProcessTermination { exit.wait() }

    /// Suspends until the program has ended, all pipes are closed, and its protocol has been told.
    public func closed() async { await end.get() }

    /// Blocks the calling thread, which must not be the loop's, until program and pipes are closed.
    public func waitUntilClosed() { end.wait() }
}
