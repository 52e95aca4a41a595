internal import CVolley
internal import SystemPackage
internal import VolleyCore

/// The live `SubprocessTransport`: a child's pidfd in a loop, and the pipes to it.
///
/// The pidfd is what makes it safe: it becomes readable when the child ends, it is what the child is reaped and signalled
/// by, and it never means another process.
final class ProcessTransport: SubprocessTransport, EpollHandler, LoopMember {
    private let loop: EpollLoop
    private let calls: SpawnCalls
    let processID: CInt
    private let leadsGroup: Bool
    /// Until the child is reaped.
    private var pidfd: CInt?
    private var token: EpollLoop.Token?
    private var owner: (any SubprocessProtocol)?
    private var pipes: [CInt: any StreamTransport] = [:]
    /// The pipes that are not lost yet.
    private var openPipes: Set<CInt> = []

    private(set) var termination: ProcessTermination?
    private(set) var isClosing = false
    private var hasToldExit = false
    private var isLossScheduled = false
    /// Called once, after `processExited`, and after `connectionLost`.
    var onExit: ((ProcessTermination) -> Void)?
    var onLost: (() -> Void)?

    var eventLoop: any EventLoop { loop }

    /// Takes a child that has just been started, and its pidfd.
    ///
    /// - Throws: when epoll does not take the pidfd, which then is still the caller's.
    init(_ process: CInt, pidfd: CInt, leadsGroup: Bool, on loop: EpollLoop) throws(DatagramError) {
        self.loop = loop
        calls = loop.syscalls.spawning
        processID = process
        self.leadsGroup = leadsGroup
        self.pidfd = pidfd
        token = try loop.register(pidfd, events: UInt32(VOLLEY_READABLE), handler: self)
    }

    /// Connects a pipe; before ``begin(_:)``.
    ///
    /// Our end is made non-blocking; the program's is another open file, and blocks as it expects.
    ///
    /// - Throws: when epoll does not take the descriptor, which is closed then.
    func connect(_ pipe: ChildDescriptors.Pipe, limits: WriteBufferLimits) throws(StreamError) {
        let transport: FlowTransport
        if pipe.isInput {
            transport = try loop.openPipe(pipe.descriptor, .writing, limits: limits) {
                ProcessInput(pipe.number, of: self)
            }
        } else {
            transport = try loop.openPipe(pipe.descriptor, .reading) { ProcessOutput(pipe.number, of: self) }
        }
        pipes[pipe.number] = transport
        openPipes.insert(pipe.number)
    }

    /// Gives the transport its protocol; everything is connected, and nothing has happened yet.
    func begin(_ owner: any SubprocessProtocol) {
        self.owner = owner
        loop.add(self)
        owner.connectionMade(self)
    }

    func pipe(_ descriptor: CInt) -> (any StreamTransport)? { pipes[descriptor] }

    func extraInfo(_ name: String) -> (any Sendable)? {
        name == "pid" ? processID : nil
    }

    func sendSignal(_ signal: Signal) throws(SubprocessError) {
        try send(signal) { pidfd throws(Errno) in try calls.signal(pidfd, signal.rawValue) }
    }

    func signalGroup(_ signal: Signal) throws(SubprocessError) {
        guard leadsGroup else {
            throw SubprocessError(
                .invalidArgument,
                "process \(processID) has no process group of its own: see processGroup and startsNewSession")
        }
        try send(signal) { pidfd throws(Errno) in try calls.signalGroup(pidfd, signal.rawValue, processID) }
    }

    private func send(_ signal: Signal, _ body: (CInt) throws(Errno) -> Void) throws(SubprocessError) {
        guard let pidfd else { throw ended(signal) }
        do throws(Errno) {
            try body(pidfd)
        } catch {
            let attempt = "cannot send \(signal) to process \(processID)"
            switch error {
            case .noSuchProcess: throw ended(signal)
            case .notPermitted:
                throw SubprocessError(.notPermitted, "\(attempt), which runs as another user", errno: error)
            case .invalidArgument:
                throw SubprocessError(.invalidArgument, "\(attempt): signals are 1 to 64", errno: error)
            default: throw SubprocessError(.systemCall, attempt, errno: error)
            }
        }
    }

    private func ended(_ signal: Signal) -> SubprocessError {
        SubprocessError(
            .processEnded,
            "cannot send \(signal): process \(processID) has ended" + (termination.map { " with \($0)" } ?? ""))
    }

    func close() {
        guard !isClosing else { return }
        isClosing = true
        // What somebody else holds open at the other end could keep a pipe that is only closed from ever draining.
        for pipe in pipes.values { pipe.abort() }
        // One that has ended meanwhile keeps the status it has ended with.
        if pidfd != nil, reap() {
            eventLoop.callSoon { [self] in tellExit() }
        } else if let pidfd {
            try? calls.signal(pidfd, Signal.kill.rawValue)
        }
    }

    // MARK: The program's end

    func ready(_ events: UInt32) {
        if reap() { tellExit() }
    }

    /// Reaps the child if it has ended; whether it has.
    private func reap() -> Bool {
        guard let pidfd else { return true }
        do throws(Errno) {
            guard let termination = try calls.reap(pidfd) else { return false }
            self.termination = termination
        } catch {
            // ECHILD: there is no such child any more.
            termination = .unknown
        }
        if let token { loop.deregister(token, pidfd) }
        token = nil
        self.pidfd = nil
        System.close(pidfd)
        return true
    }

    private func tellExit() {
        guard !hasToldExit, let termination else { return }
        hasToldExit = true
        owner?.processExited()
        onExit?(termination)
        onExit = nil
        finishIfDone()
    }

    private func finishIfDone() {
        guard hasToldExit, openPipes.isEmpty, !isLossScheduled else { return }
        isLossScheduled = true
        eventLoop.callSoon { [self] in
            let owner = self.owner.take()
            pipes = [:]
            owner?.connectionLost(nil)
            loop.remove(self)
            onLost?()
            onLost = nil
        }
    }

    // MARK: Pipes

    func received(_ number: CInt, _ data: RawSpan) { owner?.pipeDataReceived(number, data) }
    func pauseWriting() { owner?.pauseWriting() }
    func resumeWriting() { owner?.resumeWriting() }

    func lostPipe(_ number: CInt, _ error: StreamError?) {
        guard openPipes.remove(number) != nil else { return }
        owner?.pipeConnectionLost(number, error)
        finishIfDone()
    }

    // MARK: Ends that nobody asked for

    /// Gives up a child that could not be connected, before its protocol knows of it.
    func abandon() {
        onExit = nil
        close()
        awaitEnd()
    }

    /// The loop stops: the child may not outlive it unreaped.
    func loopStops() {
        close()
        // All are killed before the first is waited for.
        eventLoop.callSoon { [self] in
            awaitEnd()
            tellExit()
        }
    }

    /// Waits for a child that was killed: a matter of microseconds, unless the kernel itself holds it.
    private func awaitEnd() {
        guard let pidfd, !reap() else { return }
        SpawnCalls.awaitEnd(of: pidfd, milliseconds: 2_000)
        _ = reap()
    }
}
