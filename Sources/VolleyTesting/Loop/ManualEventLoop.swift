internal import Synchronization

/// An event loop whose clock stands still until a test moves it: no thread, no waiting, the same run every time.
///
/// Order is that of every Volley loop: a turn makes due timers ready and runs what was ready when it began. Create and
/// use it on one thread; ``handle`` is for the others.
public final class ManualEventLoop: EventLoop {
    /// The clock; it moves only in ``advance(by:)``.
    public private(set) var now = MonotonicInstant(nanoseconds: 0)
    private let start: WallClockTime
    private var scheduler = CallScheduler()
    private let mailbox = Mailbox()

    /// A loop whose monotonic clock begins at 0.
    ///
    /// - Parameter wallClock: the time of day at the beginning.
    public init(wallClock: WallClockTime = WallClockTime(nanosecondsSinceEpoch: 0)) {
        start = wallClock
    }

    deinit { mailbox.close() }

    /// The time of day: that of the beginning, plus what ``advance(by:)`` has added.
    public var wallClock: WallClockTime {
        let (sum, overflow) = start.nanosecondsSinceEpoch.addingReportingOverflow(now.nanoseconds)
        return WallClockTime(nanosecondsSinceEpoch: overflow ? .max : sum)
    }

    /// What other threads use; it takes calls until this loop is gone.
    public var handle: any EventLoopHandle { mailbox }

    /// Calls `body` in the next turn.
    @discardableResult
    public func callSoon(_ body: @escaping () -> Void) -> ScheduledCall { scheduler.callSoon(body) }

    /// Calls `body` in a turn at `deadline` or after it.
    @discardableResult
    public func callAt(_ deadline: MonotonicInstant, _ body: @escaping () -> Void) -> ScheduledCall {
        scheduler.callAt(deadline, body)
    }

    /// Runs one turn: due timers, then everything that was ready when it began.
    ///
    /// - Returns: whether there was anything to run.
    @discardableResult
    public func turn() -> Bool {
        for body in mailbox.takeAll() { callSoon { [unowned self] in body(self) } }
        let ready = scheduler.beginTurn(now: now)
        for _ in 0..<ready { scheduler.popReady()?.run() }
        return ready > 0
    }

    /// Runs turns until nothing is ready, without moving the clock.
    ///
    /// - Parameter maximumTurns: where to give up, for work that always makes more work.
    /// - Returns: whether the loop is idle.
    @discardableResult
    public func runUntilIdle(maximumTurns: Int = 1_000) -> Bool {
        for _ in 0..<maximumTurns where !turn() { return true }
        return false
    }

    /// Moves the clock by `duration`, stopping at every timer on the way, each run at its own deadline.
    public func advance(by duration: Duration) {
        let target = now.advanced(by: duration)
        runUntilIdle()
        while let deadline = scheduler.nextDeadline(), deadline <= target {
            now = max(now, deadline)
            runUntilIdle()
        }
        now = max(now, target)
        runUntilIdle()
    }

    /// What other threads have asked for.
    private final class Mailbox: EventLoopHandle {
        typealias Call = @Sendable (any EventLoop) -> Void
        private let calls = Mutex<[Call]?>([])

        func execute(_ body: @escaping Call) -> Bool {
            calls.withLock { calls in
                calls?.append(body)
                return calls != nil
            }
        }

        func takeAll() -> [Call] {
            calls.withLock { calls in
                guard let taken = calls else { return [] }
                calls = []
                return taken
            }
        }

        func close() { calls.withLock { $0 = nil } }
    }
}
