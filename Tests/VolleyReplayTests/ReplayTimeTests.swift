import Testing
import VolleyCapture
import VolleyReplay

@Suite struct ReplayTimeTests {
    @Test func theProtocolSeesTheCapturesTime() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("b", at: 1_500)
        let probe = Probe()
        var wall: [Int64] = []
        probe.onText = { probe, _ in
            wall.append((probe.transport?.eventLoop.wallClock.nanosecondsSinceEpoch ?? 0) - TestCapture.origin)
        }
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(probe.log == ["made@0", "a@0", "b@1500", "lost@1500"])
        #expect(wall == [0, 1_500])
        #expect(report.duration == .nanoseconds(1_500))
        #expect(report.timeSpan?.lowerBound.nanosecondsSinceEpoch == TestCapture.origin)
        #expect(report.timeSpan?.upperBound.nanosecondsSinceEpoch == TestCapture.origin + 1_500)
        #expect(report.isBalanced)
    }

    @Test func timersFireBetweenDatagramsAtTheirDeadlines() throws {
        let capture = TestCapture()
        for time in [0, 100, 200] as [Int64] { try capture.add("d", at: time) }
        let probe = Probe()
        probe.onMade = { probe in
            for delay in [150, 50, 99, 101, 250] as [Int64] {
                probe.transport?.eventLoop.callLater(.nanoseconds(delay)) { probe.note("t\(delay)") }
            }
        }
        try _ = Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(
            probe.log == [
                "made@0", "d@0", "t50@50", "t99@99", "d@100", "t101@101", "t150@150", "d@200", "lost@200",
            ])
    }

    @Test func aDatagramComesBeforeATimerOfTheSameInstant() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("b", at: 100)
        let probe = Probe()
        probe.onMade = { probe in
            probe.transport?.eventLoop.callLater(.nanoseconds(100)) { probe.note("timer") }
        }
        try _ = Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(probe.log == ["made@0", "a@0", "b@100", "timer@100", "lost@100"])
    }

    @Test func aRepeatingTimerTicksThroughAnHourOfCapture() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("b", at: 3_600_000_000_000)
        let probe = Probe()
        var ticks = 0
        func tick() {
            ticks += 1
            probe.transport?.eventLoop.callLater(.seconds(1), tick)
        }
        probe.onMade = { $0.transport?.eventLoop.callLater(.seconds(1), tick) }
        try _ = Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(ticks == 3_600)
    }

    @Test func timersAfterTheLastRecordRunOnlyWithinTheDrain() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        var options = ReplayOptions()
        options.drain = .nanoseconds(10)
        let probe = Probe()
        probe.onText = { probe, _ in
            for delay in [10, 11] as [Int64] {
                probe.transport?.eventLoop.callLater(.nanoseconds(delay)) { probe.note("t\(delay)") }
            }
        }
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(probe.log == ["made@0", "a@0", "t10@10", "lost@10"])
        #expect(report.duration == .nanoseconds(10))
    }

    @Test func timeStandsStillWhereTimeStampsGoBackwards() throws {
        let capture = TestCapture()
        for (text, time) in [("a", 0), ("b", 100), ("c", 40), ("d", 90), ("e", 120)] as [(String, Int64)] {
            try capture.add(text, at: time)
        }
        let probe = Probe()
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(probe.log == ["made@0", "a@0", "b@100", "c@100", "d@100", "e@120", "lost@120"])
        #expect(report.timestampsBackwards == 2)
    }

    @Test func anEmptyCaptureStillMakesAndClosesTheEndpoint() throws {
        let probe = Probe()
        let report = try Replay(bytes: TestCapture().bytes, as: .server(port: 53)).run { probe }
        #expect(probe.log == ["made@0", "lost@0"])
        #expect(report.timeSpan == nil)
        #expect(report.warnings.first?.contains("no record was read") == true)
    }

    @Test func theDatagramCarriesItsOwnTimeAddressesAndBytes() throws {
        final class Looker: DatagramProtocol {
            var seen: [String] = []
            func datagramReceived(_ datagram: Datagram) {
                let time = (datagram.timestamp?.nanosecondsSinceEpoch ?? 0) - TestCapture.origin
                seen.append(
                    "\(datagram.source) \(datagram.localAddress.map { "\($0)" } ?? "-") \(time) \(datagram.count)")
            }
        }
        let capture = TestCapture()
        try capture.add("abc", at: 5)
        try capture.add("", at: 4)
        let looker = Looker()
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { looker }
        #expect(looker.seen == ["198.51.100.7:40000 192.0.2.1 5 3", "198.51.100.7:40000 192.0.2.1 4 0"])
        #expect(report.statistics.bytesReceived == 3)
    }
}
