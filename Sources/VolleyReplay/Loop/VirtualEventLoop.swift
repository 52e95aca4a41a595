public import VolleyCore

/// An event loop whose time is given: no clock is read, no thread runs, nothing sleeps.
///
/// Time moves only by ``advance(to:)`` and ``advance(by:)``, never backwards, and stops at the deadline of every timer
/// on the way, so that each timer sees exactly the time it was set for. An hour takes as long as what happens in it.
/// The same calls in the same order give the same run; calls of other threads, by ``handle``, arrive when they arrive.
///
/// A turn is asyncio's: it runs the calls of other threads, makes due timers ready in the order of their deadlines and
/// then of their age, and runs what was ready when the turn began. Turns repeat until nothing is due, at most
/// ``turnsPerInstantMax`` times without time moving, so that a call that keeps making itself ready again cannot stop
/// time: it goes on at the next instant.
public final class VirtualEventLoop: EventLoop {
    /// The most turns that are run at one instant.
    public static let turnsPerInstantMax = 1_000

    private var scheduler = CallScheduler()
    private let mailbox = VirtualMailbox()
    /// Nanoseconds since the beginning.
    private(set) var time: Int64 = 0
    /// The time of day at the beginning, in nanoseconds since the epoch.
    private(set) var origin: Int64
    /// Not after the deadline of any timer; `Int64.max` when there is none.
    ///
    /// It may be early, since timers get cancelled.
    private(set) var earliest = Int64.max
    private var hasReadyCalls = false
    private var isRunning = false

    /// A loop at instant 0.
    ///
    /// - Parameter wallClock: the time of day at instant 0; without it, the epoch.
    public init(startingAt wallClock: WallClockTime = WallClockTime(nanosecondsSinceEpoch: 0)) {
        origin = wallClock.nanosecondsSinceEpoch
    }

    /// The time since the beginning; in a replay, since the capture's first record.
    public var now: MonotonicInstant { MonotonicInstant(nanoseconds: time) }

    /// The time of day: that at the beginning, and what has passed since.
    public var wallClock: WallClockTime {
        WallClockTime(nanosecondsSinceEpoch: Self.sum(origin, time))
    }

    /// What other threads use to get work onto this loop; it runs when time next moves, or by ``runUntilIdle()``.
    public var handle: any EventLoopHandle { mailbox }

    /// Calls `body` in the next turn, at the same instant.
    @discardableResult
    public func callSoon(_ body: @escaping () -> Void) -> ScheduledCall {
        hasReadyCalls = true
        return scheduler.callSoon(body)
    }

    /// Calls `body` exactly at `deadline`, or in the next turn if that has passed.
    @discardableResult
    public func callAt(_ deadline: MonotonicInstant, _ body: @escaping () -> Void) -> ScheduledCall {
        earliest = min(earliest, deadline.nanoseconds)
        return scheduler.callAt(deadline, body)
    }

    /// Moves time to `instant`, and runs on the way and there whatever is due, each timer at its own deadline.
    ///
    /// An instant in the past moves nothing, but runs what is due. Must not be called from a callback of this loop.
    public func advance(to instant: MonotonicInstant) {
        precondition(!isRunning, "a callback of the loop cannot move its time")
        runTurns()
        runTimers(through: instant.nanoseconds)
        time = max(time, instant.nanoseconds)
        // Only calls of other threads, or those that were put off, can be left.
        runTurns()
    }

    /// Moves time by `duration`, like ``advance(to:)``; a negative one moves nothing.
    public func advance(by duration: Duration) {
        advance(to: now.advanced(by: duration))
    }

    /// Runs what is ready or due at the present instant, and what that makes ready; time does not move.
    ///
    /// - Returns: whether nothing is left to do at this instant; `false` after ``turnsPerInstantMax`` turns.
    @discardableResult
    public func runUntilIdle() -> Bool {
        precondition(!isRunning, "a callback of the loop cannot run it")
        return runTurns()
    }

    /// The deadline of the earliest timer, `nil` when there is none.
    public var nextDeadline: MonotonicInstant? { scheduler.nextDeadline() }
}

/// What a replay does with time.
extension VirtualEventLoop {
    /// Sets the time of day at instant 0, before anything has happened.
    func begin(at wallClock: Int64) { origin = wallClock }

    /// The time of day at an instant, in nanoseconds since the epoch.
    func wallClock(at instant: Int64) -> Int64 { Self.sum(origin, instant) }

    /// Sets time without running anything; the caller has run the timers due before.
    func setTime(_ instant: Int64) { time = max(time, instant) }

    /// Whether a turn would find something to do.
    var hasWork: Bool { hasReadyCalls || earliest <= time || !mailbox.isEmpty }

    /// Whether a timer is due before `instant`.
    @inline(__always)
    func hasTimer(before instant: Int64) -> Bool {
        earliest < instant && findTimer(before: instant)
    }

    private func findTimer(before instant: Int64) -> Bool {
        earliest = scheduler.nextDeadline()?.nanoseconds ?? .max
        return earliest < instant
    }

    /// Runs the timers due up to and at `last`, each at its deadline, and what they make ready.
    func runTimers(through last: Int64) {
        while earliest <= last {
            guard let deadline = scheduler.nextDeadline()?.nanoseconds else {
                earliest = .max
                return
            }
            earliest = deadline
            guard deadline <= last else { return }
            time = max(time, deadline)
            guard runTurns() else { return }
        }
    }

    /// Runs turns until there is nothing to do; `false` when the bound was met first.
    @discardableResult
    func runTurns() -> Bool {
        isRunning = true
        defer { isRunning = false }
        var turns = 0
        while hasWork {
            if turns == Self.turnsPerInstantMax { return false }
            turns += 1
            turn()
        }
        return true
    }

    /// Runs one turn.
    func turn() {
        if !mailbox.isEmpty {
            for body in mailbox.takeAll() { body(self) }
        }
        let count = scheduler.beginTurn(now: now)
        for _ in 0..<count { scheduler.popReady()?.run() }
        hasReadyCalls = scheduler.hasReadyCalls
        earliest = scheduler.nextDeadline()?.nanoseconds ?? .max
    }

    /// Forgets every call and refuses those of other threads.
    func end() {
        mailbox.close()
        scheduler.removeAll()
        hasReadyCalls = false
        earliest = .max
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (right < 0 ? .min : .max) : sum
    }
}
