import Testing
import VolleyCore

@testable import VolleyReplay

@Suite struct ReplyRulesTests {
    private static func compare(
        _ rules: ReplyRules, sent: [(String, Int64)], captured: [(String, Int64)]
    ) -> ReplyComparison {
        var matcher = ReplyMatcher(rules: rules, differencesMax: 10)
        let flow = ReplyMatcher.Flow(local: TestCapture.server, peer: TestCapture.client)
        for (index, (text, time)) in captured.enumerated() {
            let bytes = Array(text.utf8)
            matcher.captured(RawSpan(bytes.span), flow, record: index + 1, time: 1_000 + time, due: time)
        }
        for (text, time) in sent {
            let bytes = Array(text.utf8)
            matcher.sent(RawSpan(bytes.span), flow, time: time)
        }
        return matcher.finish()
    }

    @Test func aKeyPairsWhateverTheOrder() {
        let (sent, captured) = ([("2b", Int64(0)), ("1a", 0)], [("1a", Int64(0)), ("2b", 0)])
        #expect(Self.compare(ReplyRules(), sent: sent, captured: captured).different == 2)
        #expect(Self.compare(ReplyRules(key: [0..<1]), sent: sent, captured: captured).identical == 2)
    }

    @Test func aKeyThatNobodyElseHasLeavesBothWithoutPartner() {
        let result = Self.compare(ReplyRules(key: [0..<1]), sent: [("1a", 0)], captured: [("2a", 0)])
        #expect(result.missing == 1 && result.extra == 1 && result.different == 0)
    }

    @Test func whoIsTooShortForTheKeyGoesByOrder() {
        let result = Self.compare(
            ReplyRules(key: [4..<6]), sent: [("x", 0), ("abcdEF", 0)], captured: [("abcdEF", 0), ("y", 0)])
        #expect(result.identical == 1 && result.different == 1)
        #expect(result.withoutKey == 2)
        #expect(result.warnings.count == 1 && result.warnings[0].hasPrefix("2 replies, captured or sent, have no key"))
    }

    @Test func aKeyBeyondEveryPayloadLeavesAllToTheirOrderAndIsToldOf() throws {
        let capture = TestCapture()
        for (index, text) in ["a", "b", "c"].enumerated() {
            try capture.add(text, at: Int64(index) * 10)
            try capture.answer("re:" + text, at: Int64(index) * 10 + 5)
        }
        var options = ReplayOptions()
        options.replyRules = ReplyRules(key: [100..<102])
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.replies?.identical == 3 && report.replies?.withoutKey == 6)
        #expect(report.warnings.contains { $0.hasPrefix("6 replies") })
        options.replyRules = ReplyRules(key: [3..<4])
        let keyed = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run {
            let probe = Probe()
            probe.answers = true
            return probe
        }
        #expect(keyed.replies?.identical == 3 && keyed.replies?.withoutKey == 0 && keyed.warnings.isEmpty)
    }

    @Test func whatTheMaskCoversMayDifferButNothingElse() {
        let rules = ReplyRules(ignoring: [1..<3])
        #expect(Self.compare(rules, sent: [("aXYd", 0)], captured: [("abcd", 0)]).equalUnderMask == 1)
        #expect(Self.compare(rules, sent: [("aXYe", 0)], captured: [("abcd", 0)]).different == 1)
        #expect(Self.compare(rules, sent: [("aXY", 0)], captured: [("abcd", 0)]).different == 1)
        let same = Self.compare(rules, sent: [("abcd", 0)], captured: [("abcd", 0)])
        #expect(same.identical == 1 && same.isIdentical)
        let masked = Self.compare(rules, sent: [("aXYd", 0)], captured: [("abcd", 0)])
        #expect(masked.isAccepted && !masked.isIdentical)
    }

    @Test func aMaskMayChangeTheLength() {
        var rules = ReplyRules()
        rules.mask = { bytes in bytes.removeAll { $0 == UInt8(ascii: " ") } }
        #expect(Self.compare(rules, sent: [("a b", 0)], captured: [("ab", 0)]).equalUnderMask == 1)
    }

    @Test func lateRepliesAreFoundByTheirDueTime() throws {
        let rules = ReplyRules(lateAfter: .nanoseconds(10))
        let result = Self.compare(
            rules, sent: [("a", 110), ("b", 211), ("c", 0)], captured: [("a", 100), ("b", 200), ("c", 300)])
        #expect(result.identical == 3)
        #expect(result.late == 1)
        #expect(result.latenessMax == .nanoseconds(11))
        #expect(!result.isAccepted)
        let difference = try #require(result.differences.first)
        #expect(difference.kind == .late && difference.lateness == .nanoseconds(11) && difference.record == 2)
        #expect(difference.time.nanosecondsSinceEpoch == 1_200)
    }

    @Test func aCodecSaysWhatDiffers() throws {
        var rules = ReplyRules()
        rules.describe = { "\($0.byteCount) bytes" }
        let result = Self.compare(rules, sent: [("abc", 0)], captured: [("ab", 0)])
        #expect(result.differences.first?.details == ["expected: 2 bytes", "got: 3 bytes"])
    }

    @Test func rulesApplyOffline() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.answer("RE:a", at: 5)
        var options = ReplayOptions()
        options.replyRules = ReplyRules(ignoring: [0..<2])
        let probe = Probe()
        probe.answers = true
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.replies?.equalUnderMask == 1)
    }

    @Test(
        arguments: [
            ("abc", "abd", ["first difference at byte 2", "- 0000  61 62 63", "+ 0000  61 62 64"]),
            (
                "ab", "abc",
                ["first difference at byte 2, expected 2 bytes and got 3", "- 0000  61 62", "+ 0000  61 62 63"]
            ),
            ("same", "same", []),
        ])
    func theDiffBeginsWhereTheyDiffer(_ expected: String, _ actual: String, _ lines: [String]) {
        let diff = HexadecimalDiff(expected: Array(expected.utf8), actual: Array(actual.utf8)).lines
        #expect(diff.count == lines.count)
        for (line, beginning) in zip(diff, lines) { #expect(line.hasPrefix(beginning)) }
    }

    @Test func theDiffShowsTwoRowsFromTheOneThatDiffers() {
        var other = [UInt8](repeating: 0x41, count: 100)
        let bytes = other
        other[40] = 0
        let lines = HexadecimalDiff(expected: bytes, actual: other).lines
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("- 0020  41") && lines[1].hasSuffix("AAAAAAAAAAAAAAAA"))
        #expect(lines[2].hasPrefix("+ 0020  41") && lines[2].hasSuffix("AAAAAAAA.AAAAAAA"))
    }
}
