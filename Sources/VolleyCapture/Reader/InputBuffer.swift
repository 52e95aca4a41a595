internal import SystemPackage

/// Bytes of a capture on their way to the parser: one region of memory, filled by `read(2)`, used over and over.
///
/// The region begins at 256 KiB and grows only for a single record or block that is longer, so that memory does not
/// depend on the length of the file. Bytes given in memory are the region, all at once.
///
/// This is the one file of the reader with pointers: it owns the memory and lends it as spans.
@safe @usableFromInline
struct InputBuffer: ~Copyable {
    private static var initialCapacity: Int { 256 * 1024 }

    @usableFromInline var memory: UnsafeMutableRawBufferPointer
    /// How many bytes of the region hold bytes of the file.
    @usableFromInline var filledCount: Int
    /// The first byte not yet parsed, as an offset in the region; never more than `filledCount`.
    @usableFromInline var position = 0
    /// Where in the file the region begins.
    private var memoryFileOffset: Int64 = 0
    /// What is read from; `nil` for bytes in memory and after the end of the file.
    private var source: FileDescriptor?
    private let descriptorToClose: FileDescriptor?

    /// Reads from `descriptor`, which is closed at the end if it is `owned`.
    init(descriptor: FileDescriptor, owned: Bool) {
        unsafe memory = .allocate(byteCount: Self.initialCapacity, alignment: 16)
        filledCount = 0
        source = descriptor
        descriptorToClose = owned ? descriptor : nil
    }

    /// Holds a copy of `bytes`.
    init(bytes: [UInt8]) {
        unsafe memory = .allocate(byteCount: bytes.count, alignment: 16)
        unsafe memory.copyBytes(from: bytes)
        filledCount = bytes.count
        source = nil
        descriptorToClose = nil
    }

    // Inlinable, since the optimiser of Swift 6.3 stops on an assertion when it meets another deinit in inlinable code.
    @inlinable
    deinit {
        unsafe memory.deallocate()
        close()
    }

    @usableFromInline
    borrowing func close() {
        // Nothing was written, so there is nothing that a failing close could lose.
        try? descriptorToClose?.close()
    }

    /// The filled part of the region.
    @inlinable
    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // SAFETY: the first `filledCount` bytes are initialised, and `self`, which is borrowed as long as the span
            // lives, frees or overwrites them only in mutating methods.
            unsafe lend(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: memory[..<filledCount])), from: self)
        }
    }

    /// The 16-bit number at `offset` in the region.
    @inlinable @inline(__always)
    func word16(at offset: Int, isBigEndian: Bool) -> UInt16 {
        bytes.fileOrder16(at: offset, isBigEndian: isBigEndian)
    }

    /// The 32-bit number at `offset` in the region.
    @inlinable @inline(__always)
    func word32(at offset: Int, isBigEndian: Bool) -> UInt32 {
        bytes.fileOrder32(at: offset, isBigEndian: isBigEndian)
    }

    /// How many bytes are read and not yet parsed.
    @inlinable var unreadCount: Int { filledCount &- position }

    /// Where in the file ``position`` is.
    var fileOffset: Int64 { memoryFileOffset + Int64(position) }

    /// Reads until `count` bytes are unread; offsets into the region change.
    ///
    /// - Returns: `false` when the file ends before.
    mutating func fill(atLeast count: Int) throws(Errno) -> Bool {
        if unreadCount >= count { return true }
        guard source != nil else { return false }
        makeRoom(for: count)
        while unreadCount < count {
            guard try readMore() else { return false }
        }
        return true
    }

    /// Moves past `count` bytes, which need not be read yet and may be more than memory holds.
    ///
    /// - Returns: `false` when the file ends before.
    mutating func skip(_ count: Int) throws(Errno) -> Bool {
        var left = count
        while left > unreadCount {
            left -= unreadCount
            memoryFileOffset += Int64(filledCount)
            position = 0
            filledCount = 0
            guard try readMore() else { return false }
        }
        position += left
        return true
    }

    /// Moves what is unread to the front and grows the region if `count` bytes do not fit.
    private mutating func makeRoom(for count: Int) {
        let unread = unreadCount
        let old = unsafe memory
        if count > old.count {
            unsafe memory = .allocate(byteCount: max(count, 2 * old.count), alignment: 16)
        }
        // SAFETY: the old region holds the unread bytes, and the new one, be it the same, has room for `count`, which
        // is more; `copyMemory` allows overlap.
        unsafe memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: old[position..<filledCount]))
        if unsafe memory.baseAddress != old.baseAddress { unsafe old.deallocate() }
        memoryFileOffset += Int64(position)
        position = 0
        filledCount = unread
    }

    /// One `read(2)` into the free end of the region; `false` at the end of the file.
    private mutating func readMore() throws(Errno) -> Bool {
        guard let descriptor = source else { return false }
        let count: Int
        do {
            // SAFETY: the slice is memory this value owns, behind the filled part.
            count = unsafe try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[filledCount...]))
        } catch {
            throw error as? Errno ?? .ioError
        }
        filledCount += count
        if count == 0 { source = nil }
        return count > 0
    }
}

/// Makes `span`, made from a pointer, depend on the owner of what it points to.
///
/// The standard library's `_overrideLifetime` is not public; this is the same for one type.
@unsafe @inlinable @_unsafeNonescapableResult @_lifetime(borrow owner)
func lend(_ span: RawSpan, from owner: borrowing InputBuffer) -> RawSpan { span }
