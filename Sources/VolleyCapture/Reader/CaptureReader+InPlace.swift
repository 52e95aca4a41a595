/// Batches: how long the bytes of a record stay where they are.
extension CaptureReader {
    /// Whether the next record can be had without reading: then the bytes of the records before it, back to the last
    /// time this was `false`, are not moved or written over by ``next()``.
    // "Mutating" though it changes nothing: to borrow the reader, the compiler would copy it, once a record.
    @inlinable @inline(__always)
    package mutating func nextStaysInPlace() -> Bool {
        let unread = input.unreadCount
        guard pcapHeaderLength != 0 else { return nextBlockStaysInPlace() }
        guard unread >= pcapHeaderLength else { return false }
        let start = input.position
        var captured = input.word32(at: start &+ 8, isBigEndian: isBigEndian)
        if pcapLengthsMaySwap { captured = min(captured, input.word32(at: start &+ 12, isBigEndian: isBigEndian)) }
        return Int(captured) <= unread &- pcapHeaderLength
    }

    /// An enhanced packet is a record or an error; any other block may be followed by more.
    @usableFromInline
    mutating func nextBlockStaysInPlace() -> Bool {
        if let merged { return input.hasRoomToPlace(merged.nextLength()) }
        guard format == .pcapng else { return false }
        let unread = input.unreadCount
        let start = input.position
        guard unread >= 12, input.word32(at: start, isBigEndian: isBigEndian) == BlockType.enhancedPacket else {
            return false
        }
        return Int(input.word32(at: start + 4, isBigEndian: isBigEndian)) <= unread
    }
}
