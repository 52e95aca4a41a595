internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The live `DatagramWorld`: a non-blocking kernel socket in an ``EpollLoop``.
@safe
final class SocketWorld: DatagramWorld, EpollHandler {
    private let loop: EpollLoop
    private let descriptor: CInt
    private let addressing: SocketAddressing
    // The transport owns this world and outlives every use: the loop holds it until `shutDown`.
    private unowned(unsafe) let owner: RingTransport
    private var transport: RingTransport { unsafe owner }
    private let receiveRing: ReceiveRing
    private let sendHeaders: SendHeaders
    private let recvmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int
    /// Nil unless errors are asked for.
    private let errorQueue: ErrorQueue?
    private let sendmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int

    private var token: EpollLoop.Token?
    private var interest: UInt32 = 0
    private let state: UnsafeMutablePointer<State>
    private var backOff: Backoff?
    private var lastDropCount: UInt32
    private var drops: UInt64 = 0

    /// What every wake-up looks at: behind a pointer, where looking costs a load and no check for exclusive access.
    private struct State {
        var isReading = false
        var isAwaitingWritable = false
        /// How many datagrams the next receive asks for: doubled after a full batch, halved after a nearly empty one.
        var depth: Int
    }
    private var isReading: Bool {
        get { unsafe state.pointee.isReading }
        set { unsafe state.pointee.isReading = newValue }
    }
    private var isAwaitingWritable: Bool {
        get { unsafe state.pointee.isAwaitingWritable }
        set { unsafe state.pointee.isAwaitingWritable = newValue }
    }
    private var depth: Int {
        get { unsafe state.pointee.depth }
        set { unsafe state.pointee.depth = newValue }
    }

    /// What one wake-up may do before the loop's other work gets its turn.
    private enum Budget {
        static let batches = 16
        static let nanoseconds: Int64 = 500_000
        static let errors = 16
        static let depthMin = 8
    }

    init(_ descriptor: CInt, transport: RingTransport, loop: EpollLoop, setup: SocketSetup) {
        self.descriptor = descriptor
        unsafe owner = transport
        self.loop = loop
        addressing = setup.addressing
        receiveRing = ReceiveRing(
            capacity: setup.batchSize, slotSize: setup.slotSize, addressing: setup.addressing,
            wantsControl: setup.wantsLocalAddress)
        sendHeaders = SendHeaders(
            capacity: setup.batchSize, addressing: setup.addressing, isConnected: setup.isConnected,
            wantsControl: setup.wantsLocalAddress)
        unsafe recvmmsg = loop.syscalls.recvmmsg
        unsafe sendmmsg = loop.syscalls.sendmmsg
        errorQueue = setup.wantsErrors ? ErrorQueue(descriptor, transport: transport, syscalls: loop.syscalls) : nil
        // SAFETY: owned by this object, freed in deinit, and used on the loop's thread only.
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State(depth: min(Budget.depthMin, setup.batchSize)))
        lastDropCount = System.dropCount(descriptor) ?? 0
        // An unconnected Unix socket is always "writable" to epoll, whatever its peer's queue: asking would spin.
        if setup.addressing == .unix && !setup.isConnected { backOff = Backoff() }
        unsafe transport.setReceiveRing(receiveRing.slots, slab: UnsafeRawBufferPointer(receiveRing.slab))
    }

    deinit { unsafe state.deallocate() }

    // MARK: Receiving

    func ready(_ events: UInt32) {
        if events & UInt32(VOLLEY_ERROR) != 0, let errorQueue {
            errorQueue.drain()
            fetchPendingError()
        }
        if isReading, events & UInt32(VOLLEY_READABLE | VOLLEY_ERROR | VOLLEY_HANGUP) != 0 {
            let failed = receive()
            // An error that no receive has fetched would wake the loop for ever.
            if !failed, events & UInt32(VOLLEY_ERROR) != 0, isReading { fetchPendingError() }
        }
        if isAwaitingWritable, events & UInt32(VOLLEY_WRITABLE | VOLLEY_ERROR | VOLLEY_HANGUP) != 0 {
            transport.writable()
        }
    }

    /// Receives until a batch comes back short or the budget is spent; returns whether an error was reported.
    private func receive() -> Bool {
        let transport = transport
        let start = System.monotonicNanoseconds()
        var depth = depth
        var errors = 0
        for _ in 0..<Budget.batches {
            // SAFETY: the ring has `capacity >= depth` headers, which stay in place.
            let result = unsafe recvmmsg(descriptor, receiveRing.headers, depth)
            guard result > 0 else {
                guard reportReceive(-result) else { break }
                errors += 1
                if errors == Budget.errors || !transport.wantsDatagrams { break }
                continue
            }
            let summary = receiveRing.collect(result)
            if summary.truncated | summary.controlTruncated != 0 {
                transport.countTruncations(summary.truncated, controlTruncated: summary.controlTruncated)
            }
            transport.deliver(count: result, bytes: summary.bytes)
            let wasFull = result == depth
            depth = adapted(depth, to: result)
            // Every callback may have closed or paused; a short batch says that the socket is empty.
            guard wasFull, transport.wantsDatagrams,
                System.monotonicNanoseconds() &- start < Budget.nanoseconds
            else { break }
        }
        self.depth = depth
        return errors > 0
    }

    private func adapted(_ depth: Int, to received: Int) -> Int {
        if received == depth { return min(depth &* 2, receiveRing.capacity) }
        if received < depth / 4 { return max(depth / 2, min(Budget.depthMin, receiveRing.capacity)) }
        return depth
    }

    /// Reports a failed receive; false when it only says that there is nothing (more) to receive.
    private func reportReceive(_ number: Int) -> Bool {
        let errno = Errno(rawValue: CInt(truncatingIfNeeded: number))
        if number == 0 || errno == .wouldBlock { return false }
        let kind = DatagramError.Kind(errno)
        if kind == .badDescriptor {
            transport.lose(DatagramError(errno, operation: .receive))
            return false
        }
        if errorQueue?.accounts(for: errno) == true { return true }
        let origin: DatagramError.Origin = errno == .noMemory || errno == .noBufferSpace ? .local : .network
        transport.receiveFailed(
            DatagramError(
                errno, operation: .receive, origin: origin, peer: transport.remoteAddress,
                unixPeer: transport.unixRemoteAddress))
        return true
    }

    private func fetchPendingError() {
        guard let number = System.getOption(descriptor, SOL_SOCKET, SO_ERROR), number != 0 else { return }
        _ = reportReceive(Int(number))
    }

    // MARK: DatagramWorld

    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        // SAFETY: the transport vouches for the slots until this returns.
        let count = unsafe sendHeaders.fill(from: slots, count: count)
        let result = unsafe sendmmsg(descriptor, sendHeaders.headers, count)
        guard result < 0, let errorQueue else { return result }
        return errorQueue.retry(result) { unsafe sendmmsg(descriptor, sendHeaders.headers, count) }
    }

    func pathMTU() -> Int? {
        errorQueue?.takeRefusedMTU() ?? (transport.remoteAddress.flatMap { System.pathMTU(descriptor, to: $0) })
    }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        updateInterest()
    }

    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        guard backOff != nil else { return updateInterest() }
        if isOn { retryLater() } else { backOff?.reset() }
    }

    /// Sets the one timer after which sending is tried again; a try that got something out begins with short delays.
    private func retryLater() {
        guard backOff?.timer?.isPending != true, let delay = backOff?.next() else { return }
        backOff?.timer = loop.callLater(delay) { [self] in
            guard isAwaitingWritable else { return }
            let size = transport.writeBufferSize
            transport.writable()
            guard isAwaitingWritable else { return }
            if transport.writeBufferSize < size { backOff?.reset() }
            retryLater()
        }
    }

    /// Tells epoll what is wanted; with nothing wanted the descriptor leaves it, since epoll reports errors regardless.
    private func updateInterest() {
        var wanted: UInt32 = 0
        if isReading { wanted |= UInt32(VOLLEY_READABLE) }
        if isAwaitingWritable && backOff == nil { wanted |= UInt32(VOLLEY_WRITABLE) }
        guard wanted != interest else { return }
        interest = wanted
        if let token {
            if wanted == 0 {
                loop.deregister(token, descriptor)
                self.token = nil
            } else {
                loop.modify(token, descriptor, events: wanted)
            }
        } else {
            do throws(DatagramError) {
                token = try loop.register(descriptor, events: wanted, handler: self)
            } catch {
                interest = 0
                transport.lose(error)
            }
        }
    }

    func shutDown() {
        _ = kernelDrops()
        isReading = false
        isAwaitingWritable = false
        backOff?.reset()
        backOff = nil
        updateInterest()
        loop.removeEndpoint(transport)
        System.close(descriptor)
    }

    func kernelDrops() -> UInt64 {
        if let count = System.dropCount(descriptor) {
            drops += UInt64(count &- lastDropCount)
            lastDropCount = count
        }
        return drops
    }

    func extraInfo(_ name: String) -> (any Sendable)? {
        name == "descriptor" ? descriptor : nil
    }
}

/// Growing delays between tries where the kernel cannot say when to try again.
private struct Backoff {
    private static let first = Duration.milliseconds(1)
    private static let last = Duration.milliseconds(100)
    private var delay = first
    var timer: ScheduledCall?

    mutating func next() -> Duration {
        defer { delay = min(delay * 2, Self.last) }
        return delay
    }

    mutating func reset() {
        timer?.cancel()
        timer = nil
        delay = Self.first
    }
}
