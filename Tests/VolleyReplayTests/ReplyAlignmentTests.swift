import Testing
import VolleyCore

@testable import VolleyReplay

/// Replies that are lacking, too many or changed do not spoil the pairing of the others.
@Suite struct ReplyAlignmentTests {
    /// One change to a sequence of replies.
    private enum Edit: CaseIterable { case delete, insert, change }

    private static let flow = ReplyMatcher.Flow(local: TestCapture.server, peer: TestCapture.client)

    private static func differences(_ comparison: ReplyComparison) -> Int {
        comparison.different + comparison.missing + comparison.extra
    }

    private static func send(_ payload: [UInt8], to matcher: inout ReplyMatcher) {
        matcher.sent(RawSpan(payload.span), flow, time: 0)
    }

    private static func capture(_ payload: [UInt8], record: Int, to matcher: inout ReplyMatcher) {
        matcher.captured(RawSpan(payload.span), flow, record: record, time: 0)
    }

    /// Compares two sequences that come in turns, the sent ones `lead` before the captured ones.
    private static func compare(
        sent: [[UInt8]], captured: [[UInt8]], lead: Int = 1, rules: ReplyRules = ReplyRules()
    ) -> ReplyComparison {
        var matcher = ReplyMatcher(rules: rules, differencesMax: 10)
        for index in min(0, lead)..<max(sent.count, captured.count) + abs(lead) {
            if sent.indices.contains(index) { send(sent[index], to: &matcher) }
            let other = index - lead
            if captured.indices.contains(other) { capture(captured[other], record: other + 1, to: &matcher) }
        }
        return matcher.finish()
    }

    private static func payloads(_ range: Range<Int>) -> [[UInt8]] { range.map { Array("reply \($0)".utf8) } }

    @Test(arguments: [-1_000, -3, 0, 1, 1_000])
    func oneThatIsLackingIsMissingAndTheOthersAreIdentical(_ lead: Int) {
        let all = Self.payloads(0..<1_000)
        var some = all
        some.remove(at: 400)
        let missing = Self.compare(sent: some, captured: all, lead: lead)
        #expect(missing.identical == 999 && missing.missing == 1 && Self.differences(missing) == 1)
        #expect(missing.differences.first?.expected == all[400] && missing.differences.first?.record == 401)
        let extra = Self.compare(sent: all, captured: some, lead: lead)
        #expect(extra.identical == 999 && extra.extra == 1 && Self.differences(extra) == 1)
        #expect(extra.differences.first?.actual == all[400])
    }

    @Test(arguments: [-1_000, 1, 1_000])
    func oneInPlaceOfAnotherIsDifferent(_ lead: Int) {
        let all = Self.payloads(0..<1_000)
        var changed = all
        changed[400] = [0]
        let result = Self.compare(sent: changed, captured: all, lead: lead)
        #expect(result.identical == 999 && result.different == 1 && Self.differences(result) == 1)
        #expect(result.differences.first?.record == 401)
    }

    @Test func aGapAsLongAsAlmostTheWindowIsFound() {
        let all = Self.payloads(0..<2_000)
        let gap = ReplyComparison.window - 1
        for lead in [0, 1, 2_000, -2_000] {
            let result = Self.compare(sent: Array(all[..<700] + all[(700 + gap)...]), captured: all, lead: lead)
            #expect(result.missing == gap && Self.differences(result) == gap && result.evicted == 0)
        }
    }

    @Test func aServiceThatAnswersSomethingElseDiffersInEveryPlace() {
        let result = Self.compare(sent: Self.payloads(0..<5_000), captured: Self.payloads(5_000..<10_000))
        #expect(result.different == 5_000 && Self.differences(result) == 5_000)
    }

    @Test func aFewRepliesAreFoundAmongManyCaptured() {
        let all = Self.payloads(0..<1_000)
        let result = Self.compare(sent: Array(all[200..<205]), captured: all, lead: -1_000)
        #expect(result.identical == 5 && result.missing == 995 && Self.differences(result) == 995)
    }

    @Test func theMaskDecidesWhatIsEqual() {
        let sent = ["1b", "1c", "1d"].map { Array($0.utf8) }
        let captured = ["2a", "2b", "2c", "2d"].map { Array($0.utf8) }
        let result = Self.compare(sent: sent, captured: captured, rules: ReplyRules(ignoring: [0..<1]))
        #expect(result.equalUnderMask == 3 && result.missing == 1 && Self.differences(result) == 1)
    }

    @Test func manyFlowsOfOneDifferenceAreComparedAlsoWhenThereIsNoRoom() {
        var matcher = ReplyMatcher(differencesMax: 0, outstandingMax: 10)
        for number in 0..<1_000 {
            let peer = SocketAddress(IPAddress(v4: UInt32(number)), port: 9)
            let flow = ReplyMatcher.Flow(local: TestCapture.server, peer: peer)
            let (sent, captured): ([UInt8], [UInt8]) = ([1], [2])
            matcher.sent(RawSpan(sent.span), flow, time: 0)
            matcher.captured(RawSpan(captured.span), flow, record: number + 1, time: 0)
        }
        let result = matcher.finish()
        #expect(result.different == 1_000 && Self.differences(result) == 1_000 && result.evicted == 0)
    }

    @Test func whatFaultsLoseIsNotExpected() {
        let all = Self.payloads(0..<300)
        var matcher = ReplyMatcher(differencesMax: 10)
        for payload in all { Self.capture(payload, record: 1, to: &matcher) }
        for _ in 0..<2 { matcher.excuse(Self.flow) }
        for index in all.indices where ![0, 150, 299].contains(index) {
            Self.send(all[index], to: &matcher)
        }
        // Three lack, of which two were lost.
        let result = matcher.finish()
        #expect(result.identical == 297 && result.lostByFaults == 2 && result.missing == 1)
        #expect(result.differences.count == 1 && result.different + result.extra == 0)
    }

    @Test func aRunWithLossIsAcceptedIfEveryReplySentWasRight() throws {
        let capture = TestCapture()
        for index in 0..<1_000 {
            try capture.add("\(index)", at: Int64(index) * 100)
            try capture.answer("re:\(index)", at: Int64(index) * 100 + 50)
        }
        var options = ReplayOptions()
        options.faults = FaultPlan(seed: 3, receiving: .loss(0.01), sending: .loss(0.01))
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        let (replies, faults) = (try #require(report.replies), try #require(report.faults))
        let lost = faults.receiving.lost + faults.sending.lost
        #expect(faults.receiving.lost > 0 && faults.sending.lost > 0)
        #expect(replies.identical == 1_000 - lost && replies.lostByFaults == lost)
        #expect(Self.differences(replies) == 0 && replies.isAccepted)
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func noMoreDifferencesAreReportedThanWereMade(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        // Few payloads that come again and again, or many.
        let kinds = [3, 20, 100_000][Int(seed % 3)]
        let count = kinds == 3 ? ReplyComparison.window - 60 : 3_000
        let captured = (0..<count).map { _ in Array("\(generator.below(UInt64(kinds)))".utf8) }
        var sent: [[UInt8]] = []
        var edits = 0
        for payload in captured {
            guard generator.below(50) == 0, edits < 50 || kinds > 3 else {
                sent.append(payload)
                continue
            }
            edits += 1
            let other = Array("\(generator.below(UInt64(kinds)))".utf8)
            switch try #require(Edit.allCases.randomElement(using: &generator)) {
            case .delete: break
            case .insert: sent += [other, payload]
            case .change: sent.append(other)
            }
        }
        for lead in [-5_000, -1, 0, 1, 40, 5_000] {
            let result = Self.compare(sent: sent, captured: captured, lead: lead)
            #expect(Self.differences(result) <= edits, "lead \(lead)")
            #expect(result.identical + result.different + result.missing == captured.count)
            #expect(result.identical + result.different + result.extra == sent.count)
        }
    }
}
