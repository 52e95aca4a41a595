import VolleyCore

// How this module writes into memory that is lent. Who calls these has made sure of the room; a mistake there stops the
// program and writes nothing.

extension OutputRawSpan {
    /// Appends an integer in network order.
    @inline(__always)
    mutating func append(bigEndian value: some FixedWidthInteger & BitwiseCopyable) {
        let size = value.bitWidth / 8
        precondition(size <= freeCapacity, "no room for an integer")
        unsafe withUnsafeMutableBytes { target, initialized in
            // SAFETY: the precondition found room behind the initialized bytes; storeBytes needs no alignment.
            unsafe target.storeBytes(of: value.bigEndian, toByteOffset: initialized, as: type(of: value))
            initialized &+= size
        }
    }

    /// Appends a copy of `bytes`.
    @inline(__always)
    mutating func append(copying bytes: RawSpan) {
        precondition(bytes.byteCount <= freeCapacity, "no room for the bytes")
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { target, initialized in
                guard let from = source.baseAddress, let to = target.baseAddress else { return }
                // SAFETY: the precondition found room for all of source behind the initialized bytes, and memory that
                // is lent for writing overlaps with nothing that is lent for reading.
                unsafe (to + initialized).copyMemory(from: from, byteCount: source.count)
                initialized &+= source.count
            }
        }
    }

    /// The two bytes at `offset`, which have been written, as an integer in network order.
    @inline(__always)
    mutating func change16(at offset: Int, _ change: (UInt16) -> UInt16) {
        precondition(offset >= 0 && offset &+ 2 <= byteCount, "only what has been written can be changed")
        unsafe withUnsafeMutableBytes { target, _ in
            // SAFETY: the precondition has both bytes within what has been written.
            let value = unsafe target.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
            unsafe target.storeBytes(of: change(value.bigEndian).bigEndian, toByteOffset: offset, as: UInt16.self)
        }
    }
}
