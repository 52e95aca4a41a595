import Testing
import VolleyWire

@Suite struct InternetChecksumTests {
    private func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum = InternetChecksum()
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        unsafe sum.add(bytes.span.bytes)
        return sum.value
    }

    @Test func theExampleOfRFC1071() {
        #expect(checksum(hex("0001 f203 f4f5 f6f7")) == ~0xddf2)
    }

    @Test func anOddByteIsPaddedWithZero() {
        #expect(checksum(hex("0001 f2")) == checksum(hex("0001 f200")))
        #expect(checksum([]) == 0xffff)
    }

    @Test func carriesAreFoldedUntilNoneIsLeft() {
        // 32,767 words of all ones and one of 0xff00: all ones is the zero of this arithmetic.
        #expect(checksum([UInt8](repeating: 0xff, count: 65_535)) == ~0xff00)
        #expect(checksum([UInt8](repeating: 0xff, count: 65_534)) == 0)
    }

    @Test func widerNumbersAreTheirWords() {
        var wide = InternetChecksum()
        wide.add(0x0001_f203_f4f5_f6f7 as UInt64)
        #expect(wide.value == ~0xddf2)
    }
}
