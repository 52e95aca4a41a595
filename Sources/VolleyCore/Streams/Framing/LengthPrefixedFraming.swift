/// Takes a stream apart into frames that begin with their length, and writes such frames; DNS over TCP, say, has two
/// bytes of it (RFC 1035, section 4.2.2).
///
/// For plain protocols: call ``receive(_:_:)`` from `dataReceived`. For buffered ones: ``lend(to:)`` from `getBuffer` and
/// ``received(_:_:)`` from `bufferUpdated`. Frames that arrive whole are not copied.
///
/// ```swift
/// func dataReceived(_ data: RawSpan) {
///     do {
///         try framing.receive(data) { frame in
///             answer(frame)
///             return !transport.isClosing
///         }
///     } catch {
///         transport.abort()
///     }
/// }
/// ```
public struct LengthPrefixedFraming {
    /// Bytes of the prefix, 1…8.
    public let prefixSize: Int
    /// The order of the prefix's bytes.
    public let byteOrder: ByteOrder
    /// Whether the length counts the prefix itself.
    public let countsPrefix: Bool
    /// The most bytes a frame may carry, without its prefix.
    public let maximum: Int
    private var buffer = FrameBuffer()

    /// A framing.
    ///
    /// - Parameters:
    ///   - prefixSize: bytes of the length; values outside of 1…8 count as the nearest inside.
    ///   - byteOrder: the order of its bytes.
    ///   - countsPrefix: whether the length counts the prefix itself.
    ///   - maximum: the most bytes a frame may carry; a peer that announces more is not waited for.
    public init(
        prefixSize: Int, byteOrder: ByteOrder = .bigEndian, countsPrefix: Bool = false, maximum: Int = 1 << 20
    ) {
        self.prefixSize = min(max(prefixSize, 1), 8)
        self.byteOrder = byteOrder
        self.countsPrefix = countsPrefix
        self.maximum = max(0, maximum)
    }

    /// Whether a frame has begun and not ended: at the end of a stream, something is missing.
    public var hasPartialFrame: Bool { buffer.count > 0 }

    /// Takes in `data` and calls `frame` with what each complete frame carries, until that returns `false`.
    ///
    /// What is left then is kept for the next call, for which `data` may be empty. `frame` must not use this framing.
    ///
    /// - Throws: `.tooLong` or `.lengthTooSmall`; the stream cannot be made sense of any more, and should be ended.
    public mutating func receive(_ data: RawSpan, _ frame: (RawSpan) -> Bool) throws(FramingError) {
        let (size, order, counts, limit) = (prefixSize, byteOrder, countsPrefix, maximum)
        try buffer.split(
            data,
            { (bytes) throws(FramingError) in
                try Self.find(in: bytes, size, order, countsPrefix: counts, limit)
            }, frame)
    }

    /// Lends memory to receive into; for `getBuffer`.
    public mutating func lend(to loan: inout BufferLoan) { buffer.lend(to: &loan, atLeast: 4_096) }

    /// Calls `frame` for each frame that the `count` bytes received last have completed; for `bufferUpdated`.
    ///
    /// - Throws: as ``receive(_:_:)``.
    public mutating func received(_ count: Int, _ frame: (RawSpan) -> Bool) throws(FramingError) {
        buffer.fill(count)
        try receive(RawSpan(), frame)
    }

    /// Writes one frame: the length of `payload`, then `payload`, without joining them.
    ///
    /// - Throws: `.tooLong` when it is over the maximum, or its length does not fit into the prefix.
    public func write(_ payload: RawSpan, to transport: any StreamTransport) throws(FramingError) {
        let length = UInt64(payload.byteCount) + (countsPrefix ? UInt64(prefixSize) : 0)
        let most = prefixSize == 8 ? UInt64.max : (UInt64(1) << UInt64(prefixSize * 8)) - 1
        guard payload.byteCount <= maximum, length <= most else {
            throw FramingError(code: .tooLong, length: length, limit: Int(clamping: min(most, UInt64(maximum))))
        }
        var prefix = InlineArray<8, UInt8>(repeating: 0)
        for index in 0..<prefixSize {
            let shift = UInt64(byteOrder == .bigEndian ? prefixSize - 1 - index : index) * 8
            prefix[index] = UInt8(truncatingIfNeeded: length >> shift)
        }
        transport.write(RawSpan(prefix.span.extracting(0..<prefixSize)), payload)
    }

    private static func find(
        in bytes: RawSpan, _ size: Int, _ order: ByteOrder, countsPrefix: Bool, _ maximum: Int
    ) throws(FramingError) -> FoundFrame? {
        guard bytes.byteCount >= size else { return nil }
        let prefix = bytes.bytes
        var length: UInt64 = 0
        for index in 0..<size {
            length = length << 8 | UInt64(prefix[order == .bigEndian ? index : size - 1 - index])
        }
        if countsPrefix {
            guard length >= UInt64(size) else {
                throw FramingError(code: .lengthTooSmall, length: length, limit: size)
            }
            length -= UInt64(size)
        }
        let limit = min(maximum, .max - size)
        guard length <= UInt64(limit) else { throw FramingError(code: .tooLong, length: length, limit: limit) }
        let end = size + Int(length)
        return bytes.byteCount >= end ? FoundFrame(body: size..<end, total: end) : nil
    }
}
