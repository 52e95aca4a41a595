internal import SystemPackage
internal import VolleyCore

/// The `StreamWorld` of an ``InMemoryStream``: two channels where a socket has the kernel.
@safe
final class InMemoryStreamWorld: StreamWorld {
    private let loop: ManualEventLoop
    private unowned let transport: FlowTransport
    private let faults: StreamFaults
    private let incoming: InMemoryChannel
    private let outgoing: InMemoryChannel
    let receiveBuffer: UnsafeMutableRawBufferPointer
    private var isReading = false
    private var isAwaitingWritable = false
    private var isReadScheduled = false
    private var isWriteScheduled = false
    private(set) var isShutDown = false

    init(
        _ transport: FlowTransport, loop: ManualEventLoop, faults: StreamFaults, incoming: InMemoryChannel,
        outgoing: InMemoryChannel
    ) {
        self.loop = loop
        self.transport = transport
        self.faults = faults
        self.incoming = incoming
        self.outgoing = outgoing
        // SAFETY: freed in deinit; the transport reads into it only while it has this world.
        unsafe receiveBuffer = .allocate(byteCount: 65_536, alignment: 16)
        incoming.onReadable = { [weak self] in self?.scheduleRead() }
        outgoing.onWritable = { [weak self] in self?.scheduleWrite() }
        faults.onUnblocked = { [weak self] in self?.scheduleWrite() }
        faults.onReadScripted = { [weak self] in self?.scheduleRead() }
    }

    deinit { unsafe receiveBuffer.deallocate() }

    // MARK: Reading

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if let errno = faults.nextRead() { return -Int(errno.rawValue) }
        return unsafe incoming.read(into: buffer)
    }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        scheduleRead()
    }

    /// One read a turn, as with a loop that is told of every descriptor once a turn.
    private func scheduleRead() {
        guard isReading, !isReadScheduled, incoming.isReadable || !faults.readScript.isEmpty else { return }
        isReadScheduled = true
        loop.callSoon { [weak self] in
            guard let self else { return }
            isReadScheduled = false
            if isReading { transport.readable() }
            scheduleRead()
        }
    }

    // MARK: Writing

    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int {
        let offered = (0..<count).reduce(0) { unsafe $0 + vectors[$1].count }
        let allowed = faults.nextWrite(offered)
        var result = allowed
        if allowed > 0 {
            result = 0
            for index in 0..<count where result < allowed {
                let vector = unsafe vectors[index]
                let piece = unsafe UnsafeRawBufferPointer(
                    start: vector.start, count: min(vector.count, allowed - result))
                let taken = unsafe outgoing.write(piece)
                if taken < 0 {
                    if result == 0 { result = taken }
                    break
                }
                result += taken
                if taken < piece.count { break }
            }
        }
        faults.noteWrite(offered: offered, vectors: count, result: result)
        return result
    }

    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        scheduleWrite()
    }

    private func scheduleWrite() {
        guard isAwaitingWritable, !isWriteScheduled, !faults.isWritingBlocked, outgoing.room > 0 else { return }
        isWriteScheduled = true
        loop.callSoon { [weak self] in
            guard let self else { return }
            isWriteScheduled = false
            guard isAwaitingWritable, !faults.isWritingBlocked else { return }
            transport.writable()
            scheduleWrite()
        }
    }

    func shutDownWriting() -> Int {
        outgoing.end()
        return 0
    }

    func shutDown(isAborted: Bool) {
        isReading = false
        isAwaitingWritable = false
        isShutDown = true
        outgoing.end()
        incoming.breakOff()
    }

    func extraInfo(_ name: String) -> (any Sendable)? { nil }
}
