import Testing
import VolleyCore
import VolleyWire

@testable import VolleyReplay

@Suite("TCP streams put together")
struct StreamReassemblyTests {
    private static func text(_ log: StreamLog) -> String { String(decoding: log.received, as: UTF8.self) }

    @Test func aConnectionFromSYNToFINMakesTheCallbacksAtTheirTimes() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("hello ", at: 0, time: 10)
        try capture.fromClient("world", at: 6, time: 20)
        try capture.fromClient("", [.fin, .ack], at: 11, time: 30)
        try capture.fromServer("", [.fin, .ack], at: 0, ack: 12, time: 40)
        let (log, report) = try capture.record()
        #expect(log.log == ["made@0", "hello @10", "world@20", "end@30", "lost@30"])
        #expect(report.totals.connections == 1 && report.totals.closed == 1)
        #expect(report.received.bytes == 11 && report.received.deliveredBytes == 11)
        #expect(report.segments.received == 5 && report.segments.captured == 2 && report.segments.total == 7)
        #expect(report.records[.notUDP] == 7)
        #expect(report.connections.first?.ending == .closed)
    }

    @Test func retransmittedBytesComeOnceAndAreCounted() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0)
        try capture.fromClient("abc", at: 0)
        try capture.fromClient("bc", at: 1)
        try capture.fromClient("def", at: 3)
        let (log, report) = try capture.record()
        #expect(Self.text(log) == "abcdef")
        #expect(report.received.retransmissions == 2 && report.received.retransmittedBytes == 5)
        #expect(report.received.outOfOrder == 0 && report.received.gaps == 0)
    }

    @Test func ofOverlappingBytesTheFirstToComeStay() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abcd", at: 0)
        try capture.fromClient("XXef", at: 2)
        try capture.fromClient("ijkl", at: 8)
        try capture.fromClient("YghZZZZmn", at: 5)
        let (log, report) = try capture.record()
        #expect(Self.text(log) == "abcdefghijklmn")
        #expect(report.received.overlaps == 2)
        #expect(report.received.overlappingBytes == 2 + 1 + 4)
        #expect(report.received.outOfOrder == 1)
    }

    @Test func whatIsOutOfOrderWaitsForWhatComesBefore() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("ghi", at: 6, time: 1)
        try capture.fromClient("", [.fin, .ack], at: 9, time: 2)
        try capture.fromClient("def", at: 3, time: 3)
        try capture.fromClient("def", at: 3, time: 3)
        try capture.fromClient("abc", at: 0, time: 4)
        let (log, report) = try capture.record()
        #expect(log.log == ["made@0", "abcdefghi@4", "end@4", "lost@4"])
        #expect(report.received.outOfOrder == 2 && report.received.retransmissions == 1)
        #expect(report.received.missingBytes == 0)
    }

    @Test func sequenceNumbersWrapAround() throws {
        let capture = StreamCapture()
        let start: UInt32 = 0xffff_fffd
        try capture.add([], .syn, start)
        try capture.add(Array("cd".utf8), .ack, start &+ 3)
        try capture.add(Array("ab".utf8), .ack, start &+ 1)
        try capture.add(Array("efgh".utf8), [.ack, .fin], start &+ 5)
        let (log, report) = try capture.record()
        #expect(log.log == ["made@0", "abcd@0", "efgh@0", "end@0", "lost@0"])
        #expect(report.received.outOfOrder == 1)
    }

    @Test func aGapEndsTheStreamOrIsLeftOut() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0, time: 1)
        try capture.fromClient("ghi", at: 6, time: 2)
        // The server has what the capture lacks.
        try capture.fromServer("", at: 0, ack: 9, time: 3)
        try capture.fromClient("jkl", at: 9, time: 1_000)
        let (ended, report) = try capture.record()
        #expect(ended.log == ["made@0", "abc@1", "lost 103@1000"])
        #expect(report.received.gaps == 1 && report.received.missingBytes == 3)
        #expect(report.totals.untakenBytes == 6)
        #expect(report.warnings.contains { $0.contains("lacks 3 bytes") })
        var options = StreamReplayOptions()
        options.gaps = .goOn
        options.gapPatience = .nanoseconds(500)
        let (log, goesOn) = try capture.record(options)
        #expect(log.log == ["made@0", "abc@1", "ghijkl@1000", "lost@1000"])
        #expect(goesOn.received.missingBytes == 3 && goesOn.totals.untakenBytes == 0)
    }

    @Test func anAcknowledgementCapturedBeforeTheDataIsNoGap() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("def", at: 3, time: 1)
        try capture.fromServer("", at: 0, ack: 6, time: 2)
        try capture.fromClient("abc", at: 0, time: 3)
        let (log, report) = try capture.record()
        #expect(Self.text(log) == "abcdef")
        #expect(report.received.gaps == 0)
    }

    @Test func bytesThatWereNotCapturedAreAGapUnlessTheyComeAgain() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abcdef", at: 0, cutting: 3)
        try capture.fromClient("ghi", at: 6)
        try capture.fromClient("def", at: 3)
        try capture.fromClient("jklmno", at: 9, cutting: 4)
        let (log, report) = try capture.record()
        #expect(Self.text(log) == "abcdefghijk")
        #expect(report.received.cut == 2 && report.received.gaps == 1 && report.received.missingBytes == 4)
        #expect(log.log.last == "lost 103@0")
    }

    @Test func aResetEndsTheStreamAfterWhatCameBefore() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0, time: 1)
        try capture.fromClient("", .rst, at: -5, time: 2)
        try capture.fromClient("", .rst, at: 3, time: 3)
        let (log, report) = try capture.record()
        #expect(log.log == ["made@0", "abc@1", "lost 104@3"])
        #expect(report.totals.resetByPeer == 1 && report.totals.resetsIgnored == 1)
    }

    @Test func aSideThatIsEndedMayStillBeWrittenTo() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("question", at: 0, time: 1)
        try capture.fromClient("", [.fin, .ack], at: 8, time: 2)
        try capture.fromServer("answer", at: 0, ack: 9, time: 3)
        try capture.fromServer("", [.fin, .ack], at: 6, ack: 9, time: 4)
        let log = StreamLog()
        log.keepsOpen = true
        log.onEnd = { transport in
            transport.write("answer")
            transport.writeEOF()
        }
        let (_, report) = try capture.record(StreamReplayOptions(), log)
        #expect(log.log == ["made@0", "question@1", "end@2", "lost@4"])
        #expect(report.totals.identical == 1 && report.totals.compared == 1)
        #expect(report.connections.first?.hasWrittenEnd == true)
    }

    @Test func keepAlivesAndWindowProbesBringNothingTwice() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0)
        try capture.fromClient("", at: 2)
        try capture.fromClient("?", at: 2)
        try capture.fromServer([], at: 0, ack: 3, window: 0)
        try capture.fromClient("d", at: 3)
        try capture.fromServer([], at: 0, ack: 3)
        try capture.fromClient("def", at: 3)
        let (log, report) = try capture.record()
        #expect(Self.text(log) == "abcdef")
        #expect(report.received.keepAlives == 2 && report.received.windowProbes == 1)
    }

    @Test func dataMayComeWithTheSYN() throws {
        let capture = StreamCapture()
        try capture.add(Array("fast ".utf8), .syn, StreamCapture.clientStart, at: 1)
        try capture.fromServer("", [.syn, .ack], at: -1, ack: 5, time: 2)
        try capture.fromClient("open", at: 5, time: 3)
        let (log, _) = try capture.record()
        #expect(log.log == ["made@0", "fast @0", "open@2", "lost@2"])
    }

    @Test func aConnectionIsPickedUpMidstreamOnlyOnRequest() throws {
        let capture = StreamCapture()
        try capture.fromServer("", at: 100, ack: 50)
        try capture.fromClient("abc", at: 50, ack: 100)
        try capture.fromClient("zzabcd", at: 48, ack: 100)
        let (refused, without) = try capture.record()
        #expect(refused.log.isEmpty && without.segments.withoutBeginning == 3)
        #expect(without.warnings.contains { $0.contains("midstream") })
        var options = StreamReplayOptions()
        options.picksUpMidstream = true
        let (log, report) = try capture.record(options)
        #expect(Self.text(log) == "abcd")
        #expect(report.received.earlierBytes == 2 && report.totals.midstream == 1)
        #expect(report.segments.withoutBeginning == 1)
    }

    @Test func anotherConnectionOfTheSameAddressesIsANewOne() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("one", at: 0)
        try capture.add([], .syn, 500_000)
        try capture.add(Array("two".utf8), .ack, 500_001)
        try capture.add([], .syn, 500_000)
        var logs: [StreamLog] = []
        let report = try capture.replay {
            logs.append(StreamLog())
            return logs[logs.count - 1]
        }
        #expect(logs.map(Self.text) == ["one", "two"])
        #expect(report.connections.map(\.number) == [1, 2] && report.totals.incomplete == 2)
    }

    @Test func whatWaitsBehindAGapIsBounded() throws {
        let capture = StreamCapture()
        try capture.open()
        for index in 0..<100 {
            try capture.fromClient("0123456789", at: 10 + 20 * index)
        }
        var options = StreamReplayOptions()
        options.gaps = .goOn
        options.reorderBytesMax = 10 * (10 + 64)
        let log = StreamLog()
        let (_, report) = try capture.record(options, log)
        #expect(log.received.count == 1_000)
        #expect(report.received.gaps == 100 && report.received.missingBytes == 1_000)
        options.reorderBytesMax = 1 << 20
        options.reorderBytesTotalMax = 10 * (10 + 64)
        let (other, _) = try capture.record(options)
        #expect(other.received == log.received)
    }

    @Test func aSegmentFarAheadOfAnyWindowIsLeftOut() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0)
        try capture.fromClient("far", at: (1 << 30) + 4)
        try capture.fromClient("def", at: 3)
        let (log, report) = try capture.record()
        #expect(Self.text(log) == "abcdef")
        #expect(report.received.outOfWindow == 1 && report.received.strayBytes == 3 && report.received.gaps == 0)
    }
}
