import Testing

@testable import VolleyCore

@Suite("The calls of a loop")
struct CallSchedulerTests {
    /// A loop without anything but its scheduler, and what has run so far.
    private final class Loop {
        var scheduler = CallScheduler()
        var log = ""

        func soon(_ name: String) -> ScheduledCall { scheduler.callSoon { [unowned self] in log += name } }
        func at(_ time: Int64, _ name: String) -> ScheduledCall {
            scheduler.callAt(MonotonicInstant(nanoseconds: time)) { [unowned self] in log += name }
        }
        func turn(at time: Int64 = 0) {
            let count = scheduler.beginTurn(now: MonotonicInstant(nanoseconds: time))
            for _ in 0..<count { scheduler.popReady()?.run() }
        }
    }

    @Test("calls run in the order they were made")
    func order() {
        let loop = Loop()
        for name in ["a", "b", "c"] { _ = loop.soon(name) }
        #expect(loop.scheduler.hasReadyCalls)
        loop.turn()
        #expect(loop.log == "abc")
        #expect(!loop.scheduler.hasReadyCalls)
    }

    @Test("a call made in a turn runs in the next")
    func nextTurn() {
        let loop = Loop()
        _ = loop.scheduler.callSoon {
            loop.log += "1"
            _ = loop.soon("2")
        }
        _ = loop.soon("a")
        loop.turn()
        #expect(loop.log == "1a")
        loop.turn()
        #expect(loop.log == "1a2")
    }

    @Test("timers run by deadline, then by age, after the calls that were ready, and not before their time")
    func timers() {
        let loop = Loop()
        _ = loop.at(20, "c")
        _ = loop.at(10, "a")
        _ = loop.at(10, "b")
        _ = loop.at(21, "d")
        _ = loop.soon("s")
        loop.turn(at: 9)
        #expect(loop.log == "s")
        _ = loop.soon("t")
        loop.turn(at: 20)
        #expect(loop.log == "stabc")
        loop.turn(at: 21)
        #expect(loop.log == "stabcd")
    }

    @Test("a timer in the past runs in the next turn, not in this one")
    func pastTimer() {
        let loop = Loop()
        _ = loop.scheduler.callSoon { _ = loop.at(-5, "p") }
        loop.turn(at: 0)
        #expect(loop.log == "")
        loop.turn(at: 0)
        #expect(loop.log == "p")
    }

    @Test("a cancelled call does not run, whether ready, waiting, or made ready in this turn")
    func cancel() {
        let loop = Loop()
        let (ready, timer, later) = (loop.soon("r"), loop.at(5, "t"), loop.at(5, "l"))
        ready.cancel()
        timer.cancel()
        _ = loop.scheduler.callAt(MonotonicInstant(nanoseconds: 1)) { later.cancel() }
        loop.turn(at: 10)
        #expect(loop.log == "")
        #expect(!ready.isPending && !timer.isPending && !later.isPending)
        later.cancel()
    }

    @Test("cancelling releases what the call holds, at once")
    func cancelReleases() {
        final class Held {}
        let loop = Loop()
        var held: Held? = Held()
        weak let observed = held
        let call = loop.scheduler.callAt(MonotonicInstant(nanoseconds: 5)) { [held] in _ = held }
        held = nil
        #expect(observed != nil)
        call.cancel()
        #expect(observed == nil)
    }

    @Test("a call that has run holds nothing, and can be cancelled without effect")
    func ranOnce() {
        let loop = Loop()
        let call = loop.soon("a")
        loop.turn()
        #expect(!call.isPending)
        call.cancel()
        call.run()
        #expect(loop.log == "a")
    }

    @Test("the next deadline is that of the earliest timer that still waits")
    func nextDeadline() {
        let loop = Loop()
        #expect(loop.scheduler.nextDeadline() == nil)
        let first = loop.at(5, "a")
        _ = loop.at(7, "b")
        #expect(loop.scheduler.nextDeadline() == MonotonicInstant(nanoseconds: 5))
        first.cancel()
        #expect(loop.scheduler.nextDeadline() == MonotonicInstant(nanoseconds: 7))
        loop.turn(at: 7)
        #expect(loop.scheduler.nextDeadline() == nil)
    }

    @Test("deadlines at both ends of time are kept in order")
    func extremes() {
        let loop = Loop()
        _ = loop.at(.max, "z")
        _ = loop.at(.min, "a")
        loop.turn(at: .min)
        #expect(loop.log == "a")
        loop.turn(at: .max)
        #expect(loop.log == "az")
    }

    @Test("forgetting every call releases what they hold")
    func removeAll() {
        final class Held {}
        let loop = Loop()
        var held: Held? = Held()
        weak let observed = held
        _ = loop.scheduler.callSoon { [held] in _ = held }
        held = nil
        loop.scheduler.removeAll()
        #expect(observed == nil)
        loop.turn()
        #expect(loop.log == "")
    }
}
