import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

@Suite struct CaptureTapTests {
    private static let peer = SocketAddress(IPAddress(v4: 0xc633_6407), port: 40_000)
    private static let local = SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
    private static let time = WallClockTime(nanosecondsSinceEpoch: 1_700_000_000_123_456_789)

    private static func record(
        _ tap: CaptureTap, peer: SocketAddress = peer, local: SocketAddress = local, count: Int = 2
    ) {
        let payload = [UInt8](repeating: 0x61, count: count)
        tap.received(RawSpan(payload.span), from: peer, to: local, at: time)
        tap.sent(RawSpan(payload.span), from: local, to: peer, at: time)
    }

    private static func lines(_ bytes: [UInt8]) throws -> [String] {
        var lines: [String] = []
        var reader = try CaptureReader(bytes: bytes)
        while let record = try reader.next() {
            let frame = record.decode()
            #expect(record.linkType == .rawIP)
            lines.append(
                "\(record.timestampNanoseconds) \(frame.source) \(frame.destination) \(frame.payloadLength) "
                    + "\(record.direction)")
        }
        return lines
    }

    @Test func bothDirectionsAreRecordedWithTimeAndAddresses() throws {
        let tap = CaptureTap()
        Self.record(tap)
        try tap.close()
        #expect(
            try Self.lines(tap.bytes) == [
                "1700000000123456789 198.51.100.7:40000 192.0.2.1:53 2 inbound",
                "1700000000123456789 192.0.2.1:53 198.51.100.7:40000 2 outbound",
            ])
        #expect(tap.written == 2)
        #expect(tap.failed == 0)
    }

    @Test(arguments: [
        // An IPv4 peer of a dual-stack socket, known and unknown local address.
        ("[::ffff:198.51.100.7]:9", "[::ffff:192.0.2.1]:53", "198.51.100.7:9 192.0.2.1:53"),
        ("[::ffff:198.51.100.7]:9", "[::]:53", "198.51.100.7:9 0.0.0.0:53"),
        ("[2001:db8::7]:9", "[::]:53", "[2001:db8::7]:9 [::]:53"),
        ("198.51.100.7:9", "0.0.0.0:53", "198.51.100.7:9 0.0.0.0:53"),
    ])
    func addressesAreThoseOfThePackets(_ peer: String, _ local: String, _ expected: String) throws {
        let tap = CaptureTap()
        Self.record(tap, peer: try #require(SocketAddress(peer)), local: try #require(SocketAddress(local)))
        try tap.close()
        #expect(try Self.lines(tap.bytes).first?.contains(expected) == true)
        #expect(tap.written == 2)
    }

    @Test func whatNoPacketCanHoldIsCountedAndTheRestIsRecorded() throws {
        let tap = CaptureTap()
        Self.record(tap, count: 65_508)
        Self.record(tap)
        try tap.close()
        #expect(tap.failed == 2)
        #expect(try Self.lines(tap.bytes).count == 2)
    }

    @Test func anErrorOfWritingIsKeptForTheClose() throws {
        let tap = try CaptureTap(path: "/dev/full")
        for _ in 0..<10 { Self.record(tap, count: 60_000) }
        #expect(tap.failed > 0)
        let first = #expect(throws: CaptureError.self) { try tap.close() }
        #expect(first?.code == .writeFailed)
        #expect(throws: CaptureError.self) { try tap.close() }
    }

    @Test func whatComesAfterTheCloseIsCountedOnly() throws {
        let tap = CaptureTap()
        Self.record(tap)
        try tap.close()
        Self.record(tap)
        try tap.close()
        #expect(tap.written == 2)
        #expect(tap.failed == 2)
    }

    @Test func severalThreadsMayRecordAtOnce() async throws {
        let tap = CaptureTap()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<250 { Self.record(tap) } }
            }
        }
        try tap.close()
        #expect(tap.written == 2_000)
        #expect(try Self.lines(tap.bytes).count == 2_000)
    }
}
