internal import SystemPackage
public import VolleyCore

extension LiveEventLoop {
    /// Starts a program, with a protocol that `makeProtocol` makes on the loop.
    ///
    /// No shell is involved: the program gets the arguments as they are. Standard input, output and error are pipes
    /// unless `options` say otherwise; no other descriptor of this process is open in the program. Signals are as a new
    /// program expects them. `connectionMade` has been called when this returns. Blocks until the loop has answered; in
    /// `async` code the overload that suspends is chosen. asyncio: `subprocess_exec`.
    ///
    /// - Parameters:
    ///   - program: a path, or a name without a slash, which is looked for in `PATH` of the program's environment.
    ///   - arguments: what follows the program's name.
    ///   - options: its descriptors, environment, directory and session.
    ///   - makeProtocol: makes the protocol, on the loop, once the program runs.
    /// - Returns: the handle of the program.
    /// - Throws: `noSuchProgram`, `notExecutable`, `noSuchDirectory`, `invalidArgument`, `badDescriptor`, or `systemCall`
    ///   (`EMFILE`, `EAGAIN`, `ENOMEM`, …); nothing runs and nothing is open then.
    public func startProcess(
        _ program: String, _ arguments: [String] = [], options: SubprocessOptions = SubprocessOptions(),
        _ makeProtocol: @escaping @Sendable () -> any SubprocessProtocol
    ) throws(SubprocessError) -> Subprocess {
        try runForSubprocess { loop throws(SubprocessError) in
            Subprocess(try loop.startProcess(program, arguments, options, makeProtocol), on: self)
        }
    }

    /// Starts a program; suspends until `connectionMade` has been called.
    public func startProcess(
        _ program: String, _ arguments: [String] = [], options: SubprocessOptions = SubprocessOptions(),
        _ makeProtocol: @escaping @Sendable () -> any SubprocessProtocol
    ) async throws(SubprocessError) -> Subprocess {
        try await runForSubprocessSuspending { loop throws(SubprocessError) in
            Subprocess(try loop.startProcess(program, arguments, options, makeProtocol), on: self)
        }
    }

    /// Has the shell (`/bin/sh -c`) run a command line, with a protocol that `makeProtocol` makes on the loop.
    ///
    /// Never put text of others into `command`: give it as a variable of the environment instead. A signal reaches the
    /// shell, which may have started others. asyncio: `subprocess_shell`.
    ///
    /// - Parameters:
    ///   - command: as one would type it.
    ///   - options: descriptors, environment, directory and session of the shell.
    ///   - makeProtocol: makes the protocol, on the loop, once the shell runs.
    /// - Returns: the handle of the shell.
    /// - Throws: as for a program; one that the shell does not find is for the
    ///   shell to complain of; it ends with status 127.
    public func startShell(
        _ command: String, options: SubprocessOptions = SubprocessOptions(),
        _ makeProtocol: @escaping @Sendable () -> any SubprocessProtocol
    ) throws(SubprocessError) -> Subprocess {
        try startProcess("/bin/sh", ["-c", command], options: options, makeProtocol)
    }

    /// Has the shell run a command line; suspends until `connectionMade` has been called.
    public func startShell(
        _ command: String, options: SubprocessOptions = SubprocessOptions(),
        _ makeProtocol: @escaping @Sendable () -> any SubprocessProtocol
    ) async throws(SubprocessError) -> Subprocess {
        try await startProcess("/bin/sh", ["-c", command], options: options, makeProtocol)
    }

    /// Runs `body` on the loop and waits for its result.
    func runForSubprocess<Value: Sendable>(
        _ body: @escaping @Sendable (EpollLoop) throws(SubprocessError) -> Value
    ) throws(SubprocessError) -> Value {
        let result: Result<Value, SubprocessError>
        do throws(DatagramError) {
            result = try run { loop throws(DatagramError) in Self.result(of: body, on: loop) }
        } catch {
            throw Self.loopStopped(error)
        }
        return try result.get()
    }

    /// Runs `body` on the loop and suspends until its result is there.
    func runForSubprocessSuspending<Value: Sendable>(
        _ body: @escaping @Sendable (EpollLoop) throws(SubprocessError) -> Value
    ) async throws(SubprocessError) -> Value {
        let result: Result<Value, SubprocessError>
        do throws(DatagramError) {
            result = try await runSuspending { loop throws(DatagramError) in Self.result(of: body, on: loop) }
        } catch {
            throw Self.loopStopped(error)
        }
        return try result.get()
    }

    private static func result<Value>(
        of body: (EpollLoop) throws(SubprocessError) -> Value, on loop: EpollLoop
    ) -> Result<Value, SubprocessError> {
        do throws(SubprocessError) { return .success(try body(loop)) } catch { return .failure(error) }
    }

    private static func loopStopped(_ error: DatagramError) -> SubprocessError {
        SubprocessError(.loopStopped, "the event loop has stopped, and with it what ran on it", errno: error.errno)
    }
}
