import Glibc
import Testing
import VolleyWire

@testable import VolleyCapture

/// Files of many times the reader's buffer, so that records and blocks lie across its end.
@Suite struct LongFileTests {
    @Test(arguments: [CaptureFormat.pcapMicroseconds, .pcapNanoseconds, .pcapng])
    func recordsAcrossTheEndOfTheBufferAreRead(format: CaptureFormat) throws {
        let path = "/tmp/volley-test-\(UInt64.random(in: 0...UInt64.max)).capture"
        // SAFETY: the string is a C string for the length of the call.
        defer { unsafe unlink(path) }
        let writer = try CaptureWriter(path: path, format: format)
        let memory = CaptureWriter(inMemory: format)
        var lengths = (0..<3_000).map { $0 * 7 % 1_501 }
        // The longest packet there is, which with its header is longer than the buffer.
        lengths.insert(CaptureWriter.packetLengthMax, at: 1_000)
        for (number, length) in lengths.enumerated() {
            let packet = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length)
            let comment = number % 5 == 0 ? "packet \(number)" : nil
            try writer.write(packet, at: Int64(number) * 1_000, comment: comment)
            try memory.write(packet, at: Int64(number) * 1_000, comment: comment)
        }
        try writer.close()
        #expect(ReferenceCaptures.readFile(path) == memory.bytes)

        var reader = try CaptureReader(path: path)
        var records: [RecordCopy] = []
        try readAll(&reader, into: &records)
        #expect(records.map(\.bytes.count) == lengths)
        #expect(records == readAll(memory.bytes).records)
        #expect(reader.byteOffset == Int64(memory.bytes.count))
        #expect(reader.recordCount == lengths.count)
    }

    @Test(arguments: [CaptureFormat.pcapMicroseconds, .pcapng])
    func damageFarIntoAFileIsPlacedExactly(format: CaptureFormat) throws {
        let path = "/tmp/volley-test-\(UInt64.random(in: 0...UInt64.max)).capture"
        // SAFETY: the string is a C string for the length of the call.
        defer { unsafe unlink(path) }
        let writer = try CaptureWriter(path: path, format: format)
        for number in 0..<1_000 as Range<Int64> {
            try writer.write([UInt8](repeating: 1, count: 1_000), at: number)
        }
        try writer.close()
        let whole = try #require(ReferenceCaptures.readFile(path))
        let lastLength = format == .pcapng ? 1_032 : 1_016
        // SAFETY: the string is a C string for the length of the call.
        let status = unsafe truncate(path, whole.count - 10)
        #expect(status == 0)
        let outcome = CaptureOutcome(path: path)
        #expect(outcome.records == 999)
        #expect(outcome.error?.code == .truncated)
        #expect(outcome.error?.byteOffset == Int64(whole.count - lastLength))
        #expect(outcome.error?.record == (format == .pcapng ? nil : 1_000))
        #expect(outcome.error?.block == (format == .pcapng ? 1_002 : nil))
    }
}
