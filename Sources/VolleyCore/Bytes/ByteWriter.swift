/// A bounds-checked encoder of wire formats into memory that somebody else lends.
///
/// ```swift
/// try output.write { writer throws(ByteError) in        // output: inout OutputRawSpan
///     try writer.writeUInt16(id)
///     let length = writer.count
///     try writer.writeUInt16(0)                          // patched below
///     try writer.write(body)
///     try writer.patchUInt16(UInt16(writer.count - length - 2), at: length)
/// }
/// ```
/// A failed operation throws ``ByteError`` and writes nothing. Integers are big-endian unless an order is given. Offsets
/// count from the first byte of this writer, so that a message can be encoded behind bytes that are already there.
@frozen
public struct ByteWriter: ~Copyable, ~Escapable {
    @usableFromInline var output: OutputRawSpan
    /// Where this writer began within `output`; what lies before is not its own.
    @usableFromInline let start: Int

    /// A writer that appends to `output`; ``finish()`` gives it back.
    @inlinable
    @_lifetime(copy output)
    public init(_ output: consuming OutputRawSpan) {
        self.start = output.byteCount
        self.output = output
    }

    /// Ends the writing and gives back the span with what was written.
    @inlinable
    @_lifetime(copy self)
    public consuming func finish() -> OutputRawSpan { output }

    /// How many bytes have been written: the offset of the next one.
    @inlinable public var count: Int { output.byteCount &- start }

    /// How many more bytes can be written.
    @inlinable public var remaining: Int { output.freeCapacity }

    /// What has been written so far.
    @inlinable
    public var written: RawSpan {
        @_lifetime(borrow self)
        get { output.bytes.extracting(start..<output.byteCount) }
    }
}

// MARK: - Integers

// Always inlined: left to itself the compiler makes calls of these, and keeps the span in memory between them.
extension ByteWriter {
    /// Writes one byte.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func writeUInt8(_ value: UInt8) throws(ByteError) {
        try append(value)
    }

    /// Writes an integer as two bytes.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func writeUInt16(_ value: UInt16, _ order: ByteOrder = .bigEndian) throws(ByteError) {
        try append(order.convert(value))
    }

    /// Writes an integer as three bytes; `value` must be below 2^24.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func writeUInt24(_ value: UInt32, _ order: ByteOrder = .bigEndian) throws(ByteError) {
        guard value < 1 << 24 else { throw ByteError(.valueTooLarge, offset: count, count: 3) }
        try check(3)
        let (high, middle, low) = (
            UInt8(truncatingIfNeeded: value >> 16), UInt8(truncatingIfNeeded: value >> 8),
            UInt8(truncatingIfNeeded: value)
        )
        output.append(order == .bigEndian ? high : low)
        output.append(middle)
        output.append(order == .bigEndian ? low : high)
    }

    /// Writes an integer as four bytes.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func writeUInt32(_ value: UInt32, _ order: ByteOrder = .bigEndian) throws(ByteError) {
        try append(order.convert(value))
    }

    /// Writes an integer as eight bytes.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func writeUInt64(_ value: UInt64, _ order: ByteOrder = .bigEndian) throws(ByteError) {
        try append(order.convert(value))
    }

    /// Overwrites the byte at `offset`, which must be written already.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func patchUInt8(_ value: UInt8, at offset: Int) throws(ByteError) {
        try patch(value, at: offset)
    }

    /// Overwrites the two bytes at `offset`, which must be written already: for lengths and counts known only later.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func patchUInt16(
        _ value: UInt16, at offset: Int, _ order: ByteOrder = .bigEndian
    ) throws(ByteError) {
        try patch(order.convert(value), at: offset)
    }

    /// Overwrites the four bytes at `offset`, which must be written already.
    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    public mutating func patchUInt32(
        _ value: UInt32, at offset: Int, _ order: ByteOrder = .bigEndian
    ) throws(ByteError) {
        try patch(order.convert(value), at: offset)
    }
}

// MARK: - Bytes

extension ByteWriter {
    /// Writes a copy of `bytes`, all or nothing.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write(_ bytes: RawSpan) throws(ByteError) {
        try check(bytes.byteCount)
        unsafe bytes.withUnsafeBytes { source in
            unsafe output.withUnsafeMutableBytes { target, initialized in
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                // SAFETY: check() found room for all of source behind the initialized bytes, and memory that is
                // lent for writing overlaps with nothing that is lent for reading.
                unsafe (to + initialized).copyMemory(from: from, byteCount: source.count)
                initialized += source.count
            }
        }
    }

    /// Writes a copy of `bytes`, all or nothing.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write(_ bytes: Span<UInt8>) throws(ByteError) {
        try write(RawSpan(bytes))
    }

    /// Writes a copy of `bytes`, all or nothing.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write(_ bytes: [UInt8]) throws(ByteError) {
        try write(RawSpan(bytes.span))
    }

    /// Writes the UTF-8 of `text`, without terminator, all or nothing.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write(utf8 text: String) throws(ByteError) {
        try write(RawSpan(text.utf8Span.span))
    }

    /// Writes `count` times the byte `value`.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write(repeating value: UInt8, count: Int) throws(ByteError) {
        try check(count)
        // SAFETY: check() found room, and alignment 1 always holds.
        unsafe output.append(repeating: value, count: count, as: UInt8.self)
    }

    /// Takes back everything from `offset` on, such as a record that did not fit.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func truncate(to offset: Int) throws(ByteError) {
        guard UInt(bitPattern: offset) <= UInt(bitPattern: count) else {
            throw ByteError(.outsideWritten, offset: offset, count: 0)
        }
        output.removeLast(count &- offset)
    }

    /// Throws unless there is room for `size` bytes.
    ///
    /// As unsigned numbers, so that a negative size is a huge one.
    @inlinable
    func check(_ size: Int) throws(ByteError) {
        guard UInt(bitPattern: size) <= UInt(bitPattern: output.freeCapacity) else {
            throw ByteError(.outOfCapacity, offset: count, count: size)
        }
    }

    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) throws(ByteError) {
        try check(MemoryLayout<Value>.size)
        // Not OutputRawSpan.append(_:as:): that one wants the place to be aligned for the type.
        unsafe output.withUnsafeMutableBytes { target, initialized in
            // SAFETY: check() found room behind the initialized bytes; storeBytes needs no alignment.
            unsafe target.storeBytes(of: value, toByteOffset: initialized, as: Value.self)
            initialized &+= MemoryLayout<Value>.size
        }
    }

    @inlinable @inline(__always)
    @_lifetime(self: copy self)
    mutating func patch<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at offset: Int
    ) throws(ByteError) {
        let size = MemoryLayout<Value>.size
        guard offset >= 0, count >= size, offset <= count &- size else {
            throw ByteError(.outsideWritten, offset: offset, count: size)
        }
        unsafe output.withUnsafeMutableBytes { target, _ in
            // SAFETY: the field lies within what this writer has written; storeBytes needs no alignment.
            unsafe target.storeBytes(of: value, toByteOffset: start &+ offset, as: Value.self)
        }
    }
}

// MARK: - Where the memory comes from

extension OutputRawSpan {
    /// Lets `body` append to this span with a ``ByteWriter``.
    ///
    /// When `body` throws, what it has written is taken back: the span is as it was.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write<Result, Failure: Error>(
        _ body: (inout ByteWriter) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let before = byteCount
        var writer = ByteWriter(self)
        do {
            let result = try body(&writer)
            self = writer.finish()
            return result
        } catch {
            self = writer.finish()
            removeLast(byteCount - before)
            throw error
        }
    }
}

extension [UInt8] {
    /// The bytes that `body` writes, at most `byteCapacity` of them.
    @inlinable
    public init<Failure: Error>(
        byteCapacity: Int, writing body: (inout ByteWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self = try unsafe Array(unsafeUninitializedCapacity: byteCapacity) { buffer, count throws(Failure) in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            // SAFETY: the span lives only inside of this closure, where the array's buffer is ours alone.
            var output = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
            try output.write(body)
            count = unsafe output.finalize(for: memory)
        }
    }
}
