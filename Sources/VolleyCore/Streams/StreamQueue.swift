internal import DequeModule

/// The bytes the kernel could not take yet, in chunks of memory: each byte is copied once, into its chunk.
@safe
struct StreamQueue: ~Copyable {
    /// Some memory, of which the part `start..<end` waits to be sent.
    @safe
    private struct Chunk {
        let memory: UnsafeMutableRawBufferPointer
        var start = 0
        var end = 0

        init(capacity: Int) {
            // SAFETY: freed when the chunk leaves the queue, or with the queue.
            unsafe memory = .allocate(byteCount: capacity, alignment: 16)
        }

        var count: Int { end - start }
        func deallocate() { unsafe memory.deallocate() }
    }

    private var chunks = Deque<Chunk>()
    /// Bytes that wait.
    private(set) var size = 0

    /// Chunks grow from the first size to the last, as the queue does.
    private static let capacityMin = 4_096
    private static let capacityMax = 262_144

    init() {}

    deinit { for chunk in chunks { chunk.deallocate() } }

    var isEmpty: Bool { size == 0 }
    var chunkCount: Int { chunks.count }

    /// Copies `bytes` behind what is there.
    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = unsafe bytes
        size += rest.count
        if !chunks.isEmpty { unsafe rest = fillLast(rest) }
        guard unsafe !rest.isEmpty else { return }
        let previous = unsafe chunks.last?.memory.count ?? 0
        let capacity = min(max(previous &* 2, Self.capacityMin), Self.capacityMax)
        chunks.append(Chunk(capacity: max(capacity, rest.count)))
        _ = unsafe fillLast(rest)
    }

    /// Copies as much as fits into the last chunk, and returns the rest.
    private mutating func fillLast(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let last = chunks.count - 1
        let end = chunks[last].end
        let count = unsafe min(bytes.count, chunks[last].memory.count - end)
        // SAFETY: `count` bytes are there, and as many are free behind `end`.
        unsafe UnsafeMutableRawBufferPointer(rebasing: chunks[last].memory[end...])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        chunks[last].end = end + count
        return unsafe UnsafeRawBufferPointer(rebasing: bytes[count...])
    }

    /// Points vectors at what waits, in order, and returns how many it took; they hold until the queue is changed.
    func point(_ vectors: UnsafeMutableBufferPointer<StreamVector>) -> Int {
        let count = min(vectors.count, chunks.count)
        for index in 0..<count {
            let chunk = chunks[index]
            // SAFETY: a chunk's memory is not empty; the vectors have room for `count`.
            unsafe vectors.initializeElement(
                at: index,
                to: StreamVector(
                    start: UnsafeRawPointer(chunk.memory.baseAddress.unsafelyUnwrapped + chunk.start),
                    count: chunk.count))
        }
        return count
    }

    /// Forgets the first `count` bytes, which have been sent.
    mutating func removeFirst(_ count: Int) {
        size -= count
        var rest = count
        while rest > 0, let first = chunks.first {
            if first.count > rest {
                chunks[0].start += rest
                return
            }
            rest -= first.count
            first.deallocate()
            chunks.removeFirst()
        }
        if chunks.isEmpty { chunks = Deque() }
    }

    /// Forgets everything, and returns how many bytes that was.
    mutating func removeAll() -> Int {
        for chunk in chunks { chunk.deallocate() }
        chunks = Deque()
        defer { size = 0 }
        return size
    }
}
