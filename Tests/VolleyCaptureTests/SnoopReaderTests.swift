import Testing
import VolleyWire

@testable import VolleyCapture

@Suite struct SnoopReaderTests {
    private static func header(version: UInt32 = 2, medium: UInt32 = 4) -> CaptureBytes {
        var file = CaptureBytes(isBigEndian: true)
        file.put(Array("snoop\0\0\0".utf8))
        file.put(version)
        file.put(medium)
        return file
    }

    private static func record(
        _ packet: [UInt8], original: UInt32? = nil, length: UInt32? = nil, captured: UInt32? = nil,
        in file: inout CaptureBytes
    ) {
        let padding = -packet.count & 3
        for word in [
            original ?? UInt32(packet.count), captured ?? UInt32(packet.count),
            length ?? UInt32(24 + packet.count + padding), 9, 1_700_000_000, 123_456,
        ] as [UInt32] { file.put(word) }
        file.padded(packet)
    }

    @Test func recordsAreReadWithTheirPadding() throws {
        var file = Self.header()
        Self.record([1, 2, 3], original: 60, in: &file)
        Self.record([4, 5, 6, 7], in: &file)
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(
            records == [
                RecordCopy(bytes: [1, 2, 3], time: 1_700_000_000_123_456_000, linkType: .ethernet, original: 60),
                RecordCopy(bytes: [4, 5, 6, 7], time: 1_700_000_000_123_456_000, linkType: .ethernet, original: 4),
            ])
        #expect(try CaptureReader(bytes: file.bytes).format == .snoop)
        // The padding of the last record may be missing.
        var short = Self.header()
        Self.record([1], in: &short)
        #expect(readAll(Array(short.bytes.dropLast(3))).records.map(\.bytes) == [[1]])
    }

    @Test(arguments: [(0, 1), (2, 6), (8, 10)] as [(UInt32, UInt32)])
    func mediaHaveTheirLinkTypes(medium: UInt32, linkType: UInt32) {
        var file = Self.header(medium: medium)
        Self.record([], in: &file)
        #expect(readAll(file.bytes).records.map(\.linkType.rawValue) == [linkType])
    }

    @Test func unknownVersionsAndMediaAreNamed() {
        #expect(readAll(Self.header(version: 3).bytes).error?.message.contains("version 3") == true)
        #expect(readAll(Self.header(medium: 7).bytes).error?.message.contains("datalink type 7") == true)
        #expect(readAll(Array(Self.header().bytes.dropLast())).error?.code == .truncated)
        #expect(readAll(Array("snooper, and more of it".utf8)).error?.code == .notACapture)
    }

    @Test func damageNamesRecordAndOffset() throws {
        func damage(_ fill: (inout CaptureBytes) -> Void) throws -> CaptureError {
            var file = Self.header()
            Self.record([1, 2, 3, 4], in: &file)
            fill(&file)
            let (records, error) = readAll(file.bytes)
            #expect(records.count == 1)
            #expect(error?.record == 2)
            #expect(error?.byteOffset == 44)
            return try #require(error)
        }
        #expect(try damage { $0.put([1, 2]) }.code == .truncated)
        #expect(try damage { Self.record([1], length: 20, in: &$0) }.code == .corrupt)
        #expect(try damage { Self.record([1], captured: 5, in: &$0) }.code == .corrupt)
        #expect(try damage { Self.record([1], length: 0x4000_0000, in: &$0) }.code == .corrupt)
        #expect(try damage { Self.record([1], length: 100, captured: 70, in: &$0) }.code == .truncated)
    }

    @Test func everyChangedByteIsReadToItsEnd() {
        var file = Self.header()
        for _ in 0..<3 { Self.record(DamagedCaptureTests.packet, in: &file) }
        for offset in file.bytes.indices {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff] as [UInt8] {
                var changed = file.bytes
                changed[offset] = value
                let outcome = CaptureOutcome(bytes: changed)
                #expect(outcome.accounting.total == outcome.records)
            }
        }
    }
}
