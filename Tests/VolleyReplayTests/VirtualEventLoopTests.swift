import Synchronization
import Testing
import VolleyReplay

/// Collects what happens, in order.
private final class Log {
    var lines: [String] = []
}

@Suite struct VirtualEventLoopTests {
    private static func at(_ nanoseconds: Int64) -> MonotonicInstant { MonotonicInstant(nanoseconds: nanoseconds) }

    @Test(arguments: [
        ([30, 10, 20], ["10@10", "20@20", "30@30"]),
        ([10, 10, 10], ["10@10", "10@10", "10@10"]),
        ([0, -5], ["-5@0", "0@0"]),
        ([100, 99, 101], ["99@99", "100@100"]),
    ])
    func timersRunInTheOrderOfTheirDeadlinesAtTheirDeadlines(_ deadlines: [Int64], _ expected: [String]) {
        let loop = VirtualEventLoop()
        let log = Log()
        for deadline in deadlines {
            loop.callAt(Self.at(deadline)) { log.lines.append("\(deadline)@\(loop.now.nanoseconds)") }
        }
        loop.advance(to: Self.at(100))
        #expect(log.lines == expected)
        #expect(loop.now == Self.at(100))
    }

    @Test func equalDeadlinesRunInTheOrderTheyWereMade() {
        let loop = VirtualEventLoop()
        let log = Log()
        for name in ["a", "b", "c"] { loop.callAt(Self.at(7)) { log.lines.append(name) } }
        loop.advance(to: Self.at(7))
        #expect(log.lines == ["a", "b", "c"])
    }

    @Test func readyCallsRunBetweenTimersAtTheTimersInstant() {
        let loop = VirtualEventLoop()
        let log = Log()
        loop.callAt(Self.at(10)) {
            log.lines.append("timer 10")
            loop.callSoon { log.lines.append("soon@\(loop.now.nanoseconds)") }
        }
        loop.callAt(Self.at(20)) { log.lines.append("timer 20") }
        loop.advance(to: Self.at(50))
        #expect(log.lines == ["timer 10", "soon@10", "timer 20"])
    }

    @Test func callsMadeInATurnWaitForTheNext() {
        let loop = VirtualEventLoop()
        let log = Log()
        loop.callSoon {
            log.lines.append("first")
            loop.callSoon { log.lines.append("third") }
        }
        loop.callSoon { log.lines.append("second") }
        #expect(loop.runUntilIdle())
        #expect(log.lines == ["first", "second", "third"])
    }

    @Test func timersMadeByTimersRunOnTheSameWay() {
        let loop = VirtualEventLoop()
        let log = Log()
        func tick() {
            log.lines.append("\(loop.now.nanoseconds)")
            loop.callLater(.nanoseconds(3), tick)
        }
        tick()
        loop.advance(by: .nanoseconds(10))
        #expect(log.lines == ["0", "3", "6", "9"])
    }

    @Test func cancelledTimersDoNotRunAndDoNotHoldTime() {
        let loop = VirtualEventLoop()
        let log = Log()
        let call = loop.callAt(Self.at(5)) { log.lines.append("cancelled") }
        loop.callAt(Self.at(8)) { log.lines.append("kept@\(loop.now.nanoseconds)") }
        call.cancel()
        #expect(loop.nextDeadline == Self.at(8))
        loop.advance(to: Self.at(9))
        #expect(log.lines == ["kept@8"])
    }

    @Test func timeNeverGoesBackwards() {
        let loop = VirtualEventLoop(startingAt: WallClockTime(nanosecondsSinceEpoch: 1_000))
        loop.advance(to: Self.at(50))
        loop.advance(to: Self.at(20))
        loop.advance(by: .nanoseconds(-5))
        #expect(loop.now == Self.at(50))
        #expect(loop.wallClock.nanosecondsSinceEpoch == 1_050)
    }

    @Test func aCallThatKeepsMakingItselfReadyCannotStopTime() {
        let loop = VirtualEventLoop()
        let log = Log()
        func spin() { loop.callSoon(spin) }
        spin()
        loop.callAt(Self.at(5)) { log.lines.append("timer") }
        #expect(!loop.runUntilIdle())
        loop.advance(to: Self.at(10))
        #expect(loop.now == Self.at(10))
        #expect(log.lines == ["timer"])
    }

    @Test func timeSaturatesInsteadOfTrapping() {
        let loop = VirtualEventLoop(startingAt: WallClockTime(nanosecondsSinceEpoch: .max - 1))
        loop.advance(by: .seconds(Int64.max))
        #expect(loop.now.nanoseconds == .max)
        #expect(loop.wallClock.nanosecondsSinceEpoch == .max)
    }

    @Test func callsOfOtherThreadsRunOnTheLoopInOrder() async {
        let loop = VirtualEventLoop()
        let handle = loop.handle
        let seen = Seen()
        await Task.detached {
            for number in 0..<3 { handle.execute { loop in seen.append("\(number)@\(loop.now.nanoseconds)") } }
        }.value
        #expect(seen.lines.isEmpty)
        loop.advance(to: Self.at(4))
        #expect(seen.lines == ["0@0", "1@0", "2@0"])
    }

    private final class Seen: Sendable {
        private let storage = Mutex<[String]>([])
        var lines: [String] { storage.withLock { $0 } }
        func append(_ line: String) { storage.withLock { $0.append(line) } }
    }
}
