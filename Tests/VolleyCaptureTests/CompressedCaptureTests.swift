import Foundation
import Glibc
import SystemPackage
import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

/// Compressed captures, with the programs that make them.
@Suite(.needs("gzip", "zstd", "lz4", "xz", "bzip2"))
struct CompressedCaptureTests {
    static let programs = ["gzip", "zstd", "lz4", "xz", "bzip2"]

    /// Packets that do not compress, so that the pipes between the programs fill up.
    static func capture(records: Int, length: Int) -> [UInt8] {
        var random = UInt64(11)
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        for number in 0..<records {
            var packet = [UInt8](repeating: 0, count: length)
            for index in packet.indices {
                random = random &* 6_364_136_223_846_793_005 &+ 1
                packet[index] = UInt8(truncatingIfNeeded: random >> 56)
            }
            file.pcapRecord(seconds: UInt32(number), fraction: 0, packet)
        }
        return file.bytes
    }

    private func compress(_ bytes: [UInt8], _ programs: [String], in scratch: Scratch) throws -> String {
        let plain = try scratch.write(bytes, to: "plain")
        let packed = scratch.file("packed")
        let line = programs.map { "\($0) -c" }.joined(separator: " | ")
        try #require(Scratch.run("cat \(plain) | \(line) > \(packed)"))
        return packed
    }

    private func records(of reader: consuming CaptureReader) -> (records: [RecordCopy], error: CaptureError?) {
        var reader = reader
        var records: [RecordCopy] = []
        do throws(CaptureError) {
            try readAll(&reader, into: &records)
        } catch {
            return (records, error)
        }
        return (records, nil)
    }

    @Test(arguments: programs)
    func aCompressedFileReadsAsTheFileItself(program: String) throws {
        let scratch = try Scratch()
        let whole = Self.capture(records: 700, length: 1_400)
        let packed = try compress(whole, [program], in: scratch)
        let expected = readAll(whole).records
        #expect(expected.count == 700)
        let fromFile = try records(of: CaptureReader(path: packed))
        #expect(fromFile.error == nil)
        #expect(fromFile.records == expected)
        let bytes = try #require(ReferenceCaptures.readFile(packed))
        let fromMemory = try records(of: CaptureReader(bytes: bytes))
        #expect(fromMemory.error == nil)
        #expect(fromMemory.records == expected)
    }

    @Test(arguments: programs)
    func aCompressedPipeIsDecompressedAsItComes(program: String) throws {
        let scratch = try Scratch()
        let whole = Self.capture(records: 700, length: 1_400)
        let bytes = try #require(ReferenceCaptures.readFile(compress(whole, [program], in: scratch)))
        let pipe = try FileDescriptor.pipe()
        Thread.detachNewThread {
            // In small pieces, the first of which is less than what tells the format.
            for start in stride(from: 0, to: bytes.count, by: 50_001) {
                _ = try? pipe.writeEnd.writeAll(bytes[start..<min(start + 1, bytes.count)])
                _ = try? pipe.writeEnd.writeAll(bytes[min(start + 1, bytes.count)..<min(start + 50_001, bytes.count)])
            }
            try? pipe.writeEnd.close()
        }
        let read = try records(of: CaptureReader(descriptor: pipe.readEnd, name: "a pipe"))
        try pipe.readEnd.close()
        #expect(read.error == nil)
        #expect(read.records == readAll(whole).records)
    }

    @Test func compressionsMayLieOverEachOther() throws {
        let scratch = try Scratch()
        let whole = Self.capture(records: 300, length: 1_400)
        for programs in [["gzip", "zstd"], ["xz", "gzip", "lz4"]] {
            let packed = try compress(whole, programs, in: scratch)
            let fromFile = try records(of: CaptureReader(path: packed))
            #expect(fromFile.error == nil)
            #expect(fromFile.records == readAll(whole).records)
            let fromMemory = try records(of: CaptureReader(bytes: #require(ReferenceCaptures.readFile(packed))))
            #expect(fromMemory.records == fromFile.records)
        }
        let packed = try compress(whole, [String](repeating: "gzip", count: 5), in: scratch)
        #expect(CaptureOutcome(path: packed).error?.code == .limitExceeded)
    }

    @Test(arguments: programs)
    func aCutCompressedFileIsReadAsFarAsItGoes(program: String) throws {
        let scratch = try Scratch()
        let whole = Self.capture(records: 3_000, length: 1_400)
        let bytes = try #require(ReferenceCaptures.readFile(compress(whole, [program], in: scratch)))
        let cut = try scratch.write(Array(bytes.dropLast(bytes.count / 200)), to: "cut")
        let fromMemory = try records(of: CaptureReader(bytes: Array(bytes.dropLast(bytes.count / 200))))
        for read in [try records(of: CaptureReader(path: cut)), fromMemory] {
            let error = try #require(read.error)
            #expect(error.code == .decompressionFailed)
            #expect(error.record == read.records.count + 1)
            // Nothing is written of a block that is not whole, and those of lz4 have 4 MiB.
            #expect(read.records.count > 1_000)
            #expect(read.records == Array(readAll(whole).records.prefix(read.records.count)))
            #expect(error.description.contains("cannot be decompressed any further: \(program)"), "\(error)")
        }
    }

    @Test func theDecompressorEndsWithTheReader() throws {
        let scratch = try Scratch()
        let packed = try compress(Self.capture(records: 3_000, length: 1_400), ["gzip"], in: scratch)
        let pipe = try FileDescriptor.pipe()
        defer { for end in [pipe.readEnd, pipe.writeEnd] { try? end.close() } }
        // This pipe stays open: whoever waits for all of its bytes waits for ever.
        // Enough for the program to begin: it fills its own buffer first. F_SETPIPE_SZ makes room for that.
        try #require(fcntl(pipe.writeEnd.rawValue, 1_031, 1 << 20) >= 1_000_000)
        try pipe.writeEnd.writeAll(#require(ReferenceCaptures.readFile(packed)).prefix(1_000_000))
        func readOne(_ reader: consuming CaptureReader) throws -> Int32 {
            var reader = reader
            #expect(try reader.advance())
            let process = try #require(reader.input.decompressor?.processID)
            #expect(kill(process, 0) == 0)
            return process
        }
        for process in [
            try readOne(CaptureReader(path: packed)),
            try readOne(CaptureReader(descriptor: pipe.readEnd, name: "a pipe")),
        ] {
            #expect(kill(process, 0) == -1)
            #expect(errno == ESRCH)
        }
    }

    @Test func aDecompressorIsReapedAtTheEndOfTheFile() throws {
        let scratch = try Scratch()
        let packed = try compress(Self.capture(records: 3, length: 10), ["gzip"], in: scratch)
        var reader = try CaptureReader(path: packed)
        let process = try #require(reader.input.decompressor?.processID)
        while try reader.advance() {}
        #expect(reader.recordCount == 3)
        #expect(kill(process, 0) == -1)
        #expect(errno == ESRCH)
    }

    @Test func aMissingProgramIsNamedWithItsPackage() {
        var input = InputBuffer(bytes: [1, 2, 3])
        let unknown = Compression(name: "nothing", program: "volley-no-such-program", debianPackage: "none")
        var failure: InputFailure?
        do throws(InputFailure) {
            _ = try input.decompress(unknown)
        } catch {
            failure = error
        }
        #expect(failure?.missing == unknown)
    }

    @Test func memoryDoesNotGrowWithTheFile() throws {
        let scratch = try Scratch()
        let path = scratch.file("large.pcap")
        let writer = try CaptureWriter(path: path, format: .pcapNanoseconds)
        let packet = [UInt8](repeating: 7, count: 1_200)
        for number in 0..<50_000 { try writer.write(RawSpan(packet.span), at: Int64(number)) }
        try writer.close()
        try #require(Scratch.run("zstd -q '\(path)'"))
        var reader = try CaptureReader(path: path + ".zst")
        var count = 0
        while try reader.advance() { count += 1 }
        #expect(count == 50_000)
        #expect(unsafe reader.input.memory.count == 256 * 1024)
        #expect(reader.byteOffset == Int64(try #require(ReferenceCaptures.readFile(path + ".zst")).count))
    }

    @Test func whatIsLeftOfAPlainPipeIsNotWaitedFor() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        file.pcapRecord(seconds: 1, fraction: 0, [1])
        let pipe = try FileDescriptor.pipe()
        defer { try? pipe.readEnd.close() }
        try pipe.writeEnd.writeAll(file.bytes)
        var reader = try CaptureReader(descriptor: pipe.readEnd, name: "a pipe")
        #expect(try reader.advance())
        for second in 2..<5 as Range<UInt32> {
            var more = CaptureBytes(isBigEndian: false)
            more.pcapRecord(seconds: second, fraction: 0, [2])
            try pipe.writeEnd.writeAll(more.bytes)
            #expect(try reader.advance())
        }
        try pipe.writeEnd.close()
        #expect(try !reader.advance())
        #expect(reader.recordCount == 4)
    }
}
