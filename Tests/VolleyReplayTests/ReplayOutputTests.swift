import Testing
import VolleyCapture
import VolleyReplay
import VolleyWire

@Suite struct ReplayOutputTests {
    private static func capture() throws -> [UInt8] {
        let capture = TestCapture()
        for index in 0..<200 {
            let peer = address("198.51.100.\(index % 7 + 1):\(40_000 + index % 11)")
            try capture.add("\(index)", at: Int64(index / 3) * 1_000, from: peer)
        }
        try capture.add("six", at: 70_000, from: address("[2001:db8::7]:1"), to: address("[2001:db8::1]:53"))
        return capture.bytes
    }

    private static func output(of capture: [UInt8]) throws -> [UInt8] {
        let writer = CaptureWriter(inMemory: .pcapng)
        var options = ReplayOptions()
        options.output = writer
        let probe = Probe()
        probe.answers = true
        probe.onText = { probe, text in
            guard text == "100" else { return }
            probe.transport?.eventLoop.callLater(.nanoseconds(77)) {
                probe.transport?.send(Array("timer".utf8), to: TestCapture.client)
            }
        }
        _ = try Replay(bytes: capture, as: .server(port: 53), options: options).run { probe }
        return writer.bytes
    }

    @Test func twoRunsGiveTheSameBytes() throws {
        let capture = try Self.capture()
        let first = try Self.output(of: capture)
        #expect(first.count > 200 * 60)
        #expect(try Self.output(of: capture) == first)
    }

    @Test func theOutputHoldsWhatWasSentAtItsVirtualTime() throws {
        var reader = try CaptureReader(bytes: Self.output(of: Self.capture()))
        var times: [Int64] = []
        var accounting = RecordAccounting()
        var lines: [String] = []
        while let record = try reader.next() {
            let frame = record.decode()
            accounting.count(frame)
            times.append(record.timestampNanoseconds - TestCapture.origin)
            let text = String(decoding: Array(copying: frame.payload(in: record.bytes)), as: UTF8.self)
            lines.append("\(frame.source) \(frame.destination) \(text)")
        }
        #expect(accounting[.delivered] == 202)
        #expect(times == times.sorted())
        #expect(lines.first == "192.0.2.1:53 198.51.100.1:40000 re:0")
        #expect(lines.last == "[2001:db8::1]:53 [2001:db8::7]:1 re:six")
        let timer = try #require(lines.firstIndex { $0.hasSuffix("timer") })
        #expect(times[timer] == 33_077)
    }

    @Test func theOutputReplayedAgainstTheInputIsIdentical() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("b", at: 5)
        let tap = CaptureTap()
        var options = ReplayOptions()
        options.tap = tap
        let first = Probe()
        first.answers = true
        _ = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { first }
        try tap.close()
        #expect(tap.written == 4)
        let second = Probe()
        second.answers = true
        let report = try Replay(bytes: tap.bytes, as: .server(port: 53)).run { second }
        #expect(report.replies?.identical == 2)
        #expect(report.replies?.isIdentical == true)
        #expect(second.log == first.log)
    }

    @Test func anOutputThatCannotBeWrittenIsAnErrorAndTheProtocolIsClosed() throws {
        var options = ReplayOptions()
        options.output = try CaptureWriter(path: "/dev/full")
        let capture = try Self.capture()
        let probe = Probe()
        probe.answers = true
        let failure = #expect(throws: CaptureError.self) {
            try Replay(bytes: capture, as: .server(port: 53), options: options).run { probe }
        }
        #expect(failure?.code == .writeFailed)
        #expect(probe.log.last?.hasPrefix("lost") == true)
    }

    @Test func progressIsToldWithTheCapturesTime() throws {
        let writer = CaptureWriter(inMemory: .pcapNanoseconds)
        let payload: [UInt8] = [0]
        for index in 0..<131_073 {
            try writer.writeDatagram(
                RawSpan(payload.span), from: TestCapture.client, to: TestCapture.server, at: Int64(index))
        }
        var options = ReplayOptions()
        var seen: [ReplayProgress] = []
        options.progress = { seen.append($0) }
        let report = try Replay(bytes: writer.bytes, as: .server(port: 53), options: options).run { Probe() }
        #expect(seen.map(\.records) == [65_536, 131_072])
        #expect(seen.map(\.elapsed) == [.nanoseconds(65_535), .nanoseconds(131_071)])
        #expect(report.statistics.received == 131_073)
    }
}
