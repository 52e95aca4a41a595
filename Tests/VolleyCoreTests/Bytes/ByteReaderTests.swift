import Testing
import VolleyCore

@Suite("ByteReader")
struct ByteReaderTests {
    let bytes: [UInt8] = [0x81, 0x02, 0x83, 0x04, 0x85, 0x06, 0x87, 0x08, 0x89]

    @Test("Integers are big-endian by default and little-endian on request, at any alignment")
    func integers() throws {
        for start in 0...1 {
            let part = Array(bytes[start...])
            let expected = part.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            var reader = ByteReader(part.span)
            #expect(try reader.peekUInt8() == part[0])
            let (big, little) = try (reader.peekUInt16(), reader.peekUInt16(.littleEndian))
            #expect(big == UInt16(expected >> 48) && little == big.byteSwapped)
            #expect(try reader.peekUInt32() == UInt32(expected >> 32))
            #expect(try reader.peekUInt32(.littleEndian) == UInt32(expected >> 32).byteSwapped)
            let before = reader
            #expect(try reader.readUInt64() == expected)
            reader = before
            #expect(try reader.readUInt64(.littleEndian) == expected.byteSwapped)
            reader = before
            #expect(try reader.readUInt32() == UInt32(expected >> 32))
            #expect(try reader.readUInt32(.littleEndian) == UInt32(truncatingIfNeeded: expected).byteSwapped)
            reader = before
            #expect(try reader.readUInt24() == UInt32(expected >> 40))
            #expect(try reader.readUInt24(.littleEndian) == UInt32(expected >> 16 & 0xff_ffff).byteSwapped >> 8)
            #expect(try reader.readUInt8() == part[6])
            #expect(reader.offset == 7)
        }
    }

    @Test("Every read that passes the end is refused and moves nothing", arguments: 0...9)
    func boundaries(count: Int) {
        let part = Array(bytes.prefix(count))
        /// Runs `read` at the first byte and checks that it works exactly if there are enough bytes.
        func check(_ needed: Int, _ read: (inout ByteReader) throws(ByteError) -> Void) {
            var reader = ByteReader(part.span)
            do throws(ByteError) {
                try read(&reader)
                #expect(needed <= count)
            } catch {
                #expect(needed > count)
                #expect(error == ByteError(.endOfBytes, offset: 0, count: needed))
                #expect(reader.offset == 0)
            }
        }
        check(1) { reader throws(ByteError) in _ = try reader.readUInt8() }
        check(2) { reader throws(ByteError) in _ = try reader.readUInt16() }
        check(3) { reader throws(ByteError) in _ = try reader.readUInt24() }
        check(4) { reader throws(ByteError) in _ = try reader.readUInt32() }
        check(8) { reader throws(ByteError) in _ = try reader.readUInt64() }
        check(1) { reader throws(ByteError) in _ = try reader.peekUInt8() }
        check(2) { reader throws(ByteError) in _ = try reader.peekUInt16() }
        check(4) { reader throws(ByteError) in _ = try reader.peekUInt32() }
        check(7) { reader throws(ByteError) in _ = try reader.peekUInt16(ahead: 5) }
        check(5) { reader throws(ByteError) in _ = try reader.read(count: 5) }
        check(6) { reader throws(ByteError) in try reader.skip(6) }
        var reader = ByteReader(part.span)
        #expect(reader.remaining == count)
        #expect(reader.isAtEnd == (count == 0))
        #expect(throws: Never.self) { try reader.skip(count) }
        #expect(reader.isAtEnd && reader.remaining == 0 && reader.offset == count)
        #expect(throws: ByteError(.endOfBytes, offset: count, count: 1)) { try reader.readUInt8() }
    }

    @Test("Absurd counts and offsets are refused", arguments: [-1, .min, 10, .max, .max - 1, .min + 1])
    func absurd(number: Int) {
        var reader = ByteReader(bytes.span)
        #expect(throws: ByteError(.endOfBytes, offset: 0, count: number)) { try reader.skip(number) }
        #expect(throws: ByteError.self) {
            let view = try reader.read(count: number)
            Issue.record("got \(view.byteCount) bytes")
        }
        #expect(throws: ByteError(.endOfBytes, offset: number, count: 0)) { try reader.seek(to: number) }
        #expect(throws: ByteError.self) { try reader.peekUInt8(ahead: number) }
        #expect(throws: ByteError.self) { try reader.peekUInt32(ahead: number) }
        #expect(reader.offset == 0)
    }

    @Test("Views share the bytes and outlive further reading")
    func views() throws {
        var reader = ByteReader(bytes.span)
        try reader.skip(1)
        let first = try reader.read(count: 3)
        let second = try reader.read(count: 0)
        let rest = reader.rest
        let last = reader.readRest()
        #expect([UInt8](copying: first) == [0x02, 0x83, 0x04])
        #expect(second.byteCount == 0)
        #expect([UInt8](copying: rest) == [0x85, 0x06, 0x87, 0x08, 0x89])
        let (sameRest, sameBytes) = (rest.hasSameBytes(as: last), reader.bytes.byteCount)
        #expect(sameRest && sameBytes == 9)
        #expect(reader.remaining == 0)
        #expect(reader.readRest().byteCount == 0)
    }

    @Test("Seeking goes anywhere within the bytes, the end included")
    func seeking() throws {
        var reader = ByteReader(bytes.span)
        try reader.seek(to: 9)
        #expect(reader.remaining == 0)
        try reader.seek(to: 2)
        #expect(try reader.readUInt8() == 0x83)
        try reader.seek(to: 0)
        #expect(reader.remaining == 9)
    }

    @Test("A length read from the input can be the count of the same expression")
    func nestedRead() throws {
        let input: [UInt8] = [0, 2, 7, 8, 9]
        var reader = ByteReader(input.span)
        let body = try reader.read(count: Int(reader.readUInt16()))
        #expect([UInt8](copying: body) == [7, 8])
        #expect(reader.offset == 4)
    }

    @Test("A reader can be handed on and comes back where it was left")
    func handedOn() throws {
        func skipTwo(_ reader: inout ByteReader) throws(ByteError) { try reader.skip(2) }
        var reader = ByteReader(bytes.span)
        try skipTwo(&reader)
        #expect(try reader.readUInt8() == 0x83)
    }

    @Test("An empty reader has nothing to give")
    func empty() {
        var reader = ByteReader(RawSpan())
        #expect(reader.isAtEnd && reader.rest.isEmpty)
        #expect(throws: ByteError(.endOfBytes, offset: 0, count: 1)) { try reader.readUInt8() }
        #expect(throws: Never.self) { try reader.seek(to: 0) }
    }
}
