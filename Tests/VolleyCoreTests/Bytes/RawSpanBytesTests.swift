import Testing
import VolleyCore

@Suite("Raw spans")
struct RawSpanBytesTests {
    @Test("Bytes are seen through either span")
    func views() {
        let bytes: [UInt8] = [1, 2, 3]
        let raw = RawSpan(bytes.span)
        #expect(raw.byteCount == 3)
        let view = raw.bytes
        #expect(view.count == 3)
        #expect((view[0], view[1], view[2]) == (1, 2, 3))
        #expect([UInt8](copying: raw.extracting(1..<3)) == [2, 3])
        #expect([RawSpan().bytes.count] == [0])
        #expect([UInt8](copying: RawSpan()) == [])
    }

    @Test("Equality looks at every byte, whatever the length and place", arguments: 0...33)
    func equality(count: Int) {
        let bytes = (0..<UInt8(count)).map { $0 &* 37 }
        let shifted = [0xff] + bytes
        let span = RawSpan(bytes.span)
        // #expect cannot take a span apart, hence the constants.
        let equalElsewhere = span.hasSameBytes(as: RawSpan(shifted.span).extracting(1...))
        #expect(equalElsewhere)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            let equalDespiteChange = span.hasSameBytes(as: RawSpan(other.span))
            #expect(!equalDespiteChange, "byte \(index)")
        }
        let equalDespiteLength = span.hasSameBytes(as: RawSpan(shifted.span))
        #expect(!equalDespiteLength)
        let equalToEmpty = span.hasSameBytes(as: RawSpan())
        #expect(equalToEmpty == (count == 0))
    }

    @Test("A literal's bytes are its UTF-8")
    func literals() {
        let literal: StaticString = "é!"
        #expect([UInt8](copying: literal.rawBytes) == Array("é!".utf8))
        let empty: StaticString = ""
        #expect([UInt8](copying: empty.rawBytes) == [])
    }
}
