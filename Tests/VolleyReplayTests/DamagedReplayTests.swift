import Testing
import VolleyCapture
import VolleyReplay
import VolleyWire

@Suite struct DamagedReplayTests {
    @Test(arguments: [CaptureFormat.pcapng, .pcapNanoseconds])
    func whatComesBeforeTheDamageIsReplayed(_ format: CaptureFormat) throws {
        let capture = TestCapture(format)
        for index in 0..<3 { try capture.add("\(index)", at: Int64(index)) }
        let bytes = Array(capture.bytes.dropLast(7))
        let probe = Probe()
        let report = try Replay(bytes: bytes, as: .server(port: 53)).run { probe }
        #expect(probe.log == ["made@0", "0@0", "1@1", "lost@1"])
        #expect(report.damage?.code == .truncated)
        #expect(report.records.total == 2)
        #expect(report.isBalanced)
    }

    @Test func aFileThatIsNoCaptureIsAnError() {
        #expect(throws: CaptureError.self) { _ = try Replay(bytes: [1, 2, 3, 4], as: .server(port: 53)) }
        #expect(throws: CaptureError.self) { _ = try Replay(capture: "/nonexistent.pcap", as: .server(port: 53)) }
    }

    @Test func everyCutOfACaptureEndsInAReport() throws {
        let capture = TestCapture()
        for index in 0..<3 { try capture.add("\(index)", at: Int64(index)) }
        for length in 28...capture.bytes.count {
            let report = try Replay(bytes: Array(capture.bytes.prefix(length)), as: .server(port: 53)).run { Probe() }
            #expect(report.isBalanced)
            #expect(report.records.total <= 3)
        }
    }

    @Test func recordsThatAreNoDatagramsAreCountedByClass() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        let garbage: [[UInt8]] = [[], [0x45], [0x60, 0, 0], Array(repeating: 0xff, count: 60)]
        for bytes in garbage { try writer.write(RawSpan(bytes.span), at: 5) }
        let report = try Replay(bytes: writer.bytes, as: .server(port: 53)).run { Probe() }
        #expect(report.records.total == 4)
        #expect(report.records[.delivered] == 0)
        #expect(report.isBalanced)
        #expect(!report.warnings.isEmpty)
    }

    @Test func aRecordWithoutTimeStampDoesNotMoveTheClock() throws {
        // A simple packet block, written by hand, before the first record that has a time.
        let capture = TestCapture()
        try capture.add("timed", at: 0)
        let all = capture.bytes
        let blocks = all[..<(28 + 32)]
        let packet = all[(28 + 32 + 28)..<(all.count - 4 - 3)]
        let padded = (packet.count + 3) & ~3
        var simple: [UInt8] = [3, 0, 0, 0]
        let length = UInt32(16 + padded)
        func put(_ value: UInt32) { for shift in [0, 8, 16, 24] { simple.append(UInt8(value >> shift & 0xff)) } }
        put(length)
        put(UInt32(packet.count))
        simple += packet
        simple += [UInt8](repeating: 0, count: padded - packet.count)
        put(length)
        let probe = Probe()
        let bytes = Array(blocks) + simple + Array(all[(28 + 32)...])
        let report = try Replay(bytes: bytes, as: .server(port: 53)).run { probe }
        #expect(report.damage == nil, "\(report.damage.map { "\($0)" } ?? "")")
        #expect(probe.log == ["made@0", "timed@0", "timed@0", "lost@0"])
        #expect(report.timeSpan?.lowerBound.nanosecondsSinceEpoch == TestCapture.origin)
    }
}
