internal import DequeModule
internal import HeapModule

/// The timers and ready calls of one loop, without a clock or a thread of its own: the same for every world.
///
/// Order is asyncio's: a turn first makes due timers ready, by deadline and then by age, and runs what was ready when
/// the turn began; calls made meanwhile wait for the next turn.
package struct CallScheduler {
    private var ready = Deque<ScheduledCall>()
    private var timers = Heap<Timer>()
    private var nextSequence: UInt64 = 0

    package init() {}

    /// Whether there is any call at all, ready or not.
    package var hasCalls: Bool { !ready.isEmpty || !timers.isEmpty }

    /// Whether a call is ready to run in the next turn.
    package var hasReadyCalls: Bool { !ready.isEmpty }

    package mutating func callSoon(_ body: @escaping () -> Void) -> ScheduledCall {
        let call = ScheduledCall(deadline: nil, sequence: takeSequence(), body: body)
        ready.append(call)
        return call
    }

    package mutating func callAt(_ deadline: MonotonicInstant, _ body: @escaping () -> Void) -> ScheduledCall {
        let call = ScheduledCall(deadline: deadline, sequence: takeSequence(), body: body)
        timers.insert(Timer(deadline: deadline, sequence: call.sequence, call: call))
        return call
    }

    /// The deadline of the earliest timer that has not been cancelled.
    package mutating func nextDeadline() -> MonotonicInstant? {
        while let first = timers.min {
            if first.call.isPending { return first.deadline }
            timers.removeMin()
        }
        return nil
    }

    /// Makes the timers due at `now` ready, and returns how many calls this turn is to run.
    package mutating func beginTurn(now: MonotonicInstant) -> Int {
        while let first = timers.min, first.deadline <= now || !first.call.isPending {
            let timer = timers.removeMin()
            if timer.call.isPending { ready.append(timer.call) }
        }
        return ready.count
    }

    /// The next ready call; the caller runs it, after this access has ended.
    package mutating func popReady() -> ScheduledCall? { ready.popFirst() }

    /// Forgets every call, which releases what they hold.
    package mutating func removeAll() {
        ready.removeAll()
        timers = Heap()
    }

    private mutating func takeSequence() -> UInt64 {
        defer { nextSequence += 1 }
        return nextSequence
    }

    private struct Timer: Comparable {
        let deadline: MonotonicInstant
        let sequence: UInt64
        let call: ScheduledCall

        static func < (left: Timer, right: Timer) -> Bool {
            left.deadline == right.deadline ? left.sequence < right.sequence : left.deadline < right.deadline
        }
        static func == (left: Timer, right: Timer) -> Bool { left.sequence == right.sequence }
    }
}
