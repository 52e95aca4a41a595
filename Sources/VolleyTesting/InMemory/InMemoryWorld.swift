internal import SystemPackage
internal import VolleyCore

/// The `DatagramWorld` of an ``InMemoryEndpoint``: arrays where a socket has the kernel.
///
/// It does what a kernel does as far as a transport can see it: batches come one a turn, datagrams wait while reading is
/// off, a batch is sent up to the first datagram that fails, and "writable" is told every turn while it is asked for.
final class InMemoryWorld: DatagramWorld {
    private let loop: ManualEventLoop
    private unowned let transport: RingTransport
    private let faults: TransportFaults
    private let options: InMemoryEndpoint.Options
    private let ring: InMemoryReceiveRing
    private var inbox: [[InMemoryDatagram]] = []
    private var isReading = false
    private var isAwaitingWritable = false
    private var isPumpScheduled = false
    private var isWritableScheduled = false
    private var isShutDown = false
    private var drops: UInt64 = 0
    private var memberships = MembershipTable()
    private(set) var sent: [InMemoryDatagram] = []

    init(_ transport: RingTransport, loop: ManualEventLoop, faults: TransportFaults, options: InMemoryEndpoint.Options)
    {
        self.loop = loop
        self.transport = transport
        self.faults = faults
        self.options = options
        ring = InMemoryReceiveRing(capacity: options.batchSize, slotSize: options.slotSize)
        unsafe transport.setReceiveRing(ring.slots, slab: UnsafeRawBufferPointer(ring.slab))
        faults.onUnblocked = { [weak self] in self?.scheduleWritable() }
        faults.onReceiveScripted = { [weak self] in self?.schedulePump() }
    }

    // MARK: Receiving

    /// Puts a batch where the endpoint will receive it; a closed endpoint, like a closed socket, has no such place.
    func deliver(_ batch: [InMemoryDatagram]) {
        guard !isShutDown else { return }
        let remote = transport.names.remote
        var batch = batch.filter { remote == nil || remote == $0.peer }
        let room = max(0, options.receiveQueueLimit - inbox.reduce(0) { $0 + $1.count })
        drops += UInt64(max(0, batch.count - room))
        batch.removeLast(max(0, batch.count - room))
        while !batch.isEmpty {
            inbox.append(Array(batch.prefix(options.batchSize)))
            batch.removeFirst(min(options.batchSize, batch.count))
        }
        schedulePump()
    }

    private func schedulePump() {
        guard isReading, !isPumpScheduled, !inbox.isEmpty || !faults.receiveScript.isEmpty else { return }
        isPumpScheduled = true
        loop.callSoon { [weak self] in
            self?.isPumpScheduled = false
            self?.pump()
        }
    }

    private func pump() {
        guard isReading else { return }
        if let errno = faults.nextReceive() {
            fail(errno)
        } else if !inbox.isEmpty {
            let batch = inbox.removeFirst()
            let summary = ring.fill(batch, at: loop.wallClock)
            if summary.truncated > 0 { transport.countTruncations(summary.truncated, controlTruncated: 0) }
            transport.deliver(count: batch.count, bytes: summary.bytes)
        }
        schedulePump()
    }

    private func fail(_ errno: Errno) {
        guard errno != .wouldBlock else { return }
        let error = DatagramError(errno, operation: .receive, origin: .network, peer: transport.remoteAddress)
        if error.kind == .badDescriptor {
            transport.lose(DatagramError(errno, operation: .receive))
        } else {
            transport.receiveFailed(error)
        }
    }

    // MARK: DatagramWorld

    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        // SAFETY: the transport vouches for `count` slots until this returns.
        let batch = (0..<count).map { unsafe InMemoryDatagram(slots[$0], remote: transport.names.remote) }
        var result = faults.nextSend(count) { batch[$0].payload.first }
        if result > 0, let index = batch.prefix(result).firstIndex(where: { refusal($0) != nil }) {
            result = index > 0 ? index : -Int(refusal(batch[0])?.rawValue ?? 0)
        }
        faults.noteSend(offered: count, result: result)
        sent += batch.prefix(max(0, result))
        return result
    }

    /// Why a kernel would not take `datagram`, nil if it would.
    private func refusal(_ datagram: InMemoryDatagram) -> Errno? {
        if datagram.peer.family == .unspecified { return .addressRequired }
        if datagram.peer.family != transport.names.local?.family { return .addressFamilyNotSupported }
        if datagram.payload.count > options.maximumPayload { return .messageTooLong }
        return datagram.peer.port == 0 ? .invalidArgument : nil
    }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        schedulePump()
    }

    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        scheduleWritable()
    }

    private func scheduleWritable() {
        guard isAwaitingWritable, !isWritableScheduled, !faults.isSendingBlocked else { return }
        isWritableScheduled = true
        loop.callSoon { [weak self] in
            guard let self else { return }
            isWritableScheduled = false
            guard isAwaitingWritable, !faults.isSendingBlocked else { return }
            transport.writable()
            scheduleWritable()
        }
    }

    func shutDown() {
        isReading = false
        isAwaitingWritable = false
        isShutDown = true
        inbox = []
    }

    func kernelDrops() -> UInt64 { drops }

    func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        try memberships.change(membership, isJoining: isJoining)
    }

    func extraInfo(_ name: String) -> (any Sendable)? { nil }
}
