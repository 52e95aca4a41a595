// The one place where this module turns bytes of a span into integers. `RawSpan` has no safe typed load in this
// toolchain; the loads used here are the bounds-checked ones, so a wrong offset stops the program and reads nothing.

extension RawSpan {
    /// The byte at `offset`.
    @inlinable @inline(__always)
    package func byte(at offset: Int) -> UInt8 {
        // SAFETY: any bit pattern is a UInt8, and this load checks its bounds.
        unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// The big-endian 16-bit number at `offset`.
    @inlinable @inline(__always)
    package func bigEndian16(at offset: Int) -> UInt16 {
        // SAFETY: any bit pattern is a UInt16, and this load checks its bounds.
        unsafe UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// The big-endian 32-bit number at `offset`.
    @inlinable @inline(__always)
    package func bigEndian32(at offset: Int) -> UInt32 {
        // SAFETY: any bit pattern is a UInt32, and this load checks its bounds.
        unsafe UInt32(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    /// The big-endian 64-bit number at `offset`.
    @inlinable @inline(__always)
    package func bigEndian64(at offset: Int) -> UInt64 {
        // SAFETY: any bit pattern is a UInt64, and this load checks its bounds.
        unsafe UInt64(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension OutputRawSpan {
    /// Appends `value` in network byte order.
    package mutating func appendBigEndian(_ value: some FixedWidthInteger & BitwiseCopyable) {
        // SAFETY: an integer has no padding to leave uninitialised, and `append` checks the free capacity.
        unsafe append(value.bigEndian, as: type(of: value))
    }

    /// Appends all of `bytes`; the caller has made sure that they fit.
    package mutating func append(contentsOf bytes: RawSpan) {
        precondition(bytes.byteCount <= freeCapacity, "the output span is too small")
        // SAFETY: the precondition leaves room for `bytes` behind the `initialized` bytes, and the two regions cannot
        // overlap, for `self` is borrowed exclusively.
        unsafe withUnsafeMutableBytes { buffer, initialized in
            unsafe bytes.withUnsafeBytes { source in
                guard let from = source.baseAddress, let to = buffer.baseAddress else { return }
                unsafe (to + initialized).copyMemory(from: from, byteCount: source.count)
            }
            initialized += bytes.byteCount
        }
    }
}
