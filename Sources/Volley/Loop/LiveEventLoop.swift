internal import Synchronization
internal import SystemPackage
public import VolleyCore

/// A live event loop on a thread of its own: where sockets and their protocols run.
///
/// This is the handle of the loop, for every thread; the loop itself is what a protocol sees as `transport.eventLoop`.
/// ``stop()`` ends it; a loop that is never stopped runs as long as the process.
public final class LiveEventLoop: EventLoopHandle {
    private let mailbox: LoopMailbox
    private let thread: LoopThread

    /// Starts a loop on a new thread.
    ///
    /// - Throws: when the kernel gives no epoll instance, event descriptor (`EMFILE`, `ENFILE`) or thread (`EAGAIN`).
    public convenience init() throws(DatagramError) {
        try self.init(syscalls: .kernel)
    }

    init(syscalls: Syscalls) throws(DatagramError) {
        let loop = try EpollLoop(syscalls: syscalls)
        mailbox = loop.mailbox
        thread = try LoopThread(running: loop)
    }

    /// Runs `body` on the loop, in a later turn.
    ///
    /// - Returns: whether the loop took it; `false` once it has stopped.
    @discardableResult
    public func execute(_ body: @escaping @Sendable (any EventLoop) -> Void) -> Bool {
        mailbox.execute(body)
    }

    /// Stops the loop and waits for its end: endpoints are aborted (`connectionLost(nil)`), timers forgotten.
    ///
    /// Close endpoints and wait for them first if what they have queued is to be sent. Idempotent. On the loop's own
    /// thread it does not wait.
    public func stop() {
        _ = mailbox.execute { ($0 as? EpollLoop)?.stop() }
        if !thread.isCurrent { thread.join() }
    }

    /// Runs `body` on the loop and waits for its result; at once when called on the loop itself.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable (EpollLoop) throws(DatagramError) -> Result
    ) throws(DatagramError) -> Result {
        if thread.isCurrent { return try thread.withLoop(body) }
        let reply = Reply<Result>()
        post(body) { reply.give($0) }
        return try reply.wait().get()
    }

    /// Has `body` begin something on the loop, and blocks until it has given its result.
    ///
    /// - Throws: `EDEADLK` on the loop's own thread, which has to go on for anything to happen; otherwise what is given.
    func runToEnd<Result: Sendable>(
        _ body: @escaping @Sendable (EpollLoop, Answer<Result>) -> Void
    ) throws(DatagramError) -> Result {
        guard !thread.isCurrent else {
            throw DatagramError(.deadlock, operation: .create, context: "a loop cannot wait for itself")
        }
        let reply = Reply<Result>()
        begin(body) { reply.give($0) }
        return try reply.wait().get()
    }

    /// Has `body` begin something on the loop, which gives its result to `give`, on the loop: `ECANCELED` when it never
    /// does, since the loop has stopped or is stopping.
    func begin<Result: Sendable>(
        _ body: @escaping @Sendable (EpollLoop, Answer<Result>) -> Void,
        _ give: @escaping @Sendable (Swift.Result<Result, DatagramError>) -> Void
    ) {
        let answer = Answer(give)
        _ = mailbox.execute { loop in
            if let loop = loop as? EpollLoop { body(loop, answer) }
        }
    }

    /// Runs `body` on the loop and suspends until its result is there.
    func runSuspending<Result: Sendable>(
        _ body: @escaping @Sendable (EpollLoop) throws(DatagramError) -> Result
    ) async throws(DatagramError) -> Result {
        let result: Swift.Result<Result, DatagramError> = await withCheckedContinuation { continuation in
            post(body) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Posts `body` and gives its result to `give`: `ECANCELED` when the loop never runs it, since it has stopped or is
    /// stopping.
    private func post<Result: Sendable>(
        _ body: @escaping @Sendable (EpollLoop) throws(DatagramError) -> Result,
        _ give: @escaping @Sendable (Swift.Result<Result, DatagramError>) -> Void
    ) {
        // Only the posted call holds on to it, here or in the mailbox.
        let answer = Answer(give)
        _ = mailbox.execute { loop in
            guard let loop = loop as? EpollLoop else { return }
            do throws(DatagramError) { answer.give(.success(try body(loop))) } catch { answer.give(.failure(error)) }
        }
    }
}

/// A result that somebody waits for: given once, and at the latest when nobody is left who could give it.
final class Answer<Result: Sendable>: Sendable {
    private let isGiven = Atomic(false)
    private let receiver: @Sendable (Swift.Result<Result, DatagramError>) -> Void

    init(_ receiver: @escaping @Sendable (Swift.Result<Result, DatagramError>) -> Void) { self.receiver = receiver }

    deinit { give(.failure(DatagramError(.canceled, operation: .create))) }

    func give(_ result: Swift.Result<Result, DatagramError>) {
        if !isGiven.exchange(true, ordering: .relaxed) { receiver(result) }
    }
}
