import VolleyCore

/// A name in lower case on the stack, with the hash of it and of every suffix: what names are looked up by.
///
/// The octets behind the name are zero, so that a suffix can be hashed in whole words.
struct NameKey: ~Copyable {
    private var words = InlineArray<33, UInt64>(repeating: 0)
    /// How many octets the name has.
    private(set) var byteCount = 0

    /// The key of a valid name without compression; of at most 255 octets.
    init(_ name: RawSpan) { assign(name) }

    /// Takes another name's place.
    mutating func assign(_ name: RawSpan) {
        let count = min(name.byteCount, WireName.byteCountMax)
        let before = byteCount
        byteCount = count
        var (index, offset) = (0, 0)
        while offset &+ 8 <= count {
            // SAFETY: eight octets follow offset, and every bit pattern is a UInt64.
            let word = unsafe name.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            words[index] = LetterCase.lower(UInt64(littleEndian: word))
            index &+= 1
            offset &+= 8
        }
        if offset < count {
            var word: UInt64 = 0
            if count >= 8 {
                // SAFETY: the last eight octets of the name.
                word = unsafe name.unsafeLoadUnaligned(fromUncheckedByteOffset: count &- 8, as: UInt64.self)
                word = UInt64(littleEndian: word) >> UInt64(8 &* (8 &- (count &- offset)))
            } else {
                let bytes = name.bytes
                var position = count
                while position > offset {
                    position &-= 1
                    word = word << 8 | UInt64(bytes[position])
                }
            }
            words[index] = LetterCase.lower(word)
            index &+= 1
        }
        while index &* 8 < before {
            words[index] = 0
            index &+= 1
        }
    }

    /// The octets.
    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: every octet of an integer is initialised, and a UInt64 has no padding.
            unsafe words.span.bytes.extracting(0..<byteCount)
        }
    }

    /// The hash of the suffix that begins at `offset`, which must be at most ``byteCount``.
    @inline(__always)
    func hash(from offset: Int = 0) -> UInt64 {
        let raw = unsafe words.span.bytes
        var hash = 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: byteCount &- offset)
        var position = offset
        while position < byteCount {
            // SAFETY: the words reach at least eight octets beyond the name, which has at most 255.
            let word = unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
            hash = (hash ^ UInt64(littleEndian: word)) &* 0xd6e8_feb8_6659_fd93
            hash ^= hash >> 32
            position &+= 8
        }
        return hash
    }

    /// Where the label behind the one at `offset` begins.
    @inline(__always)
    func next(_ offset: Int) -> Int { offset &+ 1 &+ Int(bytes.bytes[offset]) }

    /// The suffix that begins at `offset`.
    @_lifetime(borrow self)
    func suffix(from offset: Int) -> RawSpan { bytes.extracting(offset..<byteCount) }
}
