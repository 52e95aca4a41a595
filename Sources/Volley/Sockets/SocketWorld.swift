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
    private let repliesFromLocalAddress: Bool
    private let recvmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int
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
            controlSize: setup.controlSize, hasMetadata: !setup.metadata.isEmpty, receivesTrains: setup.receivesTrains)
        sendHeaders = SendHeaders(
            capacity: setup.sendCapacity, addressing: setup.addressing, remote: transport.remoteAddress,
            isConnected: setup.isConnected, segmentsMax: setup.segmentsMax)
        repliesFromLocalAddress = setup.metadata.contains(.localAddress)
        unsafe recvmmsg = loop.syscalls.recvmmsg
        unsafe sendmmsg = loop.syscalls.sendmmsg
        // SAFETY: owned by this object, freed in deinit, and used on the loop's thread only.
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State(depth: min(Budget.depthMin, setup.batchSize)))
        lastDropCount = System.dropCount(descriptor) ?? 0
        unsafe receiveRing.state.pointee.lastDrops = lastDropCount
        // An unconnected Unix socket is always "writable" to epoll, whatever its peer's queue: asking would spin.
        if setup.addressing == .unix && !setup.isConnected { backOff = Backoff() }
        unsafe transport.setReceiveRing(receiveRing.slots, slab: UnsafeRawBufferPointer(receiveRing.slab))
    }

    deinit { unsafe state.deallocate() }

    // MARK: Receiving

    func ready(_ events: UInt32) {
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
            if summary.truncated | summary.controlTruncated | summary.trains != 0 { note(summary) }
            transport.deliver(count: summary.datagrams, bytes: summary.bytes)
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

    /// What not every batch has.
    private func note(_ summary: ReceiveRing.Summary) {
        transport.countTruncations(summary.truncated, controlTruncated: summary.controlTruncated)
        transport.countTrains(received: summary.trains)
        // Many trains may have moved the slots to where there is more room.
        unsafe transport.setReceiveRing(receiveRing.slots, slab: UnsafeRawBufferPointer(receiveRing.slab))
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
        let hasControls = repliesFromLocalAddress || transport.usesSendControls
        // SAFETY: the transport vouches for the slots until this returns.
        let messages = unsafe sendHeaders.fill(from: slots, count: count, hasControls: hasControls)
        let result = unsafe sendmmsg(descriptor, sendHeaders.headers, messages)
        guard unsafe sendHeaders.segmentation.pointee.isOn else { return result }
        if result > 0 { return noteSent(messages: result) }
        if result == -Int(EMSGSIZE), sendHeaders.startsWithTrain {
            // From an earlier datagram, whose ICMP error looks alike, it does not come twice.
            let second = unsafe sendmmsg(descriptor, sendHeaders.headers, messages)
            if second > 0 {
                transport.receiveFailed(
                    DatagramError(
                        .messageTooLong, operation: .send, origin: .network, peer: transport.remoteAddress))
                return noteSent(messages: second)
            }
            // No room, or another error: which of the two the first was, the next try will tell.
            if second != result { return second }
        }
        let segmentation = unsafe sendHeaders.segmentation.pointee
        guard sendHeaders.isRefusedTrain(Errno(rawValue: CInt(truncatingIfNeeded: -result))) else { return result }
        // Its datagrams can still go one by one; what the first of them meets alone as well was not about trains.
        let single = unsafe transmit(slots, count: count)
        if single == result { unsafe sendHeaders.segmentation.pointee = segmentation }
        return single
    }

    /// How many datagrams the first `messages` messages were.
    private func noteSent(messages: Int) -> Int {
        let count = sendHeaders.slotCount(of: messages)
        if count > messages { transport.countTrains(sent: sendHeaders.trainCount(of: messages)) }
        return count
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
                token = try loop.register(descriptor, events: wanted, handler: self, isHot: true)
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
