import Testing
import VolleyCore

@testable import VolleyReplay

@Suite struct PacerTests {
    private static func pacer(_ pace: PacingOptions.Pace = .captured(), maxGap: Duration? = nil) -> Pacer {
        var options = PacingOptions()
        options.pace = pace
        options.maxGap = maxGap
        return Pacer(options, startingAt: 1_000)
    }

    private static func deadlines(_ pacer: inout Pacer, _ times: [Int64]) -> [Int64] {
        times.map { pacer.deadline(of: $0) }
    }

    @Test func deadlinesCountFromTheFirstDatagramSent() {
        var pacer = Self.pacer()
        #expect(Self.deadlines(&pacer, [500, 500, 520, 700]) == [1_000, 1_000, 1_020, 1_200])
    }

    @Test(arguments: [(2.0, [1_000, 1_050, 1_100]), (0.5, [1_000, 1_200, 1_400]), (1.0, [1_000, 1_100, 1_200])])
    func speedScalesTheDistances(_ speed: Double, _ expected: [Int64]) {
        var pacer = Self.pacer(.captured(speed: speed))
        #expect(Self.deadlines(&pacer, [0, 100, 200]) == expected)
    }

    @Test func aRateIgnoresTheTimesOfTheCapture() {
        var pacer = Self.pacer(.rate(10_000))
        #expect(Self.deadlines(&pacer, [0, 5, 3, 9_000_000]) == [1_000, 101_000, 201_000, 301_000])
    }

    @Test(arguments: [1.0, 10.0])
    func tenDaysStayExactToTheNanosecond(_ speed: Double) {
        var pacer = Self.pacer(.captured(speed: speed))
        let day: Int64 = 86_400_000_000_000
        _ = pacer.deadline(of: 7)
        // A datagram each 100 s, as the sums of differences would drift.
        for step in 1...8_640 { _ = pacer.deadline(of: 7 + Int64(step) * 100_000_000_000) }
        #expect(pacer.deadline(of: 7 + 10 * day) == 1_000 + 10 * day / Int64(speed))
    }

    @Test func timeNeitherGoesBackNorTakesLongGaps() {
        var pacer = Self.pacer(maxGap: .nanoseconds(50))
        #expect(Self.deadlines(&pacer, [100, 90, 100, 900, 910, .max]) == [1_000, 1_000, 1_000, 1_050, 1_060, 1_110])
        #expect(pacer.backwards == 1)
        #expect(pacer.gapsClamped == 2)
    }

    @Test func timesFarApartSaturate() {
        var pacer = Self.pacer(.captured(speed: 0.001))
        #expect(Self.deadlines(&pacer, [.min, .max]) == [1_000, .max])
    }

    @Test func theNextPassBeginsWhereTheLastOneEnded() {
        var pacer = Self.pacer()
        _ = Self.deadlines(&pacer, [0, 40])
        pacer.beginPass()
        #expect(Self.deadlines(&pacer, [0, 40]) == [1_040, 1_080])
        var paced = Self.pacer(.rate(1e9))
        _ = Self.deadlines(&paced, [0, 40])
        paced.beginPass()
        #expect(Self.deadlines(&paced, [0, 40]) == [1_002, 1_003])
    }

    @Test func nothingIsSentBeforeItsTime() {
        var pacer = Self.pacer()
        #expect(pacer.decide(5_000, now: 4_999) == .wait(until: 5_000))
        #expect(pacer.decide(5_000, now: 5_000) == .send)
        var top = Self.pacer(.topSpeed)
        #expect(top.decide(5_000, now: 0) == .send)
    }

    @Test func whoIsLateCatchesUpAsTold() {
        func late(_ policy: PacingOptions.CatchUp) -> (decision: Pacer.Decision, pacer: Pacer, next: Int64) {
            var options = PacingOptions()
            options.catchUp = policy
            options.tolerance = .nanoseconds(10)
            var pacer = Pacer(options, startingAt: 0)
            let deadline = pacer.deadline(of: 0)
            #expect(pacer.decide(deadline, now: 10) == .send)
            let decision = pacer.decide(deadline, now: 300)
            let next = pacer.deadline(of: 100)
            return (decision, pacer, next)
        }
        let burst = late(.burst)
        #expect(burst.decision == .send && burst.next == 100)
        let skip = late(.skip)
        #expect(skip.decision == .skip && skip.next == 100 && skip.pacer.skipped == 1)
        let shift = late(.shift)
        #expect(shift.decision == .send && shift.next == 400 && shift.pacer.shifted == 300)
    }

    @Test func answersHaveATimeOnlyAtTheCapturesOwnSpeed() {
        var pacer = Self.pacer()
        #expect(pacer.dueTime(ofAnswerAt: 5) == nil)
        _ = pacer.deadline(of: 10)
        #expect(pacer.dueTime(ofAnswerAt: 15) == 1_005)
        #expect(pacer.deadline(of: 20) == 1_010)
        var fast = Self.pacer(.captured(speed: 2))
        _ = fast.deadline(of: 10)
        #expect(fast.dueTime(ofAnswerAt: 15) == nil)
    }
}

@Suite struct LatenessHistogramTests {
    @Test func quantilesAreKeptToAThirtySecond() {
        var histogram = LatenessHistogram()
        for value in 1...10_000 { histogram.record(Int64(value) * 1_000) }
        for share in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let exact = share * 10_000_000
            let found = Double(histogram.quantile(share).wholeNanoseconds)
            #expect(found >= exact && found <= exact * (1 + 1.0 / 32))
        }
        #expect(histogram.quantile(1) == .nanoseconds(10_000_000))
        #expect(histogram.maximum == 10_000_000)
        #expect(histogram.count == 10_000)
    }

    @Test func theExtremesHaveAPlace() {
        var histogram = LatenessHistogram()
        #expect(histogram.quantile(0.5) == .zero)
        histogram.record(-5)
        histogram.record(.max)
        #expect(histogram.quantile(0.5) == .zero)
        #expect(histogram.quantile(1) == .nanoseconds(Int64.max))
    }
}

@Suite struct PacedCaptureTests {
    private static func items(
        _ capture: TestCapture, passes: Int = 1, filter: String? = nil
    ) throws -> (texts: [String], source: PacedCapture) {
        let bytes = capture.bytes
        let source = try PacedCapture(as: .server(port: 53), filter: filter, passes: passes) {
            () throws(CaptureError) in try CaptureReader(bytes: bytes)
        }
        var texts: [String] = []
        while let item = try source.next() {
            texts.append((item.isAnswer ? "<" : ">") + String(decoding: item.payload, as: UTF8.self))
        }
        return (texts, source)
    }

    @Test func requestsAndAnswersComeInTheOrderOfTheCapture() throws {
        let capture = TestCapture()
        try capture.add("a")
        try capture.answer("A")
        try capture.add("other", from: TestCapture.client, to: address("192.0.2.9:99"))
        try capture.add("b")
        let (texts, source) = try Self.items(capture)
        #expect(texts == [">a", "<A", ">b"])
        #expect(source.elsewhere == 1)
        #expect(source.records.total == 4)
    }

    @Test func eachPassIsTheWholeCapture() throws {
        let capture = TestCapture()
        try capture.add("a")
        try capture.answer("A")
        let (texts, source) = try Self.items(capture, passes: 3)
        #expect(texts == [">a", "<A", ">a", "<A", ">a", "<A"])
        #expect(source.passes == 3)
    }

    @Test func aCaptureWithoutRequestsIsReadOnce() throws {
        let capture = TestCapture()
        try capture.answer("A")
        #expect(try Self.items(capture, passes: 1_000_000).source.passes == 1)
    }

    @Test func whatTheFilterRefusesIsCounted() throws {
        let capture = TestCapture()
        try capture.add("a")
        try capture.answer("A")
        let (texts, source) = try Self.items(capture, filter: "dst port 53")
        #expect(texts == [">a"])
        #expect(source.records[.filtered] == 1)
    }
}
