import VolleyCore

// How this module reads numbers at offsets that come from the message itself: every access is checked, and what lies
// outside is an error that names the place.

extension RawSpan {
    /// Throws unless `count` bytes follow `offset`.
    @inline(__always)
    func require(_ count: Int, at offset: Int) throws(DNSError) {
        // As unsigned numbers, so that a negative offset is a huge one.
        guard UInt(bitPattern: offset) <= UInt(bitPattern: byteCount), byteCount &- offset >= count, count >= 0
        else { throw DNSError(.endOfMessage, at: offset) }
    }

    /// The byte at `offset`.
    @inline(__always)
    func uint8(at offset: Int) throws(DNSError) -> UInt8 {
        try require(1, at: offset)
        // SAFETY: one byte follows offset, and every bit pattern is a UInt8.
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    /// The two bytes at `offset` in network order.
    @inline(__always)
    func uint16(at offset: Int) throws(DNSError) -> UInt16 {
        try require(2, at: offset)
        // SAFETY: two bytes follow offset, and every bit pattern is a UInt16.
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self).bigEndian
    }

    /// The four bytes at `offset` in network order.
    @inline(__always)
    func uint32(at offset: Int) throws(DNSError) -> UInt32 {
        try require(4, at: offset)
        // SAFETY: four bytes follow offset, and every bit pattern is a UInt32.
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self).bigEndian
    }

    /// The eight bytes at `offset` as they lie in memory.
    @inline(__always)
    func word(at offset: Int) throws(DNSError) -> UInt64 {
        try require(8, at: offset)
        // SAFETY: eight bytes follow offset, and every bit pattern is a UInt64.
        return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }

    /// `count` bytes from `offset` on.
    @inline(__always)
    @_lifetime(copy self)
    func slice(at offset: Int, count: Int) throws(DNSError) -> RawSpan {
        try require(count, at: offset)
        return extracting(offset..<(offset &+ count))
    }
}

extension [UInt8] {
    /// Appends a copy of `bytes`.
    @inline(__always)
    mutating func append(copying bytes: RawSpan) {
        // SAFETY: the array copies the bytes before the access ends.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }

    /// Appends two bytes in network order.
    mutating func append(uint16 value: UInt16) {
        append(UInt8(value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Appends four bytes in network order.
    mutating func append(uint32 value: UInt32) {
        append(uint16: UInt16(value >> 16))
        append(uint16: UInt16(truncatingIfNeeded: value))
    }
}
