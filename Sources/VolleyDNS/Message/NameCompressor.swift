import VolleyCore

/// Where in a message the suffixes of its names lie, so that later names can point there (RFC 1035 section 4.1.4).
///
/// A fixed table on the stack: names beyond it are written out, which every reader understands too.
struct NameCompressor {
    private static let capacity = 48
    private var offsets = InlineArray<48, UInt16>(repeating: 0)
    private var hashes = InlineArray<48, UInt32>(repeating: 0)
    private var count = 0

    /// Where a suffix with this hash lies that is the one at `start` of `name`; `nil` if there is none.
    func find(_ hash: UInt32, _ suffix: RawSpan, in message: RawSpan) -> Int? {
        var index = 0
        while index < count {
            if hashes[index] == hash, WireName.isEqual(message, at: Int(offsets[index]), suffix) {
                return Int(offsets[index])
            }
            index += 1
        }
        return nil
    }

    /// Notes a suffix, if a pointer can reach it and there is room.
    mutating func note(_ hash: UInt32, at offset: Int) {
        guard offset < 0x4000, count < Self.capacity else { return }
        offsets[count] = UInt16(offset)
        hashes[count] = hash
        count += 1
    }

    /// Forgets what lies at `offset` and behind it.
    mutating func forget(from offset: Int) {
        while count > 0, Int(offsets[count - 1]) >= offset { count -= 1 }
    }

    /// A number that names of equal letters have in common.
    static func hash(_ suffix: RawSpan) -> UInt32 {
        let bytes = suffix.bytes
        var hash: UInt32 = 2_166_136_261
        var index = 0
        while index < bytes.count {
            hash = (hash ^ UInt32(LetterCase.lower(bytes[index]))) &* 16_777_619
            index += 1
        }
        return hash
    }
}
