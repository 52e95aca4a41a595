public import VolleyWire

/// Integers of capture files, which are in the byte order of the host that wrote them.
extension RawSpan {
    /// The 16-bit number at `offset`.
    @inlinable @inline(__always)
    func fileOrder16(at offset: Int, isBigEndian: Bool) -> UInt16 {
        let value = bigEndian16(at: offset)
        return isBigEndian ? value : value.byteSwapped
    }

    /// The 32-bit number at `offset`.
    @inlinable @inline(__always)
    func fileOrder32(at offset: Int, isBigEndian: Bool) -> UInt32 {
        let value = bigEndian32(at: offset)
        return isBigEndian ? value : value.byteSwapped
    }

    /// The 64-bit number at `offset`.
    func fileOrder64(at offset: Int, isBigEndian: Bool) -> UInt64 {
        let value = bigEndian64(at: offset)
        return isBigEndian ? value : value.byteSwapped
    }
}
