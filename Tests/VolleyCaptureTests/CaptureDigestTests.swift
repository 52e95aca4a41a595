import Testing
import VolleyCore

@testable import VolleyCapture

@Suite struct CaptureDigestTests {
    private func text(_ address: IPAddress) -> String {
        var text: [UInt8] = []
        AddressText.append(address, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    @Test(
        arguments: [
            (0x2001_0db8_0000_0000, 1, "2001:db8::1"), (0, 0, "::"), (0, 1, "::1"), (0x0001_0000_0000_0000, 0, "1::"),
            (0x2001_0db8_0000_0001, 0x0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
            (0x2001_0000_0000_0001, 0x0000_0000_0000_0001, "2001:0:0:1::1"),
            (0x2001_0db8_0000_0000, 0x0001_0000_0000_0001, "2001:db8::1:0:0:1"),
            (0, 0x0000_ffff_c000_0201, "::ffff:c000:201"),
            (0xfe80_0000_0000_0000, 0xabcd_0000_0000_0000, "fe80::abcd:0:0:0"),
            (0x0000_0001_0002_0003, 0x0004_0005_0006_0007, "0:1:2:3:4:5:6:7"),
        ] as [(UInt64, UInt64, String)])
    func ipv6InHexadecimalGroupsThroughout(high: UInt64, low: UInt64, expected: String) {
        #expect(text(IPAddress(v6High: high, low: low)) == expected)
    }

    @Test(
        arguments: [(0, "0.0.0.0"), (0xffff_ffff, "255.255.255.255"), (0x0a00_6401, "10.0.100.1")] as [(UInt32, String)]
    )
    func ipv4InDottedDecimal(bits: UInt32, expected: String) {
        #expect(text(IPAddress(v4: bits)) == expected)
    }

    @Test func theHashesAreOverPayloadsAndLines() throws {
        let (a, b) = (CaptureInspectionTests.address(2, 4000), CaptureInspectionTests.server)
        let capture = try CaptureInspectionTests.capture([(a, b, 3, 0), (b, a, 0, 1)])
        let digest = try #require(CaptureInspectionTests.inspect(capture, withDigest: true).digest)
        func hash(_ text: String) -> String {
            var hash = SHA256()
            let bytes = Array(text.utf8)
            // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
            unsafe hash.update(bytes.span.bytes)
            return hash.hexDigest
        }
        #expect(digest.delivered == 2)
        #expect(digest.payloadBytes == 3)
        #expect(digest.sha256Payload == hash("aaa"))
        #expect(digest.sha256Framed == hash("10.0.0.2 4000 10.0.0.1 53 3 616161\n10.0.0.1 53 10.0.0.2 4000 0 \n"))
    }
}
