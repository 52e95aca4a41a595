import ArgumentParser
import Dispatch
import Glibc
import SystemPackage
import Volley
import VolleyCapture

/// A command that writes a capture to its standard output: what `volley replay --exec` reads, as it comes.
///
/// A loop of its own starts the command and passes its output on to a pipe, which a ``CaptureReader`` reads like any
/// other: a reader that is slower than the command holds it back. Ctrl-C ends the command, and with that the capture.
final class CapturingCommand: Sendable {
    /// The command line.
    let line: String
    private let eventLoop: LiveEventLoop
    private let relay: Relay
    private let process: Subprocess
    private let output: FileDescriptor

    /// How long a command may take to end when it is asked to.
    fileprivate static let patience = Duration.seconds(2)

    /// Starts the command, by a shell; standard input and error are those of this process.
    init(_ line: String) throws {
        self.line = line
        // Whoever started us may have had its children reaped unseen.
        signal(SIGCHLD, SIG_DFL)
        let eventLoop = try LiveEventLoop()
        let pipe = try FileDescriptor.pipe()
        let relay = Relay(eventLoop)
        do {
            relay.output = try eventLoop.connectWritePipe(descriptor: pipe.writeEnd.rawValue) { Output(relay) }
            try eventLoop.onSignals([.interrupt, .terminate]) { _, _ in relay.interrupt() }
            var options = SubprocessOptions()
            options.standardInput = .inherited
            options.standardError = .inherited
            // Ctrl-C in a terminal reaches whatever the shell has started, as long as it is all of one group; elsewhere
            // it takes a group of the command's own to reach it.
            if !isTerminalInput { options.processGroup = 0 }
            process = try eventLoop.startShell(line, options: options) { Input(relay) }
        } catch {
            eventLoop.stop()
            try? pipe.readEnd.close()
            throw error
        }
        self.eventLoop = eventLoop
        self.relay = relay
        output = pipe.readEnd
    }

    /// Reads the capture; once.
    func open() throws(CaptureError) -> CaptureReader { try CaptureReader(descriptor: output, name: line) }

    /// Ends the command unless it has ended, and says how it did.
    ///
    /// - Throws: ``ExitCode/ioFailure`` when it has failed by itself.
    func finish() throws {
        // In this order: a command that is still writing would fail of a pipe that nobody reads, and seem to by itself.
        let isStopped = relay.stop(process)
        try? output.close()
        defer { eventLoop.stop() }
        guard relay.ended.wait(timeout: .now() + 5) == .success else {
            Console.complain("\(line): process \(process.processID) does not end, and was left alone")
            throw ExitCode.ioFailure
        }
        let termination = process.waitUntilExited()
        Console.complain("\(line): the command ended with \(termination)")
        if !termination.isSuccess, !isStopped { throw ExitCode.ioFailure }
    }
}

/// What stands between a command and the pipe to the reader.
private final class Relay: @unchecked Sendable {
    // True by the loop: but for `ended`, all of it is used on the loop's thread, or before anything runs there.
    private let eventLoop: LiveEventLoop
    /// Opens when the command has ended.
    let ended = DispatchSemaphore(value: 0)
    var output: StreamConnection?
    fileprivate var command: (any SubprocessTransport)?
    fileprivate var sink: (any StreamTransport)?
    private var isStopped = false

    init(_ eventLoop: LiveEventLoop) { self.eventLoop = eventLoop }

    /// Ctrl-C: the command is asked to end, as a terminal asks it; if it does not, or at the second time, it is ended.
    func interrupt() {
        if isStopped { return cut() }
        ask(.interrupt)
    }

    private func ask(_ signal: Signal) {
        guard let command, command.termination == nil else { return cut() }
        isStopped = true
        send(signal, to: command)
        command.eventLoop.callLater(CapturingCommand.patience) { [self] in cut() }
    }

    /// To the shell and all it has started, where those are a group.
    private func send(_ signal: Signal, to command: any SubprocessTransport) {
        do throws(SubprocessError) { try command.signalGroup(signal) } catch { try? command.sendSignal(signal) }
    }

    /// Kills the command and ends the capture, also when somebody else holds the command's output open.
    private func cut() {
        if let command { send(.kill, to: command) }
        command?.close()
        sink?.close()
    }

    /// Has the command end, at once if it still writes, after a while if it is about to end.
    ///
    /// - Returns: whether it had to be stopped.
    func stop(_ process: Subprocess) -> Bool {
        let reply = DispatchSemaphore(value: 0)
        let result = LoopValue(false)
        let isTaken = process.execute { [self] command in
            if command.pipe(1)?.isClosing == false, !isStopped { ask(.terminate) }
            command.eventLoop.callLater(CapturingCommand.patience) { [self] in cut() }
            result.value = isStopped
            reply.signal()
        }
        if isTaken { reply.wait() }
        return result.value
    }
}

/// A value that a loop leaves for a thread that waits for it.
private final class LoopValue<Value>: @unchecked Sendable {
    // True by the semaphore between the two.
    var value: Value
    init(_ value: Value) { self.value = value }
}

/// The command's side: its output goes to the reader.
private final class Input: SubprocessProtocol {
    private let relay: Relay

    init(_ relay: Relay) { self.relay = relay }

    func connectionMade(_ transport: any SubprocessTransport) { relay.command = transport }

    func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) { relay.sink?.write(data) }

    func pipeConnectionLost(_ descriptor: CInt, _ error: StreamError?) { relay.sink?.close() }

    func processExited() { relay.ended.signal() }

    func connectionLost(_ error: StreamError?) { relay.command = nil }
}

/// The reader's side: while it has enough, the command waits.
private final class Output: BaseStreamProtocol {
    private let relay: Relay

    init(_ relay: Relay) { self.relay = relay }

    func connectionMade(_ transport: any StreamTransport) { relay.sink = transport }

    func pauseWriting() { relay.command?.pipe(1)?.pauseReading() }

    func resumeWriting() { relay.command?.pipe(1)?.resumeReading() }

    func connectionLost(_ error: StreamError?) {
        relay.sink = nil
        relay.command?.pipe(1)?.close()
    }
}
