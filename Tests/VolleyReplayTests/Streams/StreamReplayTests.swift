import Testing
import VolleyCapture
import VolleyCore
import VolleyTesting
import VolleyWire

@testable import VolleyReplay

@Suite("Stream protocols on a capture")
struct StreamReplayTests {
    /// Sends back what comes, and ends when the peer does.
    private final class Echo: StreamProtocol {
        private var transport: (any StreamTransport)?
        func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
        func dataReceived(_ data: RawSpan) { transport?.write(data) }
        func connectionLost(_ error: StreamError?) { transport = nil }
    }

    private static func echoed(_ answer: String) throws -> StreamCapture {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("hello world", at: 0, time: 10)
        try capture.fromServer(answer, at: 0, ack: 11, time: 20)
        return capture
    }

    @Test(
        "what is written is compared with what the capture shows",
        arguments: [
            ("hello world", 11, nil, 0, 0), ("hello", 5, nil, 0, 6), ("hello world!!", 11, nil, 2, 0),
            ("hello World!", 6, 6, 0, 0), ("", 0, nil, 0, 11),
        ] as [(String, Int64, Int64?, Int64, Int64)])
    func comparison(answer: String, identical: Int64, difference: Int64?, missing: Int64, extra: Int64) throws {
        let report = try Self.echoed(answer).replay { Echo() }
        let comparison = try #require(report.connections.first?.comparison)
        #expect(comparison.identicalBytes == identical)
        #expect(comparison.difference?.offset == difference)
        #expect(comparison.missingBytes == missing && comparison.extraBytes == extra)
        #expect(comparison.isIdentical == (answer == "hello world"))
        #expect(report.totals.identical == (answer == "hello world" ? 1 : 0))
        #expect(report.totals.different == (difference == nil ? 0 : 1))
        if let difference = comparison.difference {
            #expect(String(decoding: difference.expected, as: UTF8.self) == "World!")
            #expect(String(decoding: difference.actual, as: UTF8.self) == "world")
            #expect(difference.hexadecimalDiff.first?.hasPrefix("first difference at byte 0") == true)
        }
    }

    @Test func answersThatComeBeforeTheyWereAskedForAreComparedToo() throws {
        let capture = StreamCapture()
        try capture.open()
        // A server that greets, of which the capture lacks four bytes in the middle.
        try capture.fromServer("220 ", at: 0)
        try capture.fromServer("dy\n", at: 8)
        try capture.fromClient("bye", at: 0, ack: 11)
        let log = StreamLog()
        log.onData = { transport, _ in
            transport.write("220")
            transport.write(" reaDY\n")
        }
        // "220 " is the same, the gap takes four bytes whatever they are, and then "dy\n" meets two of them.
        let (_, report) = try capture.record(StreamReplayOptions(), log)
        let comparison = try #require(report.connections.first?.comparison)
        #expect(comparison.unknownBytes == 4 && comparison.identicalBytes == 4)
        #expect(comparison.difference?.offset == 8)
        #expect(report.captured.gaps == 1)
    }

    @Test func aComparisonThatGetsTooFarAheadIsGivenUp() throws {
        var options = StreamReplayOptions()
        options.comparedAheadMax = 10
        let report = try Self.echoed("hello world").replay(options) { Echo() }
        #expect(report.connections.first?.comparison?.isGivenUp == true)
        #expect(report.totals.identical == 0)
        options.comparesWritten = false
        options.keepsWritten = true
        let kept = try Self.echoed("").replay(options) { Echo() }
        #expect(kept.connections.first?.comparison == nil && kept.totals.compared == 0)
        #expect(kept.connections.first.map { String(decoding: $0.written, as: UTF8.self) } == "hello world")
    }

    @Test func theClientsPartCanBeTaken() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("GET", at: 0, time: 1)
        try capture.fromServer("page", at: 0, ack: 3, time: 2)
        try capture.fromServer("", [.fin, .ack], at: 4, ack: 3, time: 3)
        let log = StreamLog()
        log.onMade = { $0.write("GET") }
        let report = try capture.replay(as: .client(StreamCapture.client, connectedTo: StreamCapture.server)) { log }
        #expect(log.log == ["made@0", "page@2", "end@3", "lost@3"])
        #expect(report.totals.identical == 1)
        let every = try capture.replay(as: .everyServer) { StreamLog() }
        #expect(every.connections.first?.local == StreamCapture.server)
        let none = try capture.replay(as: .server(port: 54)) { StreamLog() }
        #expect(none.segments.elsewhere == 6 && none.warnings.count == 1)
    }

    @Test func bytesWaitForAProtocolThatHasPaused() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0, time: 1)
        try capture.fromClient("def", at: 3, time: 2)
        try capture.fromClient("", [.fin, .ack], at: 6, time: 3)
        try capture.fromServer("", [.fin, .ack], at: 0, ack: 7, time: 1_000)
        let log = StreamLog()
        log.onMade = { transport in
            transport.pauseReading()
            transport.eventLoop.callLater(.nanoseconds(500)) { transport.resumeReading() }
        }
        let (_, report) = try capture.record(StreamReplayOptions(), log)
        #expect(log.log == ["made@0", "abcdef@500", "end@500", "lost@500"])
        #expect(report.connections.first?.waitingPeak == 6)
    }

    @Test func tooMuchForAPausedProtocolEndsItsStream() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("abc", at: 0)
        try capture.fromClient("def", at: 3)
        var options = StreamReplayOptions()
        options.receiveBufferSize = 5
        options.drain = .seconds(1)
        let log = StreamLog()
        log.onMade = { transport in
            transport.pauseReading()
            transport.eventLoop.callLater(.nanoseconds(500)) { transport.resumeReading() }
        }
        let (_, report) = try capture.record(options, log)
        #expect(log.log == ["made@0", "abc@500", "lost 105@500"])
        #expect(report.totals.untakenBytes == 3)
    }

    @Test func aProtocolThatClosesGetsNoMore() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("quit", at: 0, time: 1)
        try capture.fromClient("more", at: 4, time: 2)
        let log = StreamLog()
        log.onData = { transport, _ in transport.close() }
        let (_, report) = try capture.record(StreamReplayOptions(), log)
        #expect(log.log == ["made@0", "quit@1", "lost@1"])
        #expect(report.totals.untakenBytes == 4 && report.statistics.bytesReceived == 4)
    }

    @Test func timersRunBetweenSegments() throws {
        let capture = StreamCapture()
        try capture.open()
        try capture.fromClient("a", at: 0, time: 1_000)
        try capture.fromClient("b", at: 1, time: 3_000)
        let log = StreamLog()
        log.onMade = { transport in
            for time in [999, 1_000, 2_000, 3_001] {
                transport.eventLoop.callLater(.nanoseconds(time)) { log.log.append("timer \(time)") }
            }
        }
        _ = try capture.record(StreamReplayOptions(), log)
        #expect(log.log == ["made@0", "timer 999", "a@1000", "timer 1000", "timer 2000", "b@3000", "lost@3000"])
    }

    @Test func bufferedProtocolsReceiveTheSame() throws {
        let capture = StreamCapture()
        try capture.open()
        let text = String(repeating: "0123456789", count: 600)
        try capture.fromClient(text, at: 0)
        try capture.fromClient("", [.fin, .ack], at: 6_000)
        let recorder = RecordingBufferedProtocol(bufferSize: 3)
        let report = try capture.replay { recorder }
        #expect(String(decoding: recorder.received, as: UTF8.self) == text)
        #expect(recorder.losses == 1 && recorder.lossError == nil)
        #expect(report.statistics.reads == 2_000)
    }

    @Test func thereAreNoMoreConnectionsThanMayBe() throws {
        let capture = StreamCapture()
        for index in 0..<100 {
            let client = SocketAddress(StreamCapture.client.ip, port: UInt16(40_000 + index))
            try capture.add([], .syn, 7, from: client, at: Int64(index))
            try capture.add(Array("\(index)".utf8), .ack, 8, from: client, at: Int64(index))
        }
        var options = StreamReplayOptions()
        options.connectionsMax = 16
        options.connectionReportsMax = 10
        var logs: [StreamLog] = []
        let report = try capture.replay(options) {
            logs.append(StreamLog())
            return logs[logs.count - 1]
        }
        #expect(report.totals.connections == 100 && report.connections.map(\.number) == Array(1...10))
        #expect(report.totals.evicted >= 84 && report.totals.incomplete == 100)
        #expect(logs.map { String(decoding: $0.received, as: UTF8.self) } == (0..<100).map { "\($0)" })
        #expect(logs.allSatisfy { $0.transport == nil })
    }

    @Test func badChecksumsCountOnRequest() throws {
        var options = StreamReplayOptions()
        options.checksums = .verify
        let report = try Self.echoed("hello world").replay(options) { Echo() }
        #expect(report.segments.badChecksum == report.segments.total && report.totals.connections == 0)
    }

    @Test func aDamagedCaptureIsReplayedUpToTheDamage() throws {
        let capture = try Self.echoed("hello world")
        let log = StreamLog()
        let report = try StreamReplay(bytes: capture.bytes.dropLast(3), as: .server(port: 53)).run { log }
        #expect(report.damage != nil && log.received.count == 11)
        var options = StreamReplayOptions()
        options.filter = "no such filter"
        #expect(throws: CaptureError.self) { try capture.replay(options) { Echo() } }
        options.filter = "tcp and src port 53"
        #expect(try capture.replay(options) { Echo() }.records[.filtered] == 3)
    }

    @Test func theListOfCountersIsComplete() {
        // Every counter but the one of missing bytes is an Int of eight bytes.
        let size = MemoryLayout<StreamReassemblyCounts>.size
        #expect(size == (StreamReassemblyCounts.counters.count + 1) * 8)
    }
}

extension StreamReplay {
    fileprivate init(bytes: ArraySlice<UInt8>, as role: ReplayRole) throws(CaptureError) {
        try self.init(bytes: Array(bytes), as: role)
    }
}
