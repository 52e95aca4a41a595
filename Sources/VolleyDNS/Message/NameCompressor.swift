import VolleyCore

/// Where in a message the suffixes of its names lie, so that later names can point there (RFC 1035 section 4.1.4).
///
/// A fixed table on the stack: names beyond it are written out, which every reader understands too. A suffix is known
/// by its length and first letters, which costs next to nothing, and then compared.
struct NameCompressor {
    private static let capacity = 48
    private var offsets = InlineArray<48, UInt16>(repeating: 0)
    private var marks = InlineArray<48, UInt32>(repeating: 0)
    private var count = 0

    /// Where the suffix that begins at `offset` of `name` lies in the message that begins at `start`; `nil` if it has
    /// not been written.
    ///
    /// Mutating, though it changes nothing: a method that is not would be called with a copy of the table.
    mutating func find(
        _ name: RawSpan, from offset: Int, in output: borrowing OutputRawSpan, _ start: Int
    ) -> Int? {
        let mark = Self.mark(name, offset)
        var index = 0
        while index < count {
            if marks[index] == mark {
                let suffix = name.extracting(offset..<name.byteCount)
                let message = output.bytes.extracting(start..<output.byteCount)
                if WireName.isEqual(message, at: Int(offsets[index]), suffix) { return Int(offsets[index]) }
            }
            index &+= 1
        }
        return nil
    }

    /// Notes that a suffix of `name` lies at `place`, if a pointer can reach it and there is room.
    mutating func note(_ name: RawSpan, from offset: Int, at place: Int) {
        guard place < 0x4000, count < Self.capacity else { return }
        offsets[count] = UInt16(place)
        marks[count] = Self.mark(name, offset)
        count &+= 1
    }

    /// Forgets what lies at `offset` and behind it.
    mutating func forget(from offset: Int) {
        while count > 0, Int(offsets[count - 1]) >= offset { count -= 1 }
    }

    /// A number that suffixes of equal letters have in common: length, first label's length, two letters of it.
    private static func mark(_ name: RawSpan, _ offset: Int) -> UInt32 {
        let bytes = name.bytes
        let length = bytes[offset]
        let last = offset &+ Int(length) < bytes.count ? bytes[offset &+ Int(length)] : 0
        let first = offset &+ 1 < bytes.count ? bytes[offset &+ 1] : 0
        return UInt32(truncatingIfNeeded: bytes.count &- offset) << 24 | UInt32(length) << 16
            | UInt32(LetterCase.lower(first)) << 8 | UInt32(LetterCase.lower(last))
    }
}
