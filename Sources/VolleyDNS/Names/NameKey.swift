import VolleyCore

/// A name in lower case with the hash of it and of every suffix: what names are looked up by.
///
/// Its octets lie in memory of fixed size, on the stack where ``with(_:_:)`` makes it. (An `InlineArray` would do, but
/// is copied whenever a span of it is taken.) The octets behind the name are zero, so that a suffix can be hashed in
/// whole words.
@safe
struct NameKey: ~Copyable {
    /// 255 octets of a name, and a word behind the last.
    private static var memorySize: Int { 264 }
    private let memory: UnsafeMutableRawPointer
    private let isOwner: Bool
    /// How many octets the name has.
    private(set) var byteCount = 0

    private init(memory: UnsafeMutableRawPointer, isOwner: Bool) {
        unsafe self.memory = memory
        self.isOwner = isOwner
    }

    /// The key of a valid name without compression, of at most 255 octets.
    init(_ name: RawSpan) {
        unsafe self.init(memory: .allocate(byteCount: Self.memorySize, alignment: 8), isOwner: true)
        assign(name)
    }

    deinit {
        // SAFETY: allocated by the initialiser that says so, and nobody else has it.
        if isOwner { unsafe memory.deallocate() }
    }

    /// Calls `body` with the key of a name, which costs no allocation.
    @inline(__always)
    static func with<Result: ~Copyable, Failure: Error>(
        _ name: RawSpan, _ body: (inout NameKey) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeTemporaryAllocation(byteCount: memorySize, alignment: 8) { buffer throws(Failure) in
            guard let memory = buffer.baseAddress else { preconditionFailure("memory of a fixed size has an address") }
            // SAFETY: the key cannot be copied, and is gone before the memory is.
            var key = unsafe NameKey(memory: memory, isOwner: false)
            key.assign(name)
            return try body(&key)
        }
    }

    /// Takes another name's place.
    mutating func assign(_ name: RawSpan) {
        let count = min(name.byteCount, WireName.byteCountMax)
        byteCount = count
        var offset = 0
        while offset &+ 8 <= count {
            // SAFETY: eight octets follow offset, and every bit pattern is a UInt64.
            let word = unsafe name.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            store(LetterCase.lower(UInt64(littleEndian: word)), at: offset)
            offset &+= 8
        }
        // The last octets, and zero up to a word beyond the name.
        var word: UInt64 = 0
        if offset < count {
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
        }
        store(LetterCase.lower(word), at: offset)
        if offset < 256 { store(0, at: offset &+ 8) }
    }

    @inline(__always)
    private func store(_ word: UInt64, at offset: Int) {
        // SAFETY: offset is a multiple of 8, at most 256, and the memory has 264 octets.
        unsafe memory.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
    }

    /// The octets.
    var bytes: RawSpan {
        @_lifetime(borrow self)
        @inline(__always)
        get {
            // SAFETY: assign has written so many octets; the memory is this key's as long as it lives.
            let span = unsafe RawSpan(_unsafeStart: memory, byteCount: byteCount)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The hash of the suffix that begins at `offset`, which must be at most ``byteCount``.
    @inline(__always)
    func hash(from offset: Int = 0) -> UInt64 {
        precondition(offset >= 0 && offset <= byteCount, "a suffix begins within the name")
        var hash = 0x9e37_79b9_7f4a_7c15 ^ UInt64(truncatingIfNeeded: byteCount &- offset)
        var position = offset
        while position < byteCount {
            // SAFETY: the memory has a word behind the last octet of the longest name.
            let word = unsafe memory.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            hash = (hash ^ UInt64(littleEndian: word)) &* 0xd6e8_feb8_6659_fd93
            hash ^= hash >> 32
            position &+= 8
        }
        return hash
    }

    /// Whether the suffix that begins at `offset` is `name`, which is in lower case.
    @inline(__always)
    func isEqual(from offset: Int, to name: RawSpan) -> Bool {
        let count = name.byteCount
        guard offset >= 0, byteCount &- offset == count else { return false }
        var position = 0
        while position &+ 8 <= count {
            // SAFETY: eight octets follow position in both: count is the length of the name and of the suffix.
            let (left, right) = unsafe (
                memory.loadUnaligned(fromByteOffset: offset &+ position, as: UInt64.self),
                name.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
            )
            guard left == right else { return false }
            position &+= 8
        }
        guard position < count else { return true }
        guard count >= 8 else { return name.hasSameBytes(as: suffix(from: offset)) }
        // SAFETY: the last eight octets of both, some of them compared before.
        return unsafe memory.loadUnaligned(fromByteOffset: byteCount &- 8, as: UInt64.self)
            == name.unsafeLoadUnaligned(fromUncheckedByteOffset: count &- 8, as: UInt64.self)
    }

    /// Where the label behind the one at `offset` begins.
    @inline(__always)
    func next(_ offset: Int) -> Int { offset &+ 1 &+ Int(bytes.bytes[offset]) }

    /// The suffix that begins at `offset`.
    @_lifetime(borrow self)
    @inline(__always)
    func suffix(from offset: Int) -> RawSpan { bytes.extracting(offset..<byteCount) }
}
