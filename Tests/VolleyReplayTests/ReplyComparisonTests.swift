import Testing
import VolleyCapture

@testable import VolleyReplay

@Suite struct ReplyComparisonTests {
    private static func replay(
        _ capture: TestCapture, _ options: ReplayOptions = ReplayOptions(), _ probe: Probe? = nil
    ) throws -> ReplyComparison {
        let protocolObject = probe ?? Probe()
        if probe == nil { protocolObject.answers = true }
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { protocolObject }
        #expect(report.isBalanced)
        return try #require(report.replies)
    }

    @Test func theSameBytesAreIdenticalWhateverTheirTimes() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("b", at: 1)
        try capture.answer("re:a", at: 900)
        try capture.answer("re:b", at: 2_000)
        let replies = try Self.replay(capture)
        #expect(replies.identical == 2)
        #expect(replies.isIdentical)
        #expect(replies.differences.isEmpty)
    }

    @Test func otherBytesAreDifferentAndShown() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.answer("re:A", at: 5)
        let replies = try Self.replay(capture)
        #expect(replies.different == 1)
        #expect(replies.identical + replies.missing + replies.extra == 0)
        let difference = try #require(replies.differences.first)
        #expect(difference.kind == .different)
        #expect(difference.record == 2)
        #expect(difference.time.nanosecondsSinceEpoch == TestCapture.origin + 5)
        #expect(difference.local == TestCapture.server)
        #expect(difference.peer == TestCapture.client)
        #expect(
            difference.description
                == "different, record 2, 192.0.2.1:53 to 198.51.100.7:40000, expected 72653a41, got 72653a61")
    }

    @Test func whatTheProtocolDoesNotSendIsMissing() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.answer("re:a", at: 5)
        let replies = try Self.replay(capture, ReplayOptions(), Probe())
        #expect(replies.missing == 1)
        #expect(replies.differences.first?.kind == .missing)
        #expect(replies.differences.first?.expected == Array("re:a".utf8))
        #expect(replies.differences.first?.actual == nil)
        #expect(!replies.isIdentical)
    }

    @Test func whatTheCaptureDoesNotHoldIsExtra() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.answer("re:a", at: 5)
        try capture.add("b", at: 9)
        let replies = try Self.replay(capture)
        #expect(replies.identical == 1)
        #expect(replies.extra == 1)
        let difference = try #require(replies.differences.first)
        #expect(difference.kind == .extra)
        #expect(difference.record == nil)
        #expect(difference.time.nanosecondsSinceEpoch == TestCapture.origin + 9)
        #expect(difference.actual == Array("re:b".utf8))
    }

    @Test func aCapturedReplyMayComeBeforeTheProtocolsOwn() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.answer("late", at: 5)
        try capture.add("b", at: 9)
        let probe = Probe()
        let bytes = Array("late".utf8)
        probe.onMade = { probe in
            probe.transport?.eventLoop.callLater(.nanoseconds(7)) {
                probe.transport?.send(bytes, to: TestCapture.client)
            }
        }
        #expect(try Self.replay(capture, ReplayOptions(), probe).identical == 1)
    }

    @Test func flowsAreComparedApartAndEachInItsOrder() throws {
        let other = address("198.51.100.8:40000")
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("x", at: 1, from: other)
        try capture.add("b", at: 2)
        // The peers' answers come in another order than their requests; those of one peer do not.
        try capture.add("re:x", at: 3, from: TestCapture.server, to: other)
        try capture.answer("re:a", at: 4)
        try capture.answer("re:b", at: 5)
        #expect(try Self.replay(capture).identical == 3)

        let swapped = TestCapture()
        try swapped.add("a", at: 0)
        try swapped.add("b", at: 1)
        try swapped.answer("re:b", at: 2)
        try swapped.answer("re:a", at: 3)
        #expect(try Self.replay(swapped).different == 2)
    }

    @Test(arguments: [1, 2, 3, 9, 10])
    func aRunThatEndsEarlyStillGetsTheCapturedReplies(_ count: Int) throws {
        // Three requests before three answers, so that the captured ones come when all has been delivered.
        let capture = TestCapture()
        for number in 0..<10 {
            try capture.add("\(number)", at: Int64(number) * 100)
            if number % 3 == 2 {
                for answer in number - 2...number { try capture.answer("re:\(answer)", at: Int64(number) * 100 + 50) }
            }
        }
        try capture.answer("re:9", at: 2_000)
        var options = ReplayOptions()
        options.datagramsMax = count
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.datagrams.received == count && report.isBalanced)
        let replies = try #require(report.replies)
        #expect(replies.identical == count && replies.isIdentical, "\(replies)")
        #expect(report.warnings.isEmpty)
    }

    @Test func whatTheCaptureNeverAnswersIsExtraInAnEarlyEndToo() throws {
        let capture = TestCapture()
        for number in 0..<3 { try capture.add("\(number)", at: Int64(number)) }
        try capture.answer("other", at: 50)
        // Beyond the time that is looked at.
        try capture.answer("re:1", at: 20_000_000_000)
        var options = ReplayOptions()
        options.datagramsMax = 2
        let replies = try Self.replay(capture, options)
        #expect(replies.different == 1 && replies.extra == 1 && replies.identical + replies.missing == 0)
    }

    @Test func onlyTheFirstDifferencesAreKept() throws {
        let capture = TestCapture()
        for index in 0..<5 { try capture.add("\(index)", at: Int64(index)) }
        var options = ReplayOptions()
        options.differencesMax = 2
        let replies = try Self.replay(capture, options)
        #expect(replies.extra == 5)
        #expect(replies.differences.map(\.actual) == [Array("re:0".utf8), Array("re:1".utf8)])
    }

    @Test func withoutCapturedRepliesThatIsSaid() throws {
        let capture = TestCapture()
        try capture.add("a")
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(report.warnings.contains { $0.contains("no replies were compared") })
    }

    @Test func comparisonCanBeSwitchedOff() throws {
        let capture = TestCapture()
        try capture.answer("a")
        var options = ReplayOptions()
        options.comparesReplies = false
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { Probe() }
        #expect(report.replies == nil)
        #expect(report.datagrams.captured == 1)
    }

    @Test(arguments: [(3, 1_000), (1_000, 12)])
    func theOldestAreGivenUpWhenThereAreTooMany(_ datagrams: Int, _ bytes: Int) {
        var matcher = ReplyMatcher(differencesMax: 10, outstandingMax: datagrams, outstandingBytesMax: bytes)
        let flow = ReplyMatcher.Flow(local: TestCapture.server, peer: TestCapture.client)
        let payloads = (0..<5).map { Array("abc\($0)".utf8) }
        for payload in payloads { matcher.sent(RawSpan(payload.span), flow, time: 0) }
        let third = payloads[2]
        matcher.captured(RawSpan(third.span), flow, record: 1, time: 1)
        let result = matcher.finish()
        #expect(result.evicted == 2)
        #expect(result.identical == 1)
        #expect(result.extra == 4)
        #expect(result.differences.compactMap(\.actual) == [payloads[0], payloads[1], payloads[3], payloads[4]])
    }

    @Test func aLongRunOfPairsKeepsNothing() {
        // One place serves all pairs: if it did not, the limit of one would evict.
        var matcher = ReplyMatcher(differencesMax: 10, outstandingMax: 1)
        let payload = Array("x".utf8)
        for number in 0..<1_000 {
            let peer = SocketAddress(IPAddress(v4: UInt32(number)), port: 9)
            let flow = ReplyMatcher.Flow(local: TestCapture.server, peer: peer)
            matcher.sent(RawSpan(payload.span), flow, time: 0)
            matcher.captured(RawSpan(payload.span), flow, record: number + 1, time: 0)
        }
        let result = matcher.finish()
        #expect(result.identical == 1_000)
        #expect(result.isIdentical && result.evicted == 0)
    }
}
