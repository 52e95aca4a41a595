internal import SystemPackage
internal import VolleyCore

/// A world behind the faults of what its endpoint sends.
///
/// To be put between a ``RingTransport`` and its world; time is that of the transport's loop.
final class FaultedWorld: DatagramWorld {
    private let world: any DatagramWorld
    private let injector: FaultInjector
    private let reception: ErrorReception
    private unowned let transport: RingTransport
    /// What the head of the next attempt fails with, since its first one did: its own fault, and so told twice.
    private var failingHead: Errno?
    /// An errno decided for a datagram that was not the head of its attempt, until it is the head of the next one.
    private var decided: CInt?
    private var isShutDown = false
    /// A datagram that the world has refused, so that the next attempt goes on with it and does not judge it anew.
    private var unfinished: (payload: [UInt8], destination: SocketAddress, verdict: FaultInjector.Verdict)?
    private var late = TimedQueue<LateSend>()
    /// Late and changed datagrams that the world would not take.
    private(set) var refused = 0
    /// Told of every injected ICMP error that finds the endpoint open, heard or not.
    var onReport: ((ICMPReport) -> Void)?
    /// Told of every send that fails, with its number.
    var onFailure: ((_ errno: Errno, _ number: Int) -> Void)?
    /// Told of every datagram that is lost, with its two ends.
    var onLoss: ((_ local: SocketAddress, _ peer: SocketAddress) -> Void)?

    /// A datagram on its way out.
    private struct LateSend {
        let payload: [UInt8]
        let destination: SocketAddress?
        let control: SendControl
    }

    /// Puts faults before the sends of `world`; `reception` says who hears of injected ICMP errors.
    init(_ world: any DatagramWorld, _ injector: FaultInjector, transport: RingTransport, reception: ErrorReception) {
        self.world = world
        self.injector = injector
        self.transport = transport
        self.reception = reception
    }

    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        if let errno = failingHead.take() { return -Int(errno.rawValue) }
        for index in 0..<count {
            // SAFETY: the transport vouches for `count` slots until this returns.
            let errno = unsafe send(slots + index)
            guard errno != 0 else { continue }
            if index > 0 { return index }
            return -Int(decided == nil ? errno : refuse(errno))
        }
        return count
    }

    private func refuse(_ errno: CInt) -> CInt {
        decided = nil
        let error = Errno(rawValue: errno)
        // ENOBUFS is never taken for somebody else's, and EAGAIN is nobody's fault.
        let kind = DatagramError.Kind(error)
        let isOnce = error == .wouldBlock || kind == .noBufferSpace || kind == .badDescriptor
        failingHead = isOnce ? nil : error
        return errno
    }

    /// Sends one datagram as the injector decides; the result is 0 or the errno.
    private func send(_ slot: UnsafePointer<SendSlot>) -> CInt {
        if let errno = decided { return errno }
        // SAFETY: the payload stays in place until the flush is over; names of IP endpoints are whole SocketAddresses.
        let payload = unsafe RawSpan(_unsafeStart: slot.pointee.payload, byteCount: Int(slot.pointee.count))
        let named = unsafe slot.pointee.destination?.assumingMemoryBound(to: SocketAddress.self).pointee
        let destination = transport.names.remote ?? named ?? .unspecified
        let local = unsafe source(slot.pointee.control?.pointee.local ?? .unknown)
        let loop = transport.eventLoop
        var verdict =
            again(payload, to: destination)
            ?? injector.judge(.send, payload, from: local, to: destination, at: loop.now)
        if let errno = verdict.errno {
            onFailure?(errno, injector.nextSend - 1)
            decided = errno.rawValue
            return errno.rawValue
        }
        if verdict.copies.isEmpty {
            onLoss?(local, SocketAddress(destination.ip.unmapped, port: destination.port))
        }
        if let icmp = verdict.icmp.take() {
            let message = ICMPReport(
                type: icmp.fault.type, code: icmp.fault.code, info: icmp.fault.info,
                offender: icmp.fault.offender ?? destination.ip.unmapped,
                quotedSource: local, quotedDestination: SocketAddress(destination.ip.unmapped, port: destination.port),
                quoted: Array(Array(copying: payload).prefix(DatagramError.quotedMax)))
            loop.callLater(.nanoseconds(icmp.delay)) { [weak self] in self?.report(message, peer: destination) }
        }
        var control = unsafe slot.pointee.control?.pointee ?? SendControl()
        if control.local.ip.isMulticast { control.local = .unknown }
        while let copy = verdict.copies.first {
            if copy.delay == 0, copy.payload == nil {
                let result = unsafe world.transmit(slot, count: 1)
                if result < 0 {
                    unfinished = (Array(copying: payload), destination, verdict)
                    return CInt(clamping: -result)
                }
            } else {
                sendLater(copy.payload ?? Array(copying: payload), to: named, control, after: copy.delay)
            }
            verdict.copies.removeFirst()
        }
        return 0
    }

    /// What was decided for a datagram that was refused, if this is the one.
    private func again(_ payload: RawSpan, to destination: SocketAddress) -> FaultInjector.Verdict? {
        guard let refused = unfinished.take(), refused.destination == destination,
            refused.payload == Array(copying: payload)
        else { return nil }
        return refused.verdict
    }

    /// Where a datagram leaves from, as far as the endpoint knows.
    private func source(_ local: LocalAddress) -> SocketAddress {
        let name = transport.names.local ?? .unspecified
        let ip = local.isKnown && !local.ip.isMulticast ? local.ip : name.ip
        return SocketAddress(ip.unmapped, port: name.port)
    }

    private func sendLater(
        _ payload: [UInt8], to destination: SocketAddress?, _ control: SendControl, after delay: Int64
    ) {
        guard delay > 0 else { return sendCopy(payload, to: destination, control) }
        // What is on its way arrives, also when the endpoint is closed meanwhile: the worlds of this module allow that.
        let loop = transport.eventLoop
        let time = loop.now.nanoseconds.addingClamped(delay)
        late.insert(LateSend(payload: payload, destination: destination, control: control), at: time)
        // Each call sends one, and both are in the order of their times and then of their age.
        loop.callAt(MonotonicInstant(nanoseconds: time)) { [self] in sendLate() }
    }

    /// When the next late datagram is to be sent.
    var nextLateSend: Int64? { late.nextTime }

    /// Sends the next late datagram.
    func sendLate() {
        if let next = late.removeFirst() { sendCopy(next.payload, to: next.destination, next.control) }
    }

    /// Sends bytes of our own; what the world says to them is nobody's concern any more.
    private func sendCopy(_ payload: [UInt8], to destination: SocketAddress?, _ control: SendControl) {
        var (name, control) = (destination ?? .unspecified, control)
        // SAFETY: everything the slot points to outlives the call.
        unsafe payload.withUnsafeBytes { bytes in
            unsafe withUnsafePointer(to: &name) { name in
                unsafe withUnsafePointer(to: &control) { control in
                    guard let base = unsafe bytes.baseAddress ?? UnsafeRawPointer(name) else { return }
                    var slot = unsafe SendSlot(
                        payload: base, count: UInt32(clamping: bytes.count),
                        destination: destination == nil ? nil : UnsafeRawPointer(name),
                        destinationLength: UInt32(MemoryLayout<SocketAddress>.size), control: control)
                    if unsafe world.transmit(&slot, count: 1) < 0 { refused += 1 }
                }
            }
        }
    }

    private func report(_ message: ICMPReport, peer: SocketAddress) {
        let isConnected = transport.names.isConnected
        if !isShutDown { onReport?(message) }
        guard !isShutDown, let outcome = message.outcome, outcome.reaches(reception, isConnected: isConnected)
        else { return }
        transport.receiveFailed(
            reception.applies(whenConnected: isConnected)
                ? message.detailedError(outcome, peer: peer)
                : DatagramError(outcome.errno, operation: .receive, origin: .network, peer: peer))
    }

    func shutDown() {
        isShutDown = true
        world.shutDown()
    }

    func setReading(_ isOn: Bool) { world.setReading(isOn) }
    func setAwaitingWritable(_ isOn: Bool) { world.setAwaitingWritable(isOn) }
    func pathMTU() -> Int? { world.pathMTU() }
    func kernelDrops() -> UInt64 { world.kernelDrops() }
    func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        try world.changeMembership(membership, isJoining: isJoining)
    }
    func extraInfo(_ name: String) -> (any Sendable)? { world.extraInfo(name) }
}
