public import SystemPackage
import VolleyWire

/// Reads captures (pcap, pcapng, snoop; compressed or not; one file or several) from start to end in constant memory.
///
/// ```swift
/// var reader = try CaptureReader(path: "dns.pcapng")
/// while let record = try reader.next() {
///     let frame = record.decode()
///     if frame.isDelivered { use(frame.payload(in: record.bytes)) }
/// }
/// ```
///
/// pcap is read in both byte orders, with microseconds, nanoseconds and the longer record headers of "modified" pcap;
/// pcapng with any number of sections in either byte order, interfaces of different link types and snap lengths,
/// decimal and binary resolutions and offsets of time stamps, enhanced, simple and obsolete packet blocks. Other blocks
/// are skipped without being kept. A packet on an interface that was never described is a record of the link type
/// ``LinkType/undescribed``, and ends in the class malformed, reason ``MalformedReason/undescribedInterface``. What has an unknown version is
/// read as if it were known; ``warnings`` tells of it.
/// Solaris' snoop files (RFC 1761) are read as well.
///
/// Files compressed with gzip, zstd, lz4, xz or bzip2 are recognised by their first bytes, whatever their name, in files,
/// pipes and memory, and decompressed by the program of that name (`gzip -dc`), which has to be installed; it is started
/// by the initialiser and ended at the latest with the reader. (Live compressed input comes in the portions in which that
/// program reads it.)
///
/// A damaged file is read up to the damage; then ``next()`` throws an error that says where and what, and throws it
/// again whenever it is asked. Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
public struct CaptureReader: ~Copyable {
    /// The longest record, pcapng interface description or packet block that is read: 16 MiB.
    public static let recordLengthMax = 16 * 1024 * 1024
    /// The most interfaces one pcapng section may describe.
    public static let interfacesMax = 65_536

    /// The file's path, or what stands for it.
    public let name: String
    /// The format of the file.
    public internal(set) var format: CaptureFormat

    @usableFromInline var input: InputBuffer
    /// The byte order of the file, or of the section of a pcapng file.
    @usableFromInline var isBigEndian = false
    /// The length of a pcap record header; 0 for pcapng.
    @usableFromInline var pcapHeaderLength = 0
    /// The same in the files that are common: in this machine's byte order, and with the lengths in their places; 0 in
    /// others.
    @usableFromInline var commonHeaderLength = 0
    /// What a fraction of a second in pcap is in nanoseconds: 1 or 1,000.
    @usableFromInline var pcapFraction: Int64 = 1
    /// Whether the two lengths of a record may be the wrong way round, as before pcap 2.4.
    @usableFromInline var pcapLengthsMaySwap = false
    /// The header of the current record; to copy it, as ``next()`` does, costs more than to take what is needed.
    @usableFromInline package var current = RecordHeader()
    /// The interfaces of the current pcapng section.
    var interfaces: [CaptureInterface] = []
    /// Blocks of a pcapng file begun so far.
    var blockCount = 0
    /// What ``warnings`` tells of.
    var oddities = CaptureOddities()
    /// The files that are read as one, if there are several.
    var merged: MergedCapture?
    /// What stopped the reading.
    private var failure: CaptureError?

    /// Opens a file; `-` is standard input.
    ///
    /// - Parameter path: the file.
    /// - Throws: ``CaptureError`` when the file cannot be opened, is empty or no capture, or is compressed and its
    ///   decompressor is missing.
    public init(path: String) throws(CaptureError) {
        if path == "-" {
            try self.init(descriptor: .standardInput, name: "standard input")
            return
        }
        let descriptor: FileDescriptor
        do {
            descriptor = try .open(FilePath(path), .readOnly, options: .closeOnExec)
        } catch {
            throw CaptureError(.cannotOpen, file: path, errno: error as? Errno, "cannot open")
        }
        try self.init(input: InputBuffer(descriptor: descriptor, owned: true), name: path)
    }

    /// Reads from an open descriptor (a file, a pipe, a socket), which the caller closes after the reader's end.
    ///
    /// - Parameters:
    ///   - descriptor: is read from where it stands.
    ///   - name: stands for the file's path in errors.
    /// - Throws: ``CaptureError``, as for ``init(path:)``.
    public init(descriptor: FileDescriptor, name: String) throws(CaptureError) {
        try self.init(input: InputBuffer(descriptor: descriptor, owned: false), name: name)
    }

    /// Reads a capture held in memory; the bytes are copied.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - name: stands for the file's path in errors.
    /// - Throws: ``CaptureError``, as for ``init(path:)``.
    public init(bytes: [UInt8], name: String = "memory") throws(CaptureError) {
        try self.init(input: InputBuffer(bytes: bytes), name: name)
    }

    private init(input: consuming InputBuffer, name: String) throws(CaptureError) {
        self.name = name
        self.input = input
        format = .pcapng
        try readFileHeader()
    }

    /// Reads several files as one, their records in the order of time.
    ///
    /// Each file is merged as it stands: records of one file keep their order, and of records of the same time that of
    /// the earlier file in `paths` comes first. A damaged file is read up to the damage, the others to their end; only
    /// then does ``next()`` throw, an error that names each damaged file. Interfaces keep the numbers they have in their
    /// file. All files are open at once, each with a buffer of its own.
    ///
    /// - Parameter paths: one file at least, of any format and compression; `-` is standard input. See
    ///   ``CapturePaths/expand(_:)`` for patterns.
    /// - Throws: ``CaptureError``, as for ``init(path:)``, for the first file that cannot be used.
    public init(paths: [String]) throws(CaptureError) {
        if paths.count == 1 {
            try self.init(path: paths[0])
            return
        }
        guard !paths.isEmpty else { throw CaptureError(.empty, file: "nothing", "there is no file to read") }
        try self.init(merging: MergedCapture(paths: paths))
    }

    private init(merging merged: MergedCapture) {
        name = merged.name
        input = InputBuffer(bytes: [])
        format = .pcapng
        self.merged = merged
    }

    /// How many records were read so far.
    @inlinable public var recordCount: Int { current.number }

    /// How many bytes of the file, or of all files together, were used so far, for progress.
    ///
    /// Of a compressed file they are counted as they are stored, and by what its decompressor has taken, which is ahead
    /// of the records.
    public var byteOffset: Int64 { merged?.byteOffset ?? input.storedOffset }

    /// The next record, or `nil` at the end of the file.
    ///
    /// The record is a view into the reader and ends with the next call.
    @inlinable @inline(__always) @_lifetime(&self)
    public mutating func next() throws(CaptureError) -> CaptureRecord? {
        guard try advance() else { return nil }
        return CaptureRecord(
            bytes: input.slice(current.bytesOffset, current.bytesLength),
            options: input.slice(current.optionsOffset, current.optionsLength), header: current)
    }

    /// The bytes of the current record.
    @inlinable
    package var recordBytes: RawSpan {
        @inline(__always) @_lifetime(borrow self)
        get { input.slice(current.bytesOffset, current.bytesLength) }
    }

    /// `count` bytes of the current record from `offset` on, which must be in it.
    @inlinable @inline(__always) @_lifetime(borrow self)
    package func recordBytes(from offset: Int, count: Int) -> RawSpan {
        input.slice(current.bytesOffset &+ offset, count)
    }

    /// Makes the next record the current one; records of pcap that are wholly in memory never leave this function.
    @inlinable @inline(__always)
    mutating func advance() throws(CaptureError) -> Bool {
        if advanceInPlace() { return true }
        return try advanceSlowly()
    }

    /// Makes the next record the current one if it is a common one of pcap, and wholly in memory; nothing is moved
    /// then.
    @inlinable @inline(__always)
    package mutating func advanceInPlace() -> Bool {
        commonHeaderLength != 0 && input.unreadCount >= commonHeaderLength && takeCommonRecord()
    }

    /// Makes the next record the current one, whatever it takes; `false` at the end of the file.

    @usableFromInline
    package mutating func advanceSlowly() throws(CaptureError) -> Bool {
        if let failure { throw failure }
        do {
            if pcapHeaderLength != 0 { return try advancePcap() }
            if let merged { return try advance(merged) }
            return format == .snoop ? try advanceSnoop() : try advancePcapng()
        } catch {
            failure = error
            throw error
        }
    }
}

/// Reading and complaining, for the formats.
extension CaptureReader {
    /// Reads until `count` bytes are unread; `false` when the file ends before.
    mutating func fill(atLeast count: Int) throws(CaptureError) -> Bool {
        do {
            return try input.fill(atLeast: count)
        } catch {
            throw readFailure(error)
        }
    }

    /// Moves past `count` bytes; `false` when the file ends before.
    mutating func skip(_ count: Int) throws(CaptureError) -> Bool {
        do {
            return try input.skip(count)
        } catch {
            throw readFailure(error)
        }
    }

    private borrowing func readFailure(_ failure: InputFailure) -> CaptureError {
        guard let complaint = failure.complaint else {
            return CaptureError(
                .readFailed, file: name, byteOffset: input.fileOffset, errno: failure.errno, "cannot read")
        }
        return CaptureError(
            .decompressionFailed, file: name, record: current.number + 1, byteOffset: input.fileOffset,
            "cannot be decompressed any further: \(complaint)")
    }
}
