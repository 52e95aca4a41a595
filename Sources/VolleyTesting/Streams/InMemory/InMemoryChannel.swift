internal import SystemPackage
internal import VolleyCore

/// One direction of a stream in memory: what one side has written and the other has not read yet.
final class InMemoryChannel {
    private var bytes: [UInt8] = []
    private var start = 0
    let capacity: Int
    /// No more is written; after what is there comes the end of the stream.
    private(set) var isEnded = false
    /// What reads fail with, whatever is there: the writer has reset the connection.
    private(set) var resetErrno: Errno?
    /// The reader has gone: writes fail.
    private(set) var isBroken = false
    var onReadable: (() -> Void)?
    var onWritable: (() -> Void)?

    init(capacity: Int) { self.capacity = max(1, capacity) }

    var count: Int { bytes.count - start }
    var room: Int { isBroken ? capacity : capacity - count }
    var isReadable: Bool { count > 0 || isEnded || resetErrno != nil }

    /// Appends as much of `data` as there is room for; returns how much, or a negated errno.
    func write(_ data: UnsafeRawBufferPointer) -> Int {
        if isBroken { return -Int(Errno.brokenPipe.rawValue) }
        guard room > 0 else { return -Int(Errno.wouldBlock.rawValue) }
        let taken = unsafe UnsafeRawBufferPointer(rebasing: data[..<min(data.count, room)])
        unsafe bytes.append(contentsOf: taken)
        onReadable?()
        return taken.count
    }

    /// Moves bytes into `buffer`; returns how many, 0 at the end, or a negated errno.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if let resetErrno { return -Int(resetErrno.rawValue) }
        guard count > 0 else { return isEnded ? 0 : -Int(Errno.wouldBlock.rawValue) }
        let taken = min(count, buffer.count)
        unsafe buffer.copyBytes(from: bytes[start..<start + taken])
        start += taken
        if start == bytes.count { (bytes, start) = ([], 0) }
        onWritable?()
        return taken
    }

    /// Everything there is, which is then gone.
    func takeAll() -> [UInt8] {
        let taken = Array(bytes[start...])
        (bytes, start) = ([], 0)
        if !taken.isEmpty { onWritable?() }
        return taken
    }

    func end() {
        isEnded = true
        onReadable?()
    }

    func reset(_ errno: Errno) {
        resetErrno = errno
        onReadable?()
    }

    func breakOff() {
        isBroken = true
        onWritable?()
    }
}
