import Testing
import VolleyWire

@testable import VolleyCapture

/// Small captures of every format, cut and changed at every byte: reading ends, and whatever is read is accounted for.
@Suite struct DamagedCaptureTests {
    /// A datagram of four bytes from 192.0.2.1:5000 to 198.51.100.2:53.
    static let packet = hex(
        "4500 0020 0001 0000 4011 0000 c0000201 c6336402 1388 0035 000c 0000 deadbeef")

    static let captures: [(name: String, bytes: [UInt8])] = [
        ("pcap", pcap(isBigEndian: false)), ("pcap, big-endian", pcap(isBigEndian: true)),
        ("pcapng", pcapng(isBigEndian: false)), ("pcapng, big-endian", pcapng(isBigEndian: true)),
    ]

    static func pcap(isBigEndian: Bool) -> [UInt8] {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.pcapHeader()
        for second in 0..<3 as Range<UInt32> { file.pcapRecord(seconds: second, fraction: 0, packet) }
        return file.bytes
    }

    static func pcapng(isBigEndian: Bool) -> [UInt8] {
        var file = CaptureBytes(isBigEndian: isBigEndian)
        file.section()
        file.interface(101, options: [(2, Array("eth0".utf8)), (9, [9]), (14, [0, 0, 0, 0, 0, 0, 0, 1])])
        file.enhancedPacket(time: 1, packet, options: [(1, Array("first".utf8)), (2, [0, 0, 0, 1])])
        file.block(0xbad) { $0.put(0 as UInt64) }
        file.simplePacket(packet, original: 32)
        file.obsoletePacket(interface: 0, time: 2, packet)
        return file.bytes
    }

    private func expectSound(_ bytes: [UInt8]) -> CaptureOutcome {
        let outcome = CaptureOutcome(bytes: bytes)
        #expect(outcome.accounting.total == outcome.records)
        #expect(outcome.digest.delivered == outcome.accounting[.delivered])
        return outcome
    }

    @Test(arguments: captures.indices)
    func everyLengthIsReadToItsEnd(index: Int) {
        let whole = Self.captures[index].bytes
        let outcome = expectSound(whole)
        #expect(outcome.error == nil)
        #expect(outcome.digest.delivered == 3)
        var withoutError = 0
        for length in 0..<whole.count {
            let cut = expectSound(Array(whole[..<length]))
            #expect(cut.records <= 3)
            if cut.error == nil { withoutError += 1 }
        }
        // Only where a record or block ends is a shorter file a whole one.
        #expect(withoutError == (index < 2 ? 3 : 5))
    }

    @Test(arguments: captures.indices)
    func everyChangedByteIsReadToItsEnd(index: Int) {
        let whole = Self.captures[index].bytes
        for offset in whole.indices {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff, whole[offset] ^ 0x04, whole[offset] &+ 1] as [UInt8] {
                var changed = whole
                changed[offset] = value
                _ = expectSound(changed)
                _ = readAll(changed)
            }
        }
    }

    @Test func noiseIsReadToItsEnd() {
        var random = UInt64(7)
        for round in 0..<2_000 {
            var bytes = Self.captures[round % 4].bytes
            for _ in 0..<1 + round % 7 {
                random = random &* 6_364_136_223_846_793_005 &+ 1
                bytes[Int(random >> 33) % bytes.count] = UInt8(truncatingIfNeeded: random >> 56)
            }
            _ = expectSound(bytes)
        }
    }
}
