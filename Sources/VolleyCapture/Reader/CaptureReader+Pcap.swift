import VolleyWire

/// Records of pcap: seconds, fraction, captured length, original length, bytes.
extension CaptureReader {
    /// Takes the record at the input's position, whose header is read; `false`, and nothing happens, if its bytes are
    /// not.
    ///
    /// For the common files only: without the questions that others raise.
    @inlinable @inline(__always)
    mutating func takeCommonRecord() -> Bool {
        // SAFETY: the header, 16 bytes at least, is unread.
        let captured = unsafe Int(input.unreadWord32(at: 8))
        guard captured <= input.unreadCount &- commonHeaderLength else { return false }
        unsafe take(
            seconds: input.unreadWord32(at: 0), fraction: input.unreadWord32(at: 4), captured: captured,
            original: Int(input.unreadWord32(at: 12)))
        return true
    }

    /// The same for all files.
    private mutating func takePcapRecord() -> Bool {
        let start = input.position
        var captured = Int(input.word32(at: start + 8, isBigEndian: isBigEndian))
        var original = Int(input.word32(at: start + 12, isBigEndian: isBigEndian))
        if pcapLengthsMaySwap, captured > original { swap(&captured, &original) }
        guard captured <= input.unreadCount - pcapHeaderLength else { return false }
        take(
            seconds: input.word32(at: start, isBigEndian: isBigEndian),
            fraction: input.word32(at: start + 4, isBigEndian: isBigEndian), captured: captured, original: original)
        return true
    }

    /// Makes a record, which is read, the current one.
    @inlinable @inline(__always)
    mutating func take(seconds: UInt32, fraction: UInt32, captured: Int, original: Int) {
        let start = input.position &+ pcapHeaderLength
        current.number &+= 1
        // 2^32 seconds are less than 2^62 ns, and 2^32 thousands of ns are nothing beside them.
        current.timestampNanoseconds = Int64(seconds) &* 1_000_000_000 &+ Int64(fraction) &* pcapFraction
        current.originalLength = original
        current.bytesOffset = start
        current.bytesLength = captured
        input.position = start &+ captured
    }

    /// Reads on until the next record is in memory, and takes it.
    mutating func advancePcap() throws(CaptureError) -> Bool {
        guard try fill(atLeast: pcapHeaderLength) else {
            if input.unreadCount == 0 { return false }
            throw pcapError(
                .truncated, "the file ends after \(input.unreadCount) of the \(pcapHeaderLength) bytes of its header")
        }
        if takePcapRecord() { return true }
        let first = input.word32(at: input.position + 8, isBigEndian: isBigEndian)
        let second = input.word32(at: input.position + 12, isBigEndian: isBigEndian)
        let captured = Int(pcapLengthsMaySwap ? min(first, second) : first)
        guard captured <= Self.recordLengthMax else {
            throw pcapError(
                .corrupt,
                "it claims \(captured) bytes, more than the \(Self.recordLengthMax) a record may have"
            )
        }
        guard try fill(atLeast: pcapHeaderLength + captured) else {
            throw pcapError(
                .truncated,
                "it claims \(captured) bytes, but the file ends after \(input.unreadCount - pcapHeaderLength) of them")
        }
        return takePcapRecord()
    }

    private borrowing func pcapError(_ code: CaptureError.Code, _ message: String) -> CaptureError {
        CaptureError(code, file: name, record: current.number + 1, byteOffset: input.fileOffset, message)
    }
}
