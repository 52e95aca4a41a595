internal import SystemPackage
import VolleyCore

/// The memory plain protocols receive into: one for all connections of a replay.
@safe
final class StreamReceiveMemory {
    let buffer: UnsafeMutableRawBufferPointer

    init() {
        // SAFETY: freed in deinit; every world that hands it out holds this object.
        unsafe buffer = .allocate(byteCount: 262_144, alignment: 16)
    }

    deinit { unsafe buffer.deallocate() }
}

/// The `StreamWorld` of one connection of a capture: what has been put together waits here until it is read, and what is
/// written is compared and kept.
@safe
final class StreamReplayWorld: StreamWorld, ReassembledStream {
    private weak var transport: FlowTransport?
    private let loop: VirtualEventLoop
    private let memory: StreamReceiveMemory
    private let gaps: StreamGapPolicy
    private let waitingMax: Int
    private let keepsWritten: Bool
    private let comparator: StreamComparator?

    private var waiting: [UInt8] = []
    private var waitingStart = 0
    /// What comes behind what waits: 0 for the end of the stream, or an errno.
    private var ending: CInt?
    private var isReading = false
    private var isReadScheduled = false
    private var isAwaitingWritable = false
    private var isBroken = false
    private(set) var isShutDown = false

    /// Everything written, if that is kept.
    private(set) var written: [UInt8] = []
    private(set) var hasWrittenEnd = false
    /// Bytes that came when nobody could take them any more: the protocol had closed, or the stream had ended otherwise.
    private(set) var untakenBytes = 0
    /// The most bytes that ever waited.
    private(set) var waitingPeak = 0

    init(
        _ transport: FlowTransport, loop: VirtualEventLoop, memory: StreamReceiveMemory, options: StreamReplayOptions,
        comparator: StreamComparator?
    ) {
        self.transport = transport
        self.loop = loop
        self.memory = memory
        self.comparator = comparator
        gaps = options.gaps
        waitingMax = max(1, options.receiveBufferSize)
        keepsWritten = options.keepsWritten
    }

    var waitingBytes: Int { waiting.count - waitingStart }
    private var isReadable: Bool { waitingBytes > 0 || ending != nil }
    /// Whether the next turn brings the protocol something.
    var hasReadPending: Bool { isReading && isReadable }

    // MARK: What the capture brings

    func take(_ bytes: RawSpan) {
        guard ending == nil, !isShutDown else {
            untakenBytes += bytes.byteCount
            return
        }
        guard bytes.byteCount <= waitingMax - waitingBytes else {
            untakenBytes += bytes.byteCount
            return end(.noBufferSpace)
        }
        // SAFETY: the bytes are copied within the call.
        unsafe bytes.withUnsafeBytes { unsafe waiting.append(contentsOf: $0) }
        waitingPeak = max(waitingPeak, waitingBytes)
        scheduleRead()
    }

    func takeGap(_ count: Int64, at offset: Int64) {
        if gaps == .endStream { end(.connectionAbort) }
    }

    func takeEnd() {
        if ending == nil { ending = 0 }
        scheduleRead()
    }

    /// Ends the stream with an error, after what waits.
    func end(_ errno: Errno) {
        isBroken = true
        if ending == nil || ending == 0, !isShutDown { ending = errno.rawValue }
        scheduleRead()
    }

    // MARK: Reading

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(waitingBytes, buffer.count)
        guard count > 0 else { return ending.map { -Int($0) } ?? -Int(Errno.wouldBlock.rawValue) }
        // SAFETY: `count` is at most what the buffer takes.
        unsafe buffer.copyBytes(from: waiting[waitingStart..<waitingStart + count])
        waitingStart += count
        if waitingStart == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.capacity <= 65_536)
            waitingStart = 0
        } else if waitingStart > 65_536, waitingStart > waiting.count / 2 {
            waiting.removeFirst(waitingStart)
            waitingStart = 0
        }
        return count
    }

    var receiveBuffer: UnsafeMutableRawBufferPointer { unsafe memory.buffer }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        scheduleRead()
    }

    /// Some reads a turn, so that an instant with its bounded number of turns is enough for small buffers too.
    private func scheduleRead() {
        guard hasReadPending, !isReadScheduled else { return }
        isReadScheduled = true
        loop.callSoon { [weak self] in
            guard let self else { return }
            isReadScheduled = false
            for _ in 0..<64 where hasReadPending { transport?.readable() }
            scheduleRead()
        }
    }

    // MARK: Writing

    /// Takes everything: nobody is slow here.
    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int {
        if isBroken { return -Int(Errno.brokenPipe.rawValue) }
        var total = 0
        for index in 0..<count {
            // SAFETY: the transport vouches for `count` vectors and their bytes until this returns.
            let vector = unsafe vectors[index]
            let bytes = unsafe RawSpan(_unsafeStart: vector.start, byteCount: vector.count)
            comparator?.write(bytes)
            if keepsWritten { written += Array(copying: bytes) }
            total += bytes.byteCount
        }
        return total
    }

    /// Nothing here blocks; somebody who wraps this world may.
    func setAwaitingWritable(_ isOn: Bool) {
        guard isOn != isAwaitingWritable else { return }
        isAwaitingWritable = isOn
        scheduleWritable()
    }

    private func scheduleWritable() {
        guard isAwaitingWritable else { return }
        loop.callSoon { [weak self] in
            guard let self, isAwaitingWritable else { return }
            transport?.writable()
            scheduleWritable()
        }
    }

    func shutDownWriting() -> Int {
        hasWrittenEnd = true
        return 0
    }

    func shutDown(isAborted: Bool) {
        isReading = false
        isAwaitingWritable = false
        isShutDown = true
        if !isAborted { hasWrittenEnd = true }
        untakenBytes += waitingBytes
        (waiting, waitingStart) = ([], 0)
    }

    func extraInfo(_ name: String) -> (any Sendable)? { nil }
}
