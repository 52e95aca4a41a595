internal import SystemPackage
internal import VolleyCore

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
    /// What the bytes come out of, if the file is compressed.
    private(set) var decompressor: Decompressor?
    private var nesting = 0

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

    /// The 32-bit little-endian number at `offset` behind ``position``; it must lie in what is unread.
    @unsafe @inlinable @inline(__always)
    func unreadWord32(at offset: Int) -> UInt32 {
        unsafe UInt32(
            littleEndian: memory.baseAddress.unsafelyUnwrapped.loadUnaligned(
                fromByteOffset: position &+ offset, as: UInt32.self))
    }

    /// `count` bytes of the filled part from `start` on.
    @inlinable @inline(__always) @_lifetime(borrow self)
    func slice(_ start: Int, _ count: Int) -> RawSpan {
        precondition(UInt(bitPattern: start) &+ UInt(bitPattern: count) <= UInt(bitPattern: filledCount))
        // SAFETY: neither is negative, by their types in the formats; for the pointer, see `bytes`.
        return unsafe lend(
            RawSpan(_unsafeStart: UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped + start), byteCount: count),
            from: self)
    }

    /// How many bytes are read and not yet parsed.
    @inlinable var unreadCount: Int { filledCount &- position }

    /// Where in the file ``position`` is.
    var fileOffset: Int64 { memoryFileOffset + Int64(position) }

    /// Reads until `count` bytes are unread; offsets into the region change.
    ///
    /// - Returns: `false` when the file ends before.
    mutating func fill(atLeast count: Int) throws(InputFailure) -> Bool {
        if unreadCount >= count { return true }
        guard source != nil || decompressor != nil else { return false }
        makeRoom(for: count)
        while unreadCount < count {
            guard try readMore() else { return false }
        }
        return true
    }

    /// Moves past `count` bytes, which need not be read yet and may be more than memory holds.
    ///
    /// - Returns: `false` when the file ends before.
    mutating func skip(_ count: Int) throws(InputFailure) -> Bool {
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

    /// One read into the free end of the region; `false` at the end of the file.
    private mutating func readMore() throws(InputFailure) -> Bool {
        // SAFETY: the slice is memory this value owns, behind the filled part.
        let room = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[filledCount...])
        let count: Int
        if let decompressor {
            count = unsafe try decompressor.read(into: room)
        } else if let descriptor = source {
            do {
                count = unsafe try descriptor.read(into: room)
            } catch {
                throw InputFailure(errno: error as? Errno ?? .ioError)
            }
            if count == 0 { source = nil }
        } else {
            return false
        }
        filledCount += count
        return count > 0
    }
}

/// Compressed files, and records of other readers.
extension InputBuffer {
    /// Puts a decompressor before everything read so far, of which nothing may be parsed yet.
    ///
    /// - Returns: `false` when there are too many over each other already.
    mutating func decompress(_ compression: Compression) throws(InputFailure) -> Bool {
        precondition(position == 0 && memoryFileOffset == 0, "bytes are parsed already")
        guard nesting < Compression.nestingMax else { return false }
        nesting += 1
        let next: Decompressor
        if let decompressor {
            next = try Decompressor(compression, .stream(unreadBytes, .decompressor(decompressor)))
        } else if let source, ChildStreams.rewind(source, by: filledCount) {
            next = try Decompressor(compression, .file(source))
        } else {
            next = try Decompressor(compression, .stream(unreadBytes, source.map { .descriptor($0) }))
        }
        decompressor = next
        filledCount = 0
        // Bytes given in memory may be fewer than a header.
        makeRoom(for: Self.initialCapacity)
        return true
    }

    /// How many bytes of the file were used so far, as it is stored.
    var storedOffset: Int64 { decompressor?.inputOffset ?? fileOffset }

    /// Takes in a record of another reader's, as if it had been read and parsed.
    ///
    /// It stands behind the ones before it, unless there is no room: then they are written over.
    ///
    /// - Returns: where the first of its bytes is; those of its options follow them.
    mutating func place(_ bytes: RawSpan, _ options: RawSpan) -> Int {
        let count = bytes.byteCount + options.byteCount
        if !hasRoomToPlace(count) {
            memoryFileOffset += Int64(filledCount)
            position = 0
            filledCount = 0
            makeRoom(for: max(count, Self.initialCapacity))
        }
        let start = filledCount
        copy(bytes, to: start)
        copy(options, to: start + bytes.byteCount)
        filledCount += count
        position = filledCount
        return start
    }

    /// Whether ``place(_:_:)`` would leave what is there where it is.
    func hasRoomToPlace(_ count: Int) -> Bool { unsafe count <= memory.count - filledCount }

    private func copy(_ span: RawSpan, to offset: Int) {
        guard span.byteCount > 0 else { return }
        unsafe span.withUnsafeBytes { source in
            // SAFETY: `place` has made room behind the filled part for what it copies.
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: source)
        }
    }

    private var unreadBytes: [UInt8] { [UInt8](copying: bytes.extracting(position..<filledCount)) }
}

/// Makes `span`, made from a pointer, depend on the owner of what it points to.
///
/// The standard library's `_overrideLifetime` is not public; this is the same for one type.
@unsafe @inlinable @_unsafeNonescapableResult @_lifetime(borrow owner)
func lend(_ span: RawSpan, from owner: borrowing InputBuffer) -> RawSpan { span }
