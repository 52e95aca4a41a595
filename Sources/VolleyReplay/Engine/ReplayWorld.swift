internal import SystemPackage
import VolleyCore
import VolleyWire

/// The `DatagramWorld` of a capture: it delivers what the capture brings and takes what the protocol sends.
///
/// Sending blocks only if a rate is given; it fails for the reasons for which the kernel's UDP would fail before anything
/// is sent.
final class ReplayWorld: DatagramWorld {
    private let loop: VirtualEventLoop
    private let role: ReplayRole
    private let sink: ReplaySink
    private let slots: ReceiveSlots
    private let batchMax: Int
    private unowned let transport: RingTransport
    private var isDrainScheduled = false
    private var isAwaitingWritable = false
    private var memberships = MembershipTable()
    private(set) var isReading = false { didSet { isDirect = isReading && !isBusy && held.isEmpty } }
    private var held: HeldDatagrams { didSet { isDirect = isReading && !isBusy && held.isEmpty } }
    /// Whether the endpoint is at work on its latest batch.
    private var isBusy = false { didSet { isDirect = isReading && !isBusy && held.isEmpty } }
    private let turnDuration: Int64
    private var turnEnd: Int64 = 0
    private var link: SlowLink?
    private var errors: PendingErrors
    private let mtu: Int
    /// Whether a datagram may go straight into the slots: the endpoint is reading, and nothing waits before it.
    private(set) var isDirect = false
    private(set) var isShutDown = false
    /// Datagrams that came when the protocol had closed.
    private(set) var afterClose = 0
    /// Errors that were still waiting when the endpoint was closed.
    private(set) var errorsLost = 0
    /// Datagrams that were still held when the endpoint was closed.
    private(set) var neverRead = 0
    /// Where the latest datagram of either family was sent to: where the kernel's routing would send from.
    private var latestLocal = (ipv4: IPAddress(v4: 0), ipv6: IPAddress(v6High: 0, low: 0))
    /// The later of the two.
    private var latest = IPAddress(v4: 0)

    init(
        _ transport: RingTransport, loop: VirtualEventLoop, role: ReplayRole, sink: ReplaySink, options: ReplayOptions,
        slotCount: Int
    ) {
        self.transport = transport
        self.loop = loop
        self.role = role
        self.sink = sink
        batchMax = options.clampedBatchSize
        slots = ReceiveSlots(capacity: slotCount, transport: transport)
        held = HeldDatagrams(limit: options.receiveBufferSize)
        turnDuration = max(0, options.turnDuration.wholeNanoseconds)
        link = options.sendRate.map { SlowLink(rate: $0, bufferSize: options.sendBufferSize) }
        mtu = options.mtu ?? .max
        errors = PendingErrors(keepsAll: options.receivesErrors.applies(whenConnected: role.peer != nil))
    }

    // MARK: Receiving

    /// Fills slot `index` for a batch to come, which is due at `instant`; see
    /// ``ReceiveSlots/fill(_:payload:from:to:at:)``.
    @inline(__always)
    func fill(
        _ index: Int, payload: RawSpan, from source: SocketAddress, to local: IPAddress, at timestamp: Int64,
        due instant: Int64
    ) {
        slots.fill(index, payload: payload, from: source, to: local, at: timestamp)
        slots.setInstant(of: index, to: instant)
    }

    /// Copies the payloads of a batch to come, since their place will be used for others.
    func keep(_ range: Range<Int>) { slots.keep(range) }

    /// When the datagram in slot `index` is due.
    func instant(of index: Int) -> Int64 { slots.instant(of: index) }

    /// Delivers the batches from slot `start` to `end`, until one has left something to do; returns its end.
    func deliver(from start: Int, to end: Int) -> Int {
        let next = slots.deliver(from: start, to: end, loop)
        // What a pause has left over stays in the slots.
        if !isReading { slots.keep(start..<next) }
        return next
    }

    /// Delivers these slots as one batch, which the tap is shown before.
    func deliver(_ batch: Range<Int>) {
        slots.deliver(batch)
        if !isReading { slots.keep(batch) }
        beginTurn()
    }

    /// Takes a datagram that cannot be delivered now.
    func hold(_ payload: RawSpan, from source: SocketAddress, to local: IPAddress, at timestamp: Int64) {
        guard !transport.isClosing else {
            afterClose += 1
            return
        }
        held.append(
            HeldDatagrams.Entry(payload: Array(copying: payload), source: source, local: local, timestamp: timestamp))
    }

    /// Takes an error that waits for the next receive or send; returns whether that cost an older one.
    func hold(_ error: DatagramError) -> Bool { errors.append(error) }

    /// Whether an error waits.
    var hasErrors: Bool { !errors.isEmpty }

    /// Tells the protocol of the errors that wait, before it gets any datagram.
    func reportErrors() {
        for error in errors.takeAll() { transport.receiveFailed(error) }
    }

    /// Puts the batch that begins at slot `start`, and cannot be delivered as things are, behind what is held; returns
    /// its end.
    func holdBatch(from start: Int, to end: Int) -> Int {
        let next = slots.endOfBatch(from: start, in: end)
        holdSlots(start..<next)
        return next
    }

    /// Puts these slots, which cannot be delivered as things are, behind what is held.
    func holdSlots(_ range: Range<Int>) {
        for index in range {
            let (payload, source, local, timestamp) = slots.content(of: index)
            guard !transport.isClosing else {
                afterClose += 1
                continue
            }
            held.append(HeldDatagrams.Entry(payload: payload, source: source, local: local, timestamp: timestamp))
        }
    }

    private func scheduleDrain() {
        guard !isDrainScheduled, !held.isEmpty else { return }
        isDrainScheduled = true
        loop.callSoon { [self] in
            isDrainScheduled = false
            drain()
        }
    }

    /// The endpoint has got a batch, which it may take a while for.
    @inline(__always)
    func beginTurn() {
        if turnDuration > 0 { becomeBusy() }
    }

    private func becomeBusy() {
        guard !isShutDown else { return }
        isBusy = true
        turnEnd = loop.now.nanoseconds.addingClamped(turnDuration)
        loop.callAt(MonotonicInstant(nanoseconds: turnEnd)) { [self] in
            isBusy = false
            reportErrors()
            drain()
        }
    }

    /// When the next batch of what has arrived will be delivered; `nil` if none has, or it is not wanted.
    var nextTurn: Int64? { isBusy && isReading && (!held.isEmpty || hasErrors) ? turnEnd : nil }

    /// Whether the endpoint is at work, and hears of errors afterwards.
    var isAtWork: Bool { isBusy }

    /// Delivers one batch of what was held.
    private func drain() {
        guard isReading, !isBusy, !held.isEmpty else { return }
        let count = min(held.count, batchMax)
        var bytes = 0
        for index in 0..<count {
            let entry = held[index]
            slots.fill(
                index, payload: RawSpan(entry.payload.span), from: entry.source, to: entry.local, at: entry.timestamp)
            bytes += entry.payload.count
        }
        // While the arrays are still there.
        slots.keep(0..<count)
        held.removeFirst(count)
        transport.deliver(count: count, bytes: bytes)
        beginTurn()
        scheduleDrain()
    }

    // MARK: Sending

    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        for index in 0..<count {
            // SAFETY: the transport vouches for `count` slots until this returns.
            let error = unsafe transmit(slots[index])
            if error != 0 { return index == 0 ? -Int(error) : index }
        }
        return count
    }

    /// Sends one datagram; the result is 0 or the errno.
    private func transmit(_ slot: SendSlot) -> CInt {
        // SAFETY: the destination of an IP endpoint lies in a place of a whole SocketAddress.
        let named = unsafe slot.destination?.assumingMemoryBound(to: SocketAddress.self).pointee
        guard let destination = role.peer ?? named else { return Errno.addressRequired.rawValue }
        let payloadMax: Int
        switch destination.family {
        case .ipv4: payloadMax = UDPPacket.payloadLengthMaxIPv4
        case .ipv6: payloadMax = UDPPacket.payloadLengthMaxIPv6
        default: return Errno.addressFamilyNotSupported.rawValue
        }
        let length = unsafe UDPPacket.length(payloadLength: Int(slot.count), isIPv6: destination.family == .ipv6)
        guard unsafe Int(slot.count) <= payloadMax, length <= mtu else { return Errno.messageTooLong.rawValue }
        guard role.sends(to: destination.family) else { return Errno.addressFamilyNotSupported.rawValue }
        // udp(7) does not say so, but no packet leaves for port 0.
        guard destination.port != 0 else { return Errno.invalidArgument.rawValue }
        if let errno = errors.takeErrno() { return errno }
        if link?.take(length, at: loop.now.nanoseconds) == false { return Errno.wouldBlock.rawValue }
        guard sink.isInterested else { return 0 }
        let local = unsafe slot.control?.pointee.local ?? .unknown
        // SAFETY: the payload stays in place until the transport's flush is over.
        let payload = unsafe RawSpan(_unsafeStart: slot.payload, byteCount: Int(slot.count))
        sink.take(payload, from: source(for: local, destination.family), to: destination)
        return 0
    }

    /// The address a datagram leaves from: the one it answers from, the one the endpoint has, or what routing would say.
    func source(for local: LocalAddress, _ family: SocketAddress.Family) -> SocketAddress {
        if local.isKnown, local.ip.canBeSource { return SocketAddress(local.ip, port: role.local.port) }
        if !role.isWildcard { return role.local }
        return SocketAddress(family == .ipv6 ? latestLocal.ipv6 : latestLocal.ipv4, port: role.local.port)
    }

    /// The local address that a datagram to `address` is said to have; an endpoint's own is noted for what is sent
    /// without being a reply.
    ///
    /// Of what was sent to a group or to everybody over IPv4, Linux says which address would answer (ip(7),
    /// `ipi_spec_dst`): here the endpoint's own, or the latest one that was met; 0.0.0.0 as long as there is none.
    func localAddress(of address: IPAddress) -> IPAddress {
        if address.canBeSource {
            if address.isIPv6 { latestLocal.ipv6 = address } else { latestLocal.ipv4 = address }
            latest = address
            return address
        }
        if address.isIPv6 { return address }
        return !role.isWildcard && role.local.ip.canBeSource ? role.local.ip : latestLocal.ipv4
    }

    /// Whether a datagram to `address` came to where the latest one before did that was for one host.
    @inline(__always)
    func isLatestLocal(_ address: IPAddress) -> Bool { address == latest }

    /// Whether a datagram to `address` changes where what is sent leaves from.
    func isNewLocal(_ address: IPAddress) -> Bool {
        address.canBeSource && address != (address.isIPv6 ? latestLocal.ipv6 : latestLocal.ipv4)
    }

    // MARK: DatagramWorld

    func setReading(_ isOn: Bool) {
        isReading = isOn
        if isOn { scheduleDrain() }
    }

    /// Without a slow link sending never blocks, but a send waits when it finds no room beside a reply that is being
    /// written.
    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        if isOn { scheduleWritable() }
    }

    private func scheduleWritable() {
        let proceed = { [self] in
            guard isAwaitingWritable else { return }
            transport.writable()
            if isAwaitingWritable { scheduleWritable() }
        }
        if let link, link.writableTime > loop.now.nanoseconds {
            loop.callAt(MonotonicInstant(nanoseconds: link.writableTime), proceed)
        } else {
            loop.callSoon(proceed)
        }
    }

    /// When all that is queued now has left.
    var timeOfLastSend: Int64 {
        guard let link else { return loop.now.nanoseconds }
        return link.time(toSend: transport.writeBufferSize, at: loop.now.nanoseconds)
    }

    func pathMTU() -> Int? { mtu == .max ? nil : mtu }

    func shutDown() {
        isShutDown = true
        isReading = false
        isAwaitingWritable = false
        neverRead += held.count
        errorsLost += errors.takeAll().count
        held.removeAll()
    }

    func kernelDrops() -> UInt64 { UInt64(held.dropped) }

    func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        try memberships.change(membership, isJoining: isJoining)
    }

    func extraInfo(_ name: String) -> (any Sendable)? { nil }
}

extension ReplayRole {
    /// Whether the endpoint's socket would speak this family: an IPv6 one is taken for dual-stack.
    func sends(to family: SocketAddress.Family) -> Bool {
        matchesBothFamilies || local.family == .ipv6 || family == local.family
    }
}

extension IPAddress {
    /// Whether a packet can come from this address: not from a group, not from everybody.
    var canBeSource: Bool { !isMulticast && self != IPAddress(v4: 0xffff_ffff) }
}
