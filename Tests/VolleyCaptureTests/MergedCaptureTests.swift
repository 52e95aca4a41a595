import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

@Suite struct MergedCaptureTests {
    /// A record of a file: its time, and bytes that are its own.
    private struct Entry {
        var time: Int64
        var bytes: [UInt8]
    }

    private func write(
        _ entries: [Entry], to name: String, _ format: CaptureFormat, in scratch: Scratch
    ) throws -> String {
        let writer = try CaptureWriter(path: scratch.file(name), format: format, linkType: .ethernet)
        for entry in entries {
            let comment = entry.time % 3 == 0 ? "\(entry.time)" : nil
            try writer.write(RawSpan(entry.bytes.span), at: entry.time, comment: comment)
        }
        try writer.close()
        return writer.name
    }

    private func readMerged(_ paths: [String]) throws -> (records: [RecordCopy], error: CaptureError?) {
        var records: [RecordCopy] = []
        var reader = try CaptureReader(paths: paths)
        do throws(CaptureError) {
            try readAll(&reader, into: &records)
        } catch {
            return (records, error)
        }
        return (records, nil)
    }

    /// What has to come out: always the earliest of the heads, and of equal ones that of the first file.
    private func merge(_ files: [[Entry]]) -> [Entry] {
        var rests = files.map { $0[...] }
        var merged: [Entry] = []
        func time(_ file: Int) -> Int64 { rests[file].first?.time ?? .max }
        while let next = rests.indices.min(by: { time($0) < time($1) }), !rests[next].isEmpty {
            merged.append(rests[next].removeFirst())
        }
        return merged
    }

    @Test(arguments: 0..<12)
    func whatComesOutIsTheMergeOfWhatGoesIn(seed: Int) throws {
        var random = UInt64(seed) &* 77 &+ 5
        func next(_ below: Int) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(random >> 33) % below
        }
        let scratch = try Scratch()
        var files: [[Entry]] = []
        var paths: [String] = []
        for file in 0..<1 + next(9) {
            var time: Int64 = 1_000_000
            var entries: [Entry] = []
            for number in 0..<next(300) {
                // Many equal times, and in some files times that go backwards.
                time += Int64(next(4)) * 1_000 - (seed % 3 == 0 && next(9) == 0 ? 5_000 : 0)
                let length = next(20) == 0 ? next(60_000) : next(60)
                let name = [UInt8(file), UInt8(number & 255)]
                entries.append(Entry(time: time, bytes: name + [UInt8](repeating: 3, count: length)))
            }
            files.append(entries)
            paths.append(
                try write(entries, to: "\(file)", [.pcapng, .pcapMicroseconds, .pcapNanoseconds][next(3)], in: scratch))
        }
        let (records, error) = try readMerged(paths)
        let expected = merge(files)
        #expect(error == nil)
        #expect(records.map(\.time) == expected.map(\.time))
        #expect(records.map(\.bytes) == expected.map(\.bytes))
    }

    @Test func recordsStayInPlaceAsLongAsIsPromised() throws {
        let scratch = try Scratch()
        var paths: [String] = []
        for file in 0..<3 {
            let entries = (0..<2_000).map { number in
                let bytes = [UInt8](repeating: UInt8(number & 255), count: (number * 7 + file) % 900)
                return Entry(time: Int64(number), bytes: bytes)
            }
            paths.append(try write(entries, to: "\(file)", .pcapng, in: scratch))
        }
        var reader = try CaptureReader(paths: paths)
        var batch: [(offset: Int, bytes: [UInt8])] = []
        var (longest, batches) = (0, 0)
        while true {
            if !reader.nextStaysInPlace() {
                batch.removeAll()
                batches += 1
            }
            guard try reader.advance() else { break }
            let range = reader.current.bytesOffset..<reader.current.bytesOffset + reader.current.bytesLength
            batch.append((range.lowerBound, [UInt8](copying: reader.input.bytes.extracting(range))))
            longest = max(longest, batch.count)
            for entry in batch.suffix(40) {
                let place = entry.offset..<entry.offset + entry.bytes.count
                try #require([UInt8](copying: reader.input.bytes.extracting(place)) == entry.bytes)
            }
        }
        #expect(reader.recordCount == 6_000)
        #expect(longest > 400)
        #expect(batches > 5)
    }

    @Test func commentsInterfacesAndLinkTypesAreThoseOfTheFile() throws {
        let scratch = try Scratch()
        var first = CaptureBytes(isBigEndian: true)
        first.section()
        first.interface(101)
        first.interface(1)
        first.enhancedPacket(interface: 1, time: 5, [1], options: [(1, Array("late".utf8)), (2, [0, 0, 0, 2])])
        var second = CaptureBytes(isBigEndian: false)
        second.pcapHeader(linkType: 113)
        second.pcapRecord(seconds: 0, fraction: 4, [2])
        let paths = [try scratch.write(first.bytes, to: "a"), try scratch.write(second.bytes, to: "b")]
        let (records, error) = try readMerged(paths)
        #expect(error == nil)
        #expect(
            records == [
                RecordCopy(bytes: [2], time: 4_000, linkType: .linuxSLL, original: 1),
                RecordCopy(
                    bytes: [1], time: 5_000, linkType: .ethernet, original: 1, interface: 1, direction: .outbound,
                    comment: "late"),
            ])
    }

    @Test func aDamagedFileCostsTheOthersNothing() throws {
        let scratch = try Scratch()
        let entries = (0..<5).map { Entry(time: Int64($0) * 1_000, bytes: [UInt8($0)]) }
        let whole = try write(entries, to: "whole", .pcapng, in: scratch)
        let bytes = try #require(ReferenceCaptures.readFile(whole))
        let cut = try scratch.write(bytes.dropLast(3), to: "cut")
        let one = try readMerged([cut, whole])
        #expect(one.records.count == 9)
        #expect(one.error?.code == .truncated)
        #expect(one.error?.file == cut)

        let shorter = try scratch.write(bytes.dropLast(50), to: "shorter")
        let two = try readMerged([cut, whole, shorter])
        #expect(two.error?.code == .severalDamaged)
        #expect(two.records.count == 12)
        for name in [cut, shorter] { #expect(two.error?.description.contains(name) == true) }
        #expect(two.error?.description.hasPrefix("3 files: 2 are damaged: ") == true)
    }

    @Test func aFileThatIsNoCaptureIsRefusedAtOnce() throws {
        let scratch = try Scratch()
        let whole = try write([], to: "whole", .pcapng, in: scratch)
        let other = try scratch.write(Array("hello".utf8), to: "other")
        let error = #expect(throws: CaptureError.self) { _ = try self.readMerged([whole, other]) }
        #expect(error?.code == .notACapture)
        #expect(error?.file == other)
        #expect(throws: CaptureError.self) { _ = try self.readMerged([]) }
    }

    @Test func patternsStandForFilesInAlphabeticalOrder() throws {
        let scratch = try Scratch()
        for name in ["b.pcap", "a.pcap", "c.txt", "[x].pcap"] { _ = try scratch.write([1], to: name) }
        let folder = scratch.path
        #expect(
            try CapturePaths.expand(["\(folder)/[ab].pcap", "-"]) == ["\(folder)/a.pcap", "\(folder)/b.pcap", "-"])
        #expect(try CapturePaths.expand(["\(folder)/[x].pcap"]) == ["\(folder)/[x].pcap"])
        #expect(try CapturePaths.expand(["nowhere"]) == ["nowhere"])
        let error = #expect(throws: CaptureError.self) { try CapturePaths.expand(["\(folder)/*.none"]) }
        #expect(error?.code == .cannotOpen)
        #expect(error?.file == "\(folder)/*.none")
    }
}
