/// A bounds-checked cursor over borrowed bytes, for decoding wire formats.
///
/// ```swift
/// var reader = ByteReader(datagram.payload)
/// let id = try reader.readUInt16()
/// let flags = try reader.readUInt16()
/// let body = try reader.read(count: Int(reader.readUInt16()))   // a view into the datagram, not a copy
/// ```
/// The reader is a small value: copy it to look ahead, assign the copy back to go back. A failed operation throws
/// ``ByteError`` and leaves the position where it was. Integers are big-endian unless an order is given. Lengths and
/// offsets may come straight from the input; negative and huge ones are refused like any other that does not fit.
@frozen
public struct ByteReader: ~Escapable {
    /// All bytes of the reader, read or not.
    public let bytes: RawSpan
    /// The position: how many bytes lie before the next one to be read; always within 0...`bytes.byteCount`.
    @usableFromInline var position: Int

    /// A reader at the first of `bytes`.
    @inlinable
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan) {
        self.bytes = bytes
        self.position = 0
    }

    /// A reader at the first of `bytes`.
    @inlinable
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>) {
        self.init(RawSpan(bytes))
    }

    /// How many bytes lie before the next one to be read.
    @inlinable public var offset: Int { position }

    /// How many bytes are left.
    @inlinable public var remaining: Int { bytes.byteCount &- position }

    /// Whether no bytes are left.
    @inlinable public var isAtEnd: Bool { position == bytes.byteCount }

    /// The bytes that are left, without moving.
    @inlinable
    public var rest: RawSpan {
        @_lifetime(copy self)
        get {
            // SAFETY: position is within 0...byteCount.
            unsafe bytes.extracting(unchecked: position..<bytes.byteCount)
        }
    }
}

// MARK: - Integers

extension ByteReader {
    /// Reads one byte.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readUInt8() throws(ByteError) -> UInt8 {
        try read(UInt8.self, .bigEndian)
    }

    /// Reads two bytes as an integer.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readUInt16(_ order: ByteOrder = .bigEndian) throws(ByteError) -> UInt16 {
        try read(UInt16.self, order)
    }

    /// Reads three bytes as an integer.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readUInt24(_ order: ByteOrder = .bigEndian) throws(ByteError) -> UInt32 {
        try check(3)
        let view = bytes.bytes
        let (first, middle, last) = (
            UInt32(view[position]), UInt32(view[position + 1]), UInt32(view[position + 2])
        )
        position &+= 3
        return order == .bigEndian ? first << 16 | middle << 8 | last : last << 16 | middle << 8 | first
    }

    /// Reads four bytes as an integer.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readUInt32(_ order: ByteOrder = .bigEndian) throws(ByteError) -> UInt32 {
        try read(UInt32.self, order)
    }

    /// Reads eight bytes as an integer.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readUInt64(_ order: ByteOrder = .bigEndian) throws(ByteError) -> UInt64 {
        try read(UInt64.self, order)
    }

    /// The byte `distance` bytes ahead, without moving; 0 is the next one to be read.
    @inlinable
    public func peekUInt8(ahead distance: Int = 0) throws(ByteError) -> UInt8 {
        try peek(UInt8.self, ahead: distance, .bigEndian)
    }

    /// The two bytes that begin `distance` bytes ahead as an integer, without moving.
    @inlinable
    public func peekUInt16(ahead distance: Int = 0, _ order: ByteOrder = .bigEndian) throws(ByteError) -> UInt16 {
        try peek(UInt16.self, ahead: distance, order)
    }

    /// The four bytes that begin `distance` bytes ahead as an integer, without moving.
    @inlinable
    public func peekUInt32(ahead distance: Int = 0, _ order: ByteOrder = .bigEndian) throws(ByteError) -> UInt32 {
        try peek(UInt32.self, ahead: distance, order)
    }
}

// MARK: - Bytes and position

extension ByteReader {
    /// Reads `count` bytes as a view that lives as long as the reader's own bytes.
    @inlinable
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    public mutating func read(count: Int) throws(ByteError) -> RawSpan {
        try check(count)
        // SAFETY: count is within 0...remaining, so both ends lie within the bytes.
        let view = unsafe bytes.extracting(unchecked: position..<(position &+ count))
        position &+= count
        return view
    }

    /// Reads all that is left.
    @inlinable
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    public mutating func readRest() -> RawSpan {
        let view = rest
        position = bytes.byteCount
        return view
    }

    /// Passes over `count` bytes.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func skip(_ count: Int) throws(ByteError) {
        try check(count)
        position &+= count
    }

    /// Moves to `offset`, counted from the first byte, forwards or backwards; the end itself is allowed.
    ///
    /// For formats with pointers, such as DNS names (RFC 1035 section 4.1.4). Nothing here stops an endless loop of
    /// them: the codec has to bound it.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func seek(to offset: Int) throws(ByteError) {
        guard UInt(bitPattern: offset) <= UInt(bitPattern: bytes.byteCount) else {
            throw ByteError(.endOfBytes, offset: offset, count: 0)
        }
        position = offset
    }

    /// Throws unless `count` bytes are left.
    ///
    /// As unsigned numbers, so that a negative count is a huge one.
    @inlinable
    func check(_ count: Int) throws(ByteError) {
        guard UInt(bitPattern: count) <= UInt(bitPattern: remaining) else {
            throw ByteError(.endOfBytes, offset: position, count: count)
        }
    }

    @inlinable
    @_lifetime(self: copy self)
    mutating func read<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, _ order: ByteOrder
    ) throws(ByteError) -> Value {
        try check(MemoryLayout<Value>.size)
        // SAFETY: size bytes are left, and every bit pattern is an integer.
        let value = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: Value.self)
        position &+= MemoryLayout<Value>.size
        return order.convert(value)
    }

    @inlinable
    func peek<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, ahead distance: Int, _ order: ByteOrder
    ) throws(ByteError) -> Value {
        let size = MemoryLayout<Value>.size
        guard distance >= 0, remaining >= size, distance <= remaining &- size else {
            throw ByteError(.endOfBytes, offset: position, count: distance.addingReportingOverflow(size).partialValue)
        }
        // SAFETY: size bytes follow position + distance, and every bit pattern is an integer.
        let value = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: position &+ distance, as: Value.self)
        return order.convert(value)
    }
}
