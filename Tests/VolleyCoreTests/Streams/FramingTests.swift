import Testing
import VolleyCore

@Suite("Framing")
struct FramingTests {
    /// The pieces of some bytes, so long each.
    private static func pieces(_ bytes: [UInt8], of size: Int) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
    }

    /// Receives pieces as a plain protocol does.
    private static func frames(
        _ framing: inout LengthPrefixedFraming, _ pieces: [[UInt8]]
    ) throws(FramingError) -> [[UInt8]] {
        var frames: [[UInt8]] = []
        for piece in pieces {
            try framing.receive(RawSpan(piece.span)) { frame in
                frames.append([UInt8](copying: frame))
                return true
            }
        }
        return frames
    }

    @Test("frames come whole, however the stream is cut", arguments: [1, 2, 3, 5, 7, 64, 1_000])
    func cut(size: Int) throws {
        let bodies: [[UInt8]] = [[], [1], Array(repeating: 7, count: 300), [2, 3], Array(0..<100), []]
        let stream = bodies.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
        var framing = LengthPrefixedFraming(prefixSize: 2)
        #expect(try Self.frames(&framing, Self.pieces(stream, of: size)) == bodies)
        #expect(!framing.hasPartialFrame)
    }

    @Test(
        "the length is read as it is written",
        arguments: [
            (1, ByteOrder.bigEndian, false, [2, 9, 8]), (4, .bigEndian, false, [0, 0, 0, 2, 9, 8]),
            (3, .littleEndian, false, [2, 0, 0, 9, 8]), (2, .bigEndian, true, [0, 4, 9, 8]),
            (8, .littleEndian, true, [10, 0, 0, 0, 0, 0, 0, 0, 9, 8]),
        ] as [(Int, ByteOrder, Bool, [UInt8])])
    func prefixes(size: Int, order: ByteOrder, countsPrefix: Bool, bytes: [UInt8]) throws {
        var framing = LengthPrefixedFraming(prefixSize: size, byteOrder: order, countsPrefix: countsPrefix)
        #expect(try Self.frames(&framing, [bytes, bytes]) == [[9, 8], [9, 8]])
    }

    @Test("a length that no memory holds is too long, whatever the maximum")
    func endlessLength() {
        var framing = LengthPrefixedFraming(prefixSize: 8, maximum: .max)
        #expect(throws: FramingError.self) {
            _ = try Self.frames(&framing, [[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]])
        }
    }

    @Test("a length over the maximum is refused before it has come, whatever its size")
    func tooLong() {
        var framing = LengthPrefixedFraming(prefixSize: 2, maximum: 100)
        #expect(throws: FramingError.self) { _ = try Self.frames(&framing, [[0, 101]]) }
        var wide = LengthPrefixedFraming(prefixSize: 8, maximum: .max)
        do throws(FramingError) {
            _ = try Self.frames(&wide, [Array(repeating: 255, count: 8)])
            Issue.record("a length of 2⁶⁴-1 was taken")
        } catch {
            #expect(error.code == .tooLong)
            #expect(error.length == .max)
            #expect(error.description.contains("18446744073709551615"))
        }
        var counting = LengthPrefixedFraming(prefixSize: 4, countsPrefix: true)
        do throws(FramingError) {
            _ = try Self.frames(&counting, [[0, 0, 0, 3]])
            Issue.record("a length smaller than its prefix was taken")
        } catch {
            #expect(error.code == .lengthTooSmall)
        }
    }

    @Test("a protocol that stops gets the rest with the next call")
    func stopping() throws {
        var framing = LengthPrefixedFraming(prefixSize: 1)
        var frames: [[UInt8]] = []
        let stream: [UInt8] = [1, 10, 1, 20, 1, 30, 2]
        try framing.receive(RawSpan(stream.span)) { frame in
            frames.append([UInt8](copying: frame))
            return frames.count != 1
        }
        #expect(frames == [[10]])
        #expect(framing.hasPartialFrame)
        try framing.receive(RawSpan()) { frame in
            frames.append([UInt8](copying: frame))
            return true
        }
        #expect(frames == [[10], [20], [30]])
        #expect(framing.hasPartialFrame)
    }

    /// A buffered protocol around a framing.
    private final class Buffered: BufferedStreamProtocol {
        var framing = LengthPrefixedFraming(prefixSize: 2)
        var lines = LineFraming()
        var readsLines = false
        var frames: [[UInt8]] = []
        var error: FramingError?

        func getBuffer(_ loan: inout BufferLoan) {
            if readsLines { lines.lend(to: &loan) } else { framing.lend(to: &loan) }
        }

        func bufferUpdated(_ count: Int) {
            var frames: [[UInt8]] = []
            do throws(FramingError) {
                if readsLines {
                    try lines.received(count) { frame in
                        frames.append([UInt8](copying: frame))
                        return true
                    }
                } else {
                    try framing.received(count) { frame in
                        frames.append([UInt8](copying: frame))
                        return true
                    }
                }
            } catch {
                self.error = error
            }
            self.frames += frames
        }
    }

    @Test("a buffered protocol gets the same frames and lines", arguments: [1, 3, 4_000, 20_000])
    func buffered(size: Int) throws {
        let bodies = (0..<40).map { index in [UInt8](repeating: UInt8(index), count: index * 37) }
        let stream = bodies.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
        let frames = Buffered()
        for piece in Self.pieces(stream, of: size) { try frames.receive(RawSpan(piece.span)) }
        #expect(frames.frames == bodies)
        #expect(frames.error == nil)
        let lines = Buffered()
        lines.readsLines = true
        let text = bodies.map { $0.map { 65 + $0 % 26 } }
        for piece in Self.pieces(text.flatMap { $0 + [13, 10] }, of: size) { try lines.receive(RawSpan(piece.span)) }
        #expect(lines.frames == text)
    }

    @Test("lines come whole, however the stream is cut, and without their ends", arguments: [1, 2, 3, 7, 100])
    func lines(size: Int) throws {
        var framing = LineFraming(maximum: 20)
        var lines: [String] = []
        let stream = Array("one\ntwo\r\n\n\r\n a\rb \nlast".utf8)
        for piece in Self.pieces(stream, of: size) {
            try framing.receive(RawSpan(piece.span)) { line in
                lines.append(String(decoding: [UInt8](copying: line), as: UTF8.self))
                return true
            }
        }
        #expect(lines == ["one", "two", "", "", " a\rb "])
        #expect(framing.hasPartialLine)
        framing.finish { lines.append(String(decoding: [UInt8](copying: $0), as: UTF8.self)) }
        #expect(lines.last == "last")
        #expect(!framing.hasPartialLine)
    }

    @Test("a line may be as long as allowed and no longer, ended or not")
    func longLines() throws {
        var framing = LineFraming(maximum: 4)
        var count = 0
        try framing.receive(RawSpan(Array("abcd\r\nabcd\nabcd".utf8).span)) { _ in
            count += 1
            return true
        }
        #expect(count == 2)
        do throws(FramingError) {
            try framing.receive(RawSpan([UInt8(ascii: "e")].span)) { _ in true }
            Issue.record("a fifth byte was taken")
        } catch {
            #expect(error == FramingError(tooLong: 5, limit: 4))
        }
    }
}

extension FramingError {
    /// An error to compare with; only a framing makes them otherwise.
    fileprivate init(tooLong length: UInt64, limit: Int) {
        var framing = LineFraming(maximum: limit)
        let line = [UInt8](repeating: 0, count: Int(length))
        var caught: FramingError?
        do throws(FramingError) { try framing.receive(RawSpan(line.span)) { _ in true } } catch { caught = error }
        guard let caught else { preconditionFailure("a line of \(length) bytes is too long") }
        self = caught
    }
}
