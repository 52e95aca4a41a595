import Testing
import VolleyWire

@testable import VolleyCapture

@Suite struct PcapReaderTests {
    @Test(arguments: [true, false])
    func microsecondsInBothByteOrders(isBigEndian: Bool) {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.pcapHeader()
        file.pcapRecord(seconds: 1_700_000_000, fraction: 123_456, [1, 2, 3])
        file.pcapRecord(seconds: UInt32.max, fraction: 999_999, [4], original: 99)
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(
            records == [
                RecordCopy(bytes: [1, 2, 3], time: 1_700_000_000_123_456_000, linkType: .rawIP, original: 3),
                RecordCopy(bytes: [4], time: 4_294_967_295_999_999_000, linkType: .rawIP, original: 99),
            ])
    }

    @Test(arguments: [true, false])
    func nanosecondsInBothByteOrders(isBigEndian: Bool) throws {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.pcapHeader(magic: 0xa1b2_3c4d, linkType: 1)
        file.pcapRecord(seconds: 1, fraction: 999_999_999, [])
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records == [RecordCopy(bytes: [], time: 1_999_999_999, linkType: .ethernet, original: 0)])
        #expect(try CaptureReader(bytes: file.bytes).format == .pcapNanoseconds)
    }

    @Test(arguments: [true, false])
    func modifiedPcapHasLongerRecordHeaders(isBigEndian: Bool) {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.pcapHeader(magic: 0xa1b2_cd34)
        file.pcapRecord(seconds: 1, fraction: 0, [7, 8], more: [9, 9, 9, 9, 9, 9, 9, 9])
        #expect(readAll(file.bytes).records.map(\.bytes) == [[7, 8]])
    }

    @Test(arguments: [0x1c00_01ac, 0x1c00_01ab] as [UInt32], [true, false])
    func capturesOfIxiasAnalysersHaveNanosecondsAndALongerFileHeader(magic: UInt32, isBigEndian: Bool) throws {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.pcapHeader(magic: magic)
        file.put(18 as UInt32)
        file.pcapRecord(seconds: 1, fraction: 999_999_999, [7, 8])
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records.map(\.time) == [1_999_999_999])
        #expect(records.map(\.bytes) == [[7, 8]])
        #expect(readAll(Array(file.bytes.prefix(26))).error?.code == .truncated)
    }

    @Test func lengthsOfOldVersionsMayBeSwapped() {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader(minor: 3)
        file.pcapRecord(seconds: 0, fraction: 0, [1, 2], captured: 60, original: 2)
        file.pcapRecord(seconds: 0, fraction: 0, [3, 4], captured: 2, original: 60)
        let (records, error) = readAll(file.bytes)
        #expect(error == nil)
        #expect(records.map(\.bytes) == [[1, 2], [3, 4]])
        #expect(records.map(\.original) == [60, 60])
    }

    @Test func bitsAboveTheLinkTypeAreNotPartOfIt() {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader(linkType: 0x2400_0001)
        file.pcapRecord(seconds: 0, fraction: 0, [1])
        #expect(readAll(file.bytes).records.map(\.linkType) == [.ethernet])
    }

    @Test func recordsLongerThanTheBufferAreRead() {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        let long = (0..<900_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        for packet in [[1], long, [2]] as [[UInt8]] { file.pcapRecord(seconds: 0, fraction: 0, packet) }
        #expect(readAll(file.bytes).records.map(\.bytes) == [[1], long, [2]])
    }

    @Test func aRecordCutByTheEndOfTheFileIsNamed() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        file.pcapRecord(seconds: 0, fraction: 0, [1, 2, 3])
        file.pcapRecord(seconds: 0, fraction: 0, [4, 5, 6])
        let (records, error) = readAll(file.bytes.dropLast())
        #expect(records.map(\.bytes) == [[1, 2, 3]])
        let damage = try #require(error)
        #expect(damage.code == .truncated)
        #expect(damage.record == 2)
        #expect(damage.byteOffset == 43)
        #expect(
            damage.description
                == "memory: record 2, byte 43: it claims 3 bytes, but the file ends after 2 of them")
    }

    @Test func aRecordHeaderCutByTheEndOfTheFileIsNamed() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        file.put([0, 0, 0, 0, 0])
        let damage = try #require(readAll(file.bytes).error)
        #expect(damage.code == .truncated)
        #expect(damage.record == 1)
        #expect(damage.message.contains("5 of the 16 bytes"))
    }

    @Test func anImpossibleLengthIsDamage() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        file.pcapRecord(seconds: 0, fraction: 0, [1], captured: .max)
        let damage = try #require(readAll(file.bytes).error)
        #expect(damage.code == .corrupt)
        #expect(damage.byteOffset == 24)
    }

    @Test func anErrorStays() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        file.put([1])
        var reader = try CaptureReader(bytes: file.bytes)
        for _ in 0..<3 {
            var code: CaptureError.Code?
            do throws(CaptureError) {
                _ = try reader.next()
            } catch {
                code = error.code
            }
            #expect(code == .truncated)
        }
    }

    @Test func theEndStays() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        var reader = try CaptureReader(bytes: file.bytes)
        for _ in 0..<3 { #expect(try reader.advance() == false) }
        #expect(reader.recordCount == 0)
        #expect(reader.byteOffset == 24)
    }

    private func readAll(_ bytes: some Sequence<UInt8>) -> (records: [RecordCopy], error: CaptureError?) {
        VolleyCaptureTests.readAll(Array(bytes))
    }
}
