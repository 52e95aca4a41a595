/// Where the next frame of some bytes lies.
struct FoundFrame {
    /// What the frame carries.
    let body: Range<Int>
    /// The frame's bytes in all, from the first.
    let total: Int
}

/// The bytes of a stream that are not yet a frame, for the framings of both kinds of protocol.
///
/// Bytes that come as a whole number of frames are never copied; of others, only the last, unfinished frame is.
struct FrameBuffer {
    private var storage: [UInt8] = []
    private var start = 0
    private var end = 0

    var count: Int { end - start }

    /// Lends free room behind the bytes there are; at least `minimum` bytes of it.
    mutating func lend(to loan: inout BufferLoan, atLeast minimum: Int) {
        makeRoom(for: minimum)
        loan.lend(&storage, from: end)
    }

    /// Notes that `count` bytes of the room lent last have been filled.
    mutating func fill(_ count: Int) { end = min(end + max(0, count), storage.count) }

    /// Copies bytes behind those there are.
    mutating func append(_ data: RawSpan) {
        guard !data.isEmpty else { return }
        makeRoom(for: data.byteCount)
        let end = end
        unsafe storage.withUnsafeMutableBytes { storage in
            unsafe data.withUnsafeBytes { data in
                // SAFETY: there is room for them behind `end`; the memory is this buffer's own.
                unsafe UnsafeMutableRawBufferPointer(rebasing: storage[end...]).copyMemory(from: data)
            }
        }
        self.end = end + data.byteCount
    }

    private mutating func makeRoom(for minimum: Int) {
        if start == end { (start, end) = (0, 0) }
        guard storage.count - end < minimum else { return }
        if start > 0 {
            for index in 0..<count { storage[index] = storage[start + index] }
            (start, end) = (0, count)
        }
        let missing = minimum - (storage.count - end)
        if missing > 0 { storage.append(contentsOf: repeatElement(0, count: max(missing, storage.count, 512))) }
    }

    /// Gives `body` the frames of what is there and then of `data`, until it returns false; what is left is kept.
    mutating func split(
        _ data: RawSpan, _ find: (RawSpan) throws(FramingError) -> FoundFrame?, _ body: (RawSpan) -> Bool
    ) throws(FramingError) {
        guard count == 0 else {
            append(data)
            // Its own reference: the frames are views of it, whatever `body` does.
            let bytes = storage
            return start += try Self.split(RawSpan(bytes.span).extracting(start..<end), find, body)
        }
        let used = try Self.split(data, find, body)
        append(data.extracting(used...))
    }

    /// How many bytes, from the front, `body` has been given as frames.
    private static func split(
        _ data: RawSpan, _ find: (RawSpan) throws(FramingError) -> FoundFrame?, _ body: (RawSpan) -> Bool
    ) throws(FramingError) -> Int {
        var offset = 0
        while offset < data.byteCount {
            let rest = data.extracting(offset...)
            guard let frame = try find(rest) else { break }
            offset += frame.total
            if !body(rest.extracting(frame.body)) { break }
        }
        return offset
    }
}
