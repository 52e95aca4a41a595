import SystemPackage

/// Bytes of a capture on their way to a file: collected, and written with one `write(2)` per 256 KiB, or
/// earlier when somebody asks for it.
struct OutputBuffer {
    private static let flushThreshold = 256 * 1024

    /// What is not yet written; everything, when there is no descriptor.
    private(set) var bytes: [UInt8] = []
    /// `nil` for a capture in memory.
    let descriptor: FileDescriptor?
    /// Bytes written out by ``flush()``.
    private var flushedCount: Int64 = 0

    init(descriptor: FileDescriptor?) {
        self.descriptor = descriptor
        bytes.reserveCapacity(descriptor == nil ? 0 : Self.flushThreshold + 65_536)
    }

    /// Whether it is time to ``flush()``.
    var isFull: Bool { descriptor != nil && bytes.count >= Self.flushThreshold }

    /// All bytes so far, written out or not.
    var totalCount: Int64 { flushedCount + Int64(bytes.count) }

    /// Appends an integer in little-endian order, which is that of all files written here.
    mutating func append(_ value: some FixedWidthInteger) {
        var rest = value.littleEndian
        for _ in 0..<value.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    mutating func append(_ span: RawSpan) {
        // SAFETY: the pointer is used only to copy from, within the closure.
        unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func append(_ more: some Collection<UInt8>) {
        bytes.append(contentsOf: more)
    }

    /// Zeros up to a multiple of four bytes of a field of `length` bytes.
    mutating func pad(after length: Int) {
        for _ in 0..<(-length & 3) { bytes.append(0) }
    }

    /// Writes everything out; on an error nothing is known of how much was written.
    mutating func flush() throws(Errno) {
        guard let descriptor, !bytes.isEmpty else { return }
        do {
            try descriptor.writeAll(bytes)
        } catch {
            throw error as? Errno ?? .ioError
        }
        flushedCount += Int64(bytes.count)
        bytes.removeAll(keepingCapacity: true)
    }
}
