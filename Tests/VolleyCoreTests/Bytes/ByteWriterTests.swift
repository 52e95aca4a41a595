import Testing
import VolleyCore

@Suite("ByteWriter")
struct ByteWriterTests {
    @Test("Integers are big-endian by default and little-endian on request, at any alignment")
    func integers() throws {
        let bytes = try [UInt8](byteCapacity: 64) { writer throws(ByteError) in
            try writer.writeUInt8(0x01)
            try writer.writeUInt16(0x0203)
            try writer.writeUInt16(0x0203, .littleEndian)
            try writer.writeUInt24(0x040506)
            try writer.writeUInt24(0x040506, .littleEndian)
            try writer.writeUInt32(0x0708_090a)
            try writer.writeUInt32(0x0708_090a, .littleEndian)
            try writer.writeUInt64(0x0b0c_0d0e_0f10_1112)
            try writer.writeUInt64(0x0b0c_0d0e_0f10_1112, .littleEndian)
        }
        #expect(
            bytes == [
                1, 2, 3, 3, 2, 4, 5, 6, 6, 5, 4, 7, 8, 9, 10, 10, 9, 8, 7,
                11, 12, 13, 14, 15, 16, 17, 18, 18, 17, 16, 15, 14, 13, 12, 11,
            ])
    }

    @Test("Bytes of every origin are copied")
    func bytes() throws {
        let source: [UInt8] = [1, 2, 3]
        let bytes = try [UInt8](byteCapacity: 32) { writer throws(ByteError) in
            try writer.write(RawSpan(source.span))
            try writer.write(source.span.extracting(1...))
            try writer.write([9])
            try writer.write([])
            try writer.write(RawSpan())
            try writer.write(utf8: "é!")
            try writer.write(repeating: 7, count: 2)
            try writer.write(repeating: 7, count: 0)
        }
        #expect(bytes == [1, 2, 3, 2, 3, 9, 0xc3, 0xa9, 0x21, 7, 7])
    }

    @Test("Every write that passes the capacity is refused and writes nothing", arguments: 0...8)
    func boundaries(capacity: Int) throws {
        /// Runs `write` on an empty writer and checks that it works exactly if there is enough room.
        func check(_ needed: Int, _ write: (inout ByteWriter) throws(ByteError) -> Void) throws {
            let bytes = try [UInt8](byteCapacity: capacity) { writer throws(ByteError) in
                #expect(writer.remaining == capacity && writer.count == 0)
                do throws(ByteError) {
                    try write(&writer)
                    #expect(writer.count == needed && writer.remaining == capacity - needed)
                } catch {
                    #expect(error == ByteError(.outOfCapacity, offset: 0, count: needed))
                    #expect(writer.count == 0 && writer.remaining == capacity)
                }
            }
            #expect(bytes.count == (needed <= capacity ? needed : 0))
        }
        try check(1) { writer throws(ByteError) in try writer.writeUInt8(1) }
        try check(2) { writer throws(ByteError) in try writer.writeUInt16(1) }
        try check(3) { writer throws(ByteError) in try writer.writeUInt24(1) }
        try check(4) { writer throws(ByteError) in try writer.writeUInt32(1) }
        try check(8) { writer throws(ByteError) in try writer.writeUInt64(1) }
        try check(5) { writer throws(ByteError) in try writer.write([1, 2, 3, 4, 5]) }
        try check(6) { writer throws(ByteError) in try writer.write(utf8: "volley") }
        try check(7) { writer throws(ByteError) in try writer.write(repeating: 1, count: 7) }
    }

    @Test("Absurd counts and offsets are refused", arguments: [-1, .min, 1 << 40, .max, .max - 1])
    func absurd(number: Int) throws {
        _ = try [UInt8](byteCapacity: 8) { writer throws(ByteError) in
            try writer.writeUInt32(0x0102_0304)
            #expect(throws: ByteError(.outOfCapacity, offset: 4, count: number)) {
                try writer.write(repeating: 0, count: number)
            }
            #expect(throws: ByteError(.outsideWritten, offset: number, count: 0)) { try writer.truncate(to: number) }
            #expect(throws: ByteError(.outsideWritten, offset: number, count: 1)) {
                try writer.patchUInt8(0, at: number)
            }
            #expect(throws: ByteError(.outsideWritten, offset: number, count: 4)) {
                try writer.patchUInt32(0, at: number)
            }
            #expect(writer.count == 4)
        }
    }

    @Test("Only what is written can be patched")
    func patching() throws {
        let bytes = try [UInt8](byteCapacity: 16) { writer throws(ByteError) in
            try writer.write(repeating: 0, count: 7)
            try writer.patchUInt16(0x0102, at: 5)
            try writer.patchUInt16(0x0304, at: 1, .littleEndian)
            try writer.patchUInt8(9, at: 0)
            #expect(throws: ByteError(.outsideWritten, offset: 6, count: 2)) { try writer.patchUInt16(0xffff, at: 6) }
            #expect(throws: ByteError(.outsideWritten, offset: 4, count: 4)) { try writer.patchUInt32(0xffff, at: 4) }
            #expect(throws: ByteError(.outsideWritten, offset: 7, count: 1)) { try writer.patchUInt8(0xff, at: 7) }
        }
        #expect(bytes == [9, 4, 3, 0, 0, 1, 2])
        let word = try [UInt8](byteCapacity: 4) { writer throws(ByteError) in
            try writer.writeUInt32(0)
            try writer.patchUInt32(0x0102_0304, at: 0)
        }
        #expect(word == [1, 2, 3, 4])
    }

    @Test("A number over 24 bits does not fit into three bytes")
    func tooLarge() throws {
        let bytes = try [UInt8](byteCapacity: 8) { writer throws(ByteError) in
            #expect(throws: ByteError(.valueTooLarge, offset: 0, count: 3)) { try writer.writeUInt24(1 << 24) }
            try writer.writeUInt24(1 << 24 - 1)
        }
        #expect(bytes == [0xff, 0xff, 0xff])
    }

    @Test("A record that does not fit is taken back")
    func truncating() throws {
        let bytes = try [UInt8](byteCapacity: 8) { writer throws(ByteError) in
            try writer.writeUInt16(1)
            let mark = writer.count
            do throws(ByteError) {
                try writer.writeUInt16(2)
                try writer.write(repeating: 3, count: 1 << 20)
            } catch {
                try writer.truncate(to: mark)
            }
            #expect(writer.count == 2)
            try writer.truncate(to: 2)
            try writer.writeUInt8(9)
        }
        #expect(bytes == [0, 1, 9])
    }

    @Test("Behind bytes that are there already, offsets count from the writer's own first byte")
    func appending() throws {
        var storage = [UInt8](repeating: 0xee, count: 8)
        let written = try storage.withOutput { output throws(ByteError) in
            output.append(0xaa)
            try output.write { writer throws(ByteError) in
                #expect(writer.count == 0 && writer.remaining == 7)
                try writer.writeUInt16(0)
                try writer.patchUInt16(0x0102, at: 0)
                #expect(throws: ByteError(.outsideWritten, offset: -1, count: 1)) { try writer.patchUInt8(0, at: -1) }
                #expect(throws: ByteError.self) { try writer.truncate(to: -1) }
                #expect(try ByteReader(writer.written).peekUInt16() == 0x0102)
            }
            output.append(0xbb)
        }
        #expect(written == 4)
        #expect(storage == [0xaa, 1, 2, 0xbb, 0xee, 0xee, 0xee, 0xee])
    }

    @Test("When the body throws, the span is as it was and the error is the body's")
    func rollBack() throws {
        struct Refusal: Error {}
        var storage = [UInt8](repeating: 0, count: 8)
        let written = storage.withOutput { output in
            output.append(0xaa)
            #expect(throws: ByteError(.outOfCapacity, offset: 4, count: 4)) {
                try output.write { writer throws(ByteError) in
                    try writer.writeUInt32(1)
                    try writer.writeUInt32(2)
                }
            }
            #expect(throws: Refusal.self) {
                try output.write { writer throws in
                    try writer.writeUInt8(1)
                    throw Refusal()
                }
            }
            #expect(output.byteCount == 1 && output.freeCapacity == 7)
            output.append(0xbb)
        }
        #expect(written == 2)
        #expect(storage[..<2] == [0xaa, 0xbb])
    }

    @Test("The body's result is handed through")
    func result() {
        var storage = [UInt8](repeating: 0, count: 8)
        let written = storage.withOutput { output in
            let count = output.write { writer in writer.remaining }
            #expect(count == 8)
        }
        #expect(written == 0)
    }

    @Test("What a writer writes a reader reads back: 2,000 random messages", arguments: [UInt64(1), 2, 3, 4])
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for _ in 0..<500 {
            let fields = (0..<random.next(below: 40)).map { _ in Field.random(using: &random) }
            let bytes = try [UInt8](byteCapacity: 4096) { writer throws(ByteError) in
                try writer.writeUInt16(0)
                for field in fields { try field.write(to: &writer) }
                try writer.patchUInt16(UInt16(writer.count - 2), at: 0)
            }
            var reader = ByteReader(bytes.span)
            #expect(try Int(reader.readUInt16()) == reader.remaining)
            for field in fields { #expect(try field.isNext(in: &reader)) }
            #expect(reader.remaining == 0)
        }
    }
}

/// One field of a random message.
private struct Field {
    let width: Int
    let value: UInt64
    let order: ByteOrder
    let bytes: [UInt8]

    static func random(using random: inout SplitMix64) -> Field {
        let width = [1, 2, 3, 4, 8, 0][random.next(below: 6)]
        return Field(
            width: width, value: width == 0 ? 0 : random.next() >> UInt64(64 - 8 * width),
            order: random.next(below: 2) == 0 ? .bigEndian : .littleEndian,
            bytes: (0..<random.next(below: 20)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }

    func write(to writer: inout ByteWriter) throws(ByteError) {
        switch width {
        case 1: try writer.writeUInt8(UInt8(value))
        case 2: try writer.writeUInt16(UInt16(value), order)
        case 3: try writer.writeUInt24(UInt32(value), order)
        case 4: try writer.writeUInt32(UInt32(value), order)
        case 8: try writer.writeUInt64(value, order)
        default: try writer.write(bytes)
        }
    }

    func isNext(in reader: inout ByteReader) throws(ByteError) -> Bool {
        switch width {
        case 1: try UInt64(reader.readUInt8()) == value
        case 2: try UInt64(reader.readUInt16(order)) == value
        case 3: try UInt64(reader.readUInt24(order)) == value
        case 4: try UInt64(reader.readUInt32(order)) == value
        case 8: try reader.readUInt64(order) == value
        default: try reader.read(count: bytes.count).hasSameBytes(as: RawSpan(bytes.span))
        }
    }
}
