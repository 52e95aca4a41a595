/// Where protocols live: time, timers and calls, all on one thread (asyncio's event loop, seen by a protocol).
///
/// A protocol asks its loop, and nothing else, for the time, so that it runs unchanged on a capture's clock. An
/// `EventLoop` is not `Sendable`: use it from its own callbacks; other threads go through ``handle``.
public protocol EventLoop: AnyObject {
    /// The present time of the monotonic clock. asyncio: `loop.time()`.
    var now: MonotonicInstant { get }

    /// The present time of day; offline, the capture's.
    var wallClock: WallClockTime { get }

    /// Calls `body` in the loop's next turn, after what is already waiting. asyncio: `call_soon`.
    @discardableResult
    func callSoon(_ body: @escaping () -> Void) -> ScheduledCall

    /// Calls `body` at `deadline`, never earlier; equal deadlines run in the order they were made.
    ///
    /// A deadline in the past runs in the next turn. asyncio: `call_at`.
    @discardableResult
    func callAt(_ deadline: MonotonicInstant, _ body: @escaping () -> Void) -> ScheduledCall

    /// What other threads use to get work onto this loop. asyncio: `call_soon_threadsafe`.
    var handle: any EventLoopHandle { get }
}

extension EventLoop {
    /// Calls `body` once `delay` has passed; a delay of zero or less runs in the next turn.
    ///
    /// asyncio: `call_later`.
    @inlinable @discardableResult
    public func callLater(_ delay: Duration, _ body: @escaping () -> Void) -> ScheduledCall {
        callAt(now.advanced(by: delay), body)
    }
}

/// The part of a loop that any thread may use.
public protocol EventLoopHandle: Sendable {
    /// Runs `body` on the loop in a later turn, in the order of the calls of one thread.
    ///
    /// - Returns: whether the loop took it; `false` once it has stopped.
    @discardableResult
    func execute(_ body: @escaping @Sendable (any EventLoop) -> Void) -> Bool
}

/// A call waiting on an ``EventLoop``, which can be cancelled (asyncio's `Handle` and `TimerHandle`).
public final class ScheduledCall {
    /// When the call is due; `nil` for one made by `callSoon`.
    public let deadline: MonotonicInstant?
    package let sequence: UInt64
    private var body: (() -> Void)?

    package init(deadline: MonotonicInstant?, sequence: UInt64, body: @escaping () -> Void) {
        self.deadline = deadline
        self.sequence = sequence
        self.body = body
    }

    /// Whether the call has neither run nor been cancelled.
    public var isPending: Bool { body != nil }

    /// Prevents the call and releases what it holds; does nothing after it has run.
    ///
    /// asyncio: `cancel`.
    public func cancel() { body = nil }

    package func run() {
        guard let body else { return }
        self.body = nil
        body()
    }
}
