import SystemPackage
import Testing

@testable import VolleyCapture

@Suite struct OpeningTests {
    private func failure(_ bytes: [UInt8]) -> CaptureError? { readAll(bytes).error }

    @Test func anEmptyFileIsCalledEmpty() {
        #expect(failure([])?.description == "memory: the file is empty")
    }

    @Test func otherFilesAreNoCaptures() {
        for text in ["#!/bin/sh\necho", "{}", "x", "GIF89a.........................."] {
            #expect(failure(Array(text.utf8))?.code == .notACapture)
        }
        #expect(failure(hex("0a0d0d0a 0000001c 00000000 00000000"))?.code == .notACapture)
        #expect(failure(Array("snoop\0\0\0".utf8))?.code == .truncated)
    }

    @Test func aFileHeaderCutByTheEndIsTruncated() {
        #expect(failure(hex("d4c3b2a1 0200"))?.code == .truncated)
        #expect(failure(hex("0a0d0d0a 1c000000"))?.code == .truncated)
    }

    @Test func aMissingFileAndADirectoryAreNamed() {
        let missing = CaptureOutcome(path: "/nonexistent/capture.pcap").error
        #expect(missing?.code == .cannotOpen)
        #expect(missing?.errno == .noSuchFileOrDirectory)
        #expect(missing?.description.hasPrefix("/nonexistent/capture.pcap: cannot open: ") == true)
        let directory = CaptureOutcome(path: "/").error
        #expect(directory?.code == .readFailed)
        #expect(directory?.errno == .isDirectory)
    }

    @Test func aPipeIsReadPieceByPiece() throws {
        var file = CaptureBytes(isBigEndian: false)
        file.pcapHeader()
        for number in 0..<5 as Range<UInt8> { file.pcapRecord(seconds: UInt32(number), fraction: 0, [number]) }
        let pipe = try FileDescriptor.pipe()
        defer { try? pipe.readEnd.close() }
        // Small enough for the pipe to hold, so that writing first cannot block.
        try pipe.writeEnd.writeAll(file.bytes)
        try pipe.writeEnd.close()
        var reader = try CaptureReader(descriptor: pipe.readEnd, name: "a pipe")
        var records: [RecordCopy] = []
        try readAll(&reader, into: &records)
        #expect(records.map(\.bytes) == [[0], [1], [2], [3], [4]])
        #expect(reader.name == "a pipe")
    }
}
