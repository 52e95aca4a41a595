import SystemPackage
import Testing
import VolleyCore
import VolleyWire

@testable import VolleyCapture

extension CaptureWriter {
    /// Writes a packet given as bytes.
    func write(
        _ packet: [UInt8], at time: Int64, originalLength: Int? = nil, interface: Int = 0,
        direction: PacketDirection = .unknown, comment: String? = nil
    ) throws(CaptureError) {
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        try unsafe write(
            packet.span.bytes, at: time, originalLength: originalLength, interface: interface,
            direction: direction, comment: comment)
    }
}

@Suite struct CaptureWriterTests {
    static let time: Int64 = 1_700_000_000_123_456_789

    @Test(arguments: [
        (CaptureFormat.pcapMicroseconds, 1_700_000_000_123_456_000 as Int64), (.pcapNanoseconds, time), (.pcapng, time),
    ])
    func whatIsWrittenIsRead(format: CaptureFormat, expectedTime: Int64) throws {
        let writer = CaptureWriter(inMemory: format, linkType: .ethernet)
        let packets = (0..<70).map { [UInt8](repeating: UInt8($0), count: $0) }
        for packet in packets { try writer.write(packet, at: Self.time, originalLength: packet.count + 1) }
        try writer.close()
        let (records, error) = readAll(writer.bytes)
        #expect(error == nil)
        #expect(
            records
                == packets.map {
                    RecordCopy(bytes: $0, time: expectedTime, linkType: .ethernet, original: $0.count + 1)
                })
        #expect(writer.packetCount == 70)
        #expect(try CaptureReader(bytes: writer.bytes).format == format)
    }

    @Test func pcapngKeepsInterfacesDirectionsAndComments() throws {
        let writer = CaptureWriter(inMemory: .pcapng, linkType: .rawIP)
        #expect(try writer.addInterface(linkType: .ethernet, name: "eth0") == 1)
        try writer.write([1], at: 0, direction: .inbound, comment: "dropped by the fault model")
        try writer.write([2, 2], at: 1, interface: 1, direction: .outbound)
        #expect(try writer.addInterface(linkType: .null) == 2)
        try writer.write([3, 3, 3], at: 2, interface: 2, comment: "")
        try writer.write([4, 4, 4, 4], at: 3)
        let records = readAll(writer.bytes).records
        #expect(records.map(\.linkType) == [.rawIP, .ethernet, .null, .rawIP])
        #expect(records.map(\.direction) == [.inbound, .outbound, .unknown, .unknown])
        #expect(records.map(\.comment) == ["dropped by the fault model", nil, "", nil])
        #expect(records.map(\.time) == [0, 1, 2, 3])
    }

    @Test func theBytesOfPcapngAreTheseAndNoOthers() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        try writer.write([0xab], at: 0x1_0000_0002, direction: .inbound)
        let expected = hex(
            """
            0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000
            01000000 20000000 6500 0000 00000000 0900 0100 09000000 00000000 20000000
            06000000 30000000 00000000 01000000 02000000 01000000 01000000 ab000000 0200 0400 01000000 00000000 30000000
            """)
        #expect(writer.bytes == expected)
    }

    @Test func theBytesOfPcapAreTheseAndNoOthers() throws {
        let writer = CaptureWriter(inMemory: .pcapMicroseconds)
        try writer.write([0xab], at: 1_000_002_999)
        let expected = hex(
            """
            d4c3b2a1 0200 0400 00000000 00000000 00000400 65000000
            01000000 02000000 01000000 01000000 ab
            """)
        #expect(writer.bytes == expected)
    }

    @Test func datagramsAreWrittenAsPacketsWithGoodChecksums() throws {
        let source = SocketAddress(IPAddress(v4: 0xc000_0201), port: 5000)
        let destination = SocketAddress(IPAddress(v4: 0xc633_6402), port: 53)
        let writer = CaptureWriter(inMemory: .pcapng)
        for text in ["hello", "a longer one", ""] {
            let payload = Array(text.utf8)
            // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
            try unsafe writer.writeDatagram(payload.span.bytes, from: source, to: destination, at: 1, comment: text)
        }
        let (records, error) = readAll(writer.bytes)
        #expect(error == nil)
        #expect(records.map(\.comment) == ["hello", "a longer one", ""])
        #expect(
            records[0].bytes
                == hex("4500 0021 0000 4000 4011 4e95 c0000201 c6336402 1388 0035 000d bc0d 68656c6c6f"))
        let outcome = CaptureOutcome(bytes: writer.bytes)
        #expect(outcome.digest.delivered == 3)
        #expect(outcome.digest.payloadBytes == 17)
    }

    @Test func whatAFormatCannotHoldIsRefused() throws {
        let pcap = CaptureWriter(inMemory: .pcapNanoseconds)
        let pcapng = CaptureWriter(inMemory: .pcapng)
        let long = [UInt8](repeating: 0, count: CaptureWriter.packetLengthMax + 1)
        func refused(_ words: String, _ body: () throws -> Void) {
            let error = #expect(throws: CaptureError.self, performing: body)
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        refused("before 1970") { try pcapng.write([1], at: -1) }
        refused("after 2106") { try pcap.write([1], at: 4_294_967_296_000_000_000) }
        refused("no interface 1") { try pcap.write([1], at: 0, interface: 1) }
        refused("no interface -1") { try pcapng.write([1], at: 0, interface: -1) }
        refused("longer than the 262144") { try pcapng.write(long, at: 0) }
        refused("longer than") { try pcapng.write([1], at: 0, originalLength: .max) }
        refused("one interface only") { _ = try pcap.addInterface(linkType: .ethernet) }
        refused("cannot hold") { _ = try pcapng.addInterface(linkType: LinkType(rawValue: 65_536)) }
        refused("comment is too long") {
            try pcapng.write([1], at: 0, comment: String(repeating: "x", count: 65_536))
        }
        refused("families") {
            // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
            try unsafe pcapng.writeDatagram([UInt8](long).span.bytes, from: .unspecified, to: .unspecified, at: 0)
        }
        #expect(pcap.packetCount == 0)
        #expect(readAll(pcapng.bytes).records.isEmpty)
    }

    @Test func aFullDiskIsReported() throws {
        let writer = try CaptureWriter(path: "/dev/full", format: .pcapMicroseconds)
        try writer.write([1, 2, 3], at: 0)
        let error = #expect(throws: CaptureError.self) { try writer.close() }
        #expect(error?.code == .writeFailed)
        #expect(error?.errno == .noSpace)
        #expect(error?.description.hasPrefix("/dev/full: cannot write: ") == true)
    }

    @Test func afterAFailedWriteEveryCallFails() throws {
        let writer = try CaptureWriter(path: "/dev/full", format: .pcapMicroseconds)
        #expect(throws: CaptureError.self) { try writer.flush() }
        let error = #expect(throws: CaptureError.self) { try writer.write([1], at: 0) }
        #expect(error?.code == .writeFailed)
        #expect(throws: CaptureError.self) { try writer.close() }
    }

    @Test func closingTwiceIsFineAndWritingAfterwardsIsNot() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        try writer.close()
        try writer.close()
        let error = #expect(throws: CaptureError.self) { try writer.write([1], at: 0) }
        #expect(error?.code == .closed)
    }

    @Test func aFileThatCannotBeCreatedIsNamed() {
        let error = #expect(throws: CaptureError.self) { try CaptureWriter(path: "/nonexistent/out.pcapng") }
        #expect(error?.code == .cannotOpen)
        #expect(error?.errno == .noSuchFileOrDirectory)
    }

    @Test func longFilesGoThroughTheBufferInPieces() throws {
        let pipe = try FileDescriptor.pipe()
        defer { try? pipe.readEnd.close() }
        let writer = CaptureWriter(descriptor: pipe.writeEnd, name: "a pipe", format: .pcapMicroseconds)
        // Less than a pipe holds, so that writing cannot block.
        for number in 0..<500 { try writer.write([UInt8](repeating: 1, count: 100), at: Int64(number)) }
        try writer.close()
        try pipe.writeEnd.close()
        var reader = try CaptureReader(descriptor: pipe.readEnd, name: "a pipe")
        var records: [RecordCopy] = []
        try readAll(&reader, into: &records)
        #expect(records.count == 500)
    }
}
