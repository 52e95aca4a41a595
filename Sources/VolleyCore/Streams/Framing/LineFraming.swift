/// Takes a stream apart into lines: what comes before each line feed, without it and without a carriage return before
/// it.
///
/// Used like ``LengthPrefixedFraming``, by plain and by buffered protocols.
public struct LineFraming {
    /// The most bytes a line may have, without its end.
    public let maximum: Int
    private var buffer = FrameBuffer()
    /// Bytes at the beginning of what waits in which there is no line feed.
    private var searched = 0

    /// A framing whose lines have at most `maximum` bytes.
    public init(maximum: Int = 65_536) { self.maximum = max(0, maximum) }

    /// Whether a line has begun and not ended: at the end of a stream, the last one may be meant without line feed.
    public var hasPartialLine: Bool { buffer.count > 0 }

    /// Takes in `data` and calls `line` with each complete line, until that returns `false`.
    ///
    /// What is left then is kept for the next call, for which `data` may be empty. `line` must not use this framing.
    ///
    /// - Throws: `.tooLong`; the stream should be ended.
    public mutating func receive(_ data: RawSpan, _ line: (RawSpan) -> Bool) throws(FramingError) {
        var searched = searched
        defer { self.searched = searched }
        let limit = maximum
        try buffer.split(
            data,
            { (bytes) throws(FramingError) in
                try Self.find(in: bytes, &searched, limit)
            }, line)
    }

    /// Lends memory to receive into; for `getBuffer`.
    public mutating func lend(to loan: inout BufferLoan) { buffer.lend(to: &loan, atLeast: 1_024) }

    /// Calls `line` for each line that the `count` bytes received last have completed; for `bufferUpdated`.
    ///
    /// - Throws: as ``receive(_:_:)``.
    public mutating func received(_ count: Int, _ line: (RawSpan) -> Bool) throws(FramingError) {
        buffer.fill(count)
        try receive(RawSpan(), line)
    }

    /// Calls `line` with what has come since the last line feed, if that is anything; for `eofReceived`.
    public mutating func finish(_ line: (RawSpan) -> Void) {
        // Not throwing: what is there has been looked at before.
        try? buffer.split(
            RawSpan(),
            { (bytes) throws(FramingError) in
                FoundFrame(body: 0..<bytes.byteCount, total: bytes.byteCount)
            },
            { bytes in
                line(bytes)
                return true
            })
        searched = 0
    }

    private static func find(
        in bytes: RawSpan, _ searched: inout Int, _ maximum: Int
    ) throws(FramingError) -> FoundFrame? {
        let text = bytes.bytes
        var index = searched
        while index < text.count, text[index] != 10 { index += 1 }
        let isWhole = index < text.count
        // A carriage return at the very end may belong to the line's end.
        let length = index > 0 && text[index - 1] == 13 ? index - 1 : index
        guard length <= maximum else { throw FramingError(code: .tooLong, length: UInt64(length), limit: maximum) }
        searched = isWhole ? 0 : index
        return isWhole ? FoundFrame(body: 0..<length, total: index + 1) : nil
    }
}
