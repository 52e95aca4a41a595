import Testing
import VolleyWire

@testable import VolleyCapture

/// What a reader reads all the same, and tells of.
@Suite struct ReaderWarningTests {
    /// The warnings when all is read, and the number of records.
    private func read(_ reader: consuming CaptureReader) throws -> (warnings: [String], records: Int) {
        while try reader.next() != nil {}
        return (reader.warnings, reader.recordCount)
    }

    private func read(_ bytes: [UInt8]) throws -> (warnings: [String], records: Int) {
        try read(CaptureReader(bytes: bytes, name: "it"))
    }

    @Test(arguments: [true, false])
    func soundFilesGiveNoWarning(isBigEndian: Bool) throws {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.section()
        file.interface(101)
        file.enhancedPacket(time: 0, [1])
        #expect(try read(file.bytes).warnings == [])
        var pcap = CaptureBytes(isBigEndian: isBigEndian)
        pcap.pcapHeader()
        pcap.pcapRecord(seconds: .max, fraction: 999_999, [1])
        #expect(try read(pcap.bytes).warnings == [])
    }

    @Test(arguments: [true, false])
    func sectionsOfUnknownVersionsAreReadAndTold(isBigEndian: Bool) throws {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.section()
        file.section(major: 9)
        file.interface(101)
        file.enhancedPacket(time: 0, [1])
        let first = try read(file.bytes)
        #expect(first.records == 1)
        #expect(
            first.warnings == [
                "it: block 2, a pcapng section: version 9.0 is not known, and was read as if it were version 1"
            ])
        file.section(major: 0)
        file.section(major: 2)
        let more = try read(file.bytes).warnings
        #expect(more.count == 1)
        #expect(more.first?.hasSuffix("version 1, like 2 more sections") == true, "\(more)")
    }

    @Test func timesBeyondSixtyFourBitsAreClampedAndCounted() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.section()
        file.interface(101, options: [(9, [9])])
        file.interface(101)
        // The last nanosecond there is fits; the next does not.
        file.enhancedPacket(interface: 0, time: UInt64(Int64.max), [1])
        #expect(try read(file.bytes).warnings == [])
        file.enhancedPacket(interface: 0, time: UInt64(Int64.max) + 1, [2])
        file.enhancedPacket(interface: 1, time: .max, [3])
        file.enhancedPacket(interface: 1, time: 1, [4])
        let found = try read(file.bytes)
        #expect(found.records == 4)
        #expect(found.warnings.count == 1)
        #expect(found.warnings.first?.hasPrefix("it: 2 time stamps lie outside of the years 1677 to 2262") == true)
    }

    @Test func offsetsBringTimesBack() {
        var resolution = TimestampResolution.microseconds
        resolution.setResolution(option: 9)
        resolution.offsetSeconds = -9_000_000_000
        #expect(resolution.nanoseconds(9_500_000_000_000_000_000) == 500_000_000_000_000_000)
        #expect(!resolution.isClamped(9_500_000_000_000_000_000))
        resolution.offsetSeconds = .min
        #expect(resolution.isClamped(.max))
    }

    @Test(.needs("gzip"))
    func whatGzipIgnoresIsTold() throws {
        let scratch = try Scratch()
        let plain = try scratch.write(CompressedCaptureTests.capture(records: 3, length: 40), to: "plain")
        let (packed, odd, twice) = (scratch.file("packed"), scratch.file("odd"), scratch.file("twice"))
        try #require(Scratch.run("gzip -c \(plain) > \(packed); (cat \(packed); echo rubbish) > \(odd)"))
        try #require(Scratch.run("gzip -c \(odd) > \(twice)"))
        #expect(try read(CaptureReader(path: packed)).warnings == [])
        for path in [odd, twice] {
            let found = try read(CaptureReader(path: path))
            #expect(found.records == 3)
            #expect(found.warnings.count == 1)
            #expect(found.warnings.first?.hasPrefix("\(path): decompressed with a warning: ") == true)
            #expect(found.warnings.first?.contains("trailing garbage ignored") == true, "\(found.warnings)")
        }
        let merged = try read(CaptureReader(paths: [odd, packed, odd]))
        #expect(merged.records == 9)
        #expect(merged.warnings.count == 2)
    }
}
