internal import SystemPackage
import VolleyCore
import VolleyWire

/// The `DatagramWorld` of a simulated endpoint: what a kernel does for a socket, on the simulation's clock.
final class SimulatedWorld: DatagramWorld {
    private unowned let host: SimulatedHost
    private unowned let transport: RingTransport
    private let options: SimulatedEndpoint.Options
    private let ring: SimulatedReceiveRing
    private let stage: FaultStage?
    let local: SocketAddress
    let remote: SocketAddress?
    var onShutDown: (() -> Void)?

    private var buffer: SimulatedReceiveBuffer
    private var memberships = MembershipTable()
    private var joined: Set<MulticastMembership> = []
    /// The one error that a socket remembers (`SO_ERROR`).
    private var pendingError: DatagramError?
    /// Errors of the error queue, and those injected into receives.
    private var errorQueue: [DatagramError] = []
    /// The largest packet of the path that a send has just failed for.
    private var failedMTU: Int?
    private var isReading = false
    private var isAwaitingWritable = false
    private var isPumpScheduled = false
    private var isShutDown = false

    init(
        _ transport: RingTransport, host: SimulatedHost, options: SimulatedEndpoint.Options, faults: FaultInjector?,
        local: SocketAddress, remote: SocketAddress?
    ) {
        self.transport = transport
        self.host = host
        self.options = options
        self.local = local
        self.remote = remote
        stage = faults.map { FaultStage($0) }
        ring = SimulatedReceiveRing(slotSize: max(1, options.slotSize))
        buffer = SimulatedReceiveBuffer(limit: options.receiveBufferSize)
    }

    private var isConnected: Bool { remote != nil }

    // MARK: Receiving

    /// Whether a datagram is for this endpoint, and how well it fits: 0 for not at all.
    func score(from source: SocketAddress, to destination: SocketAddress) -> Int {
        guard destination.port == local.port else { return 0 }
        if local.ip.isUnspecified {
            // A dual-stack endpoint takes IPv4 too, but one of IPv4 fits better.
            guard local.family == destination.family || local.family == .ipv6 else { return 0 }
        } else if local.ip.unmapped != destination.ip {
            return 0
        }
        let exactness = (local.ip.isUnspecified ? 1 : 2) + (local.family == destination.family ? 2 : 0)
        guard let remote else { return exactness }
        return SocketAddress(remote.ip.unmapped, port: remote.port) == source ? exactness + 8 : 0
    }

    /// Whether it is a member of `group` as far as `source` is concerned.
    func hears(_ group: IPAddress, from source: IPAddress) -> Bool {
        joined.contains { $0.group == group && ($0.source == nil || $0.source == source) }
    }

    /// Takes a datagram that has reached the host.
    func receive(_ packet: SimulationPacket, _ payload: [UInt8]) {
        guard !isShutDown else { return }
        guard let stage else { return arrive(packet, payload) }
        let now = host.simulation.loop.now
        stage.offer(
            RawSpan(payload.span), from: packet.source, to: packet.destination, at: now, timestamp: host.loop.wallClock)
        takeArrivals()
    }

    private func takeArrivals() {
        guard !isShutDown, let stage else { return }
        while let arrival = stage.next(through: host.simulation.loop.now) {
            if let error = arrival.error { fail(error) }
            guard let payload = arrival.payload else { continue }
            arrive(
                SimulationPacket(
                    source: arrival.source, destination: arrival.destination, body: .datagram(payload)),
                payload)
        }
        // What is held back; there may be a call for it already, and whoever is late finds nothing.
        if let next = stage.nextTime {
            host.simulation.loop.callAt(next) { [weak self] in self?.takeArrivals() }
        }
    }

    private func arrive(_ packet: SimulationPacket, _ payload: [UInt8]) {
        let isMapped = local.family == .ipv6
        let entry = SimulatedReceiveBuffer.Entry(
            payload: payload, source: isMapped ? packet.source.mappedToIPv6 : packet.source,
            local: isMapped ? packet.destination.ip.mappedToIPv6 : localAddress(of: packet),
            timestamp: host.loop.wallClock.nanosecondsSinceEpoch, trafficClass: packet.trafficClass)
        let isTaken = buffer.append(entry)
        host.simulation.note(isTaken ? .delivered : .bufferFull, at: host.name, packet)
        schedulePump()
    }

    /// Takes an ICMP error about a datagram of this endpoint.
    func receive(_ message: ICMPReport) {
        guard !isShutDown, let outcome = message.outcome,
            outcome.reaches(options.receivesErrors, isConnected: isConnected)
        else { return }
        host.simulation.note(
            .icmpDelivered, at: host.name, from: message.quotedSource, to: message.quotedDestination,
            count: message.quoted.count, value: Int64(outcome.errno.rawValue))
        let isMapped = local.family == .ipv6
        let peer = isMapped ? message.quotedDestination.mappedToIPv6 : message.quotedDestination
        if options.receivesErrors.applies(whenConnected: isConnected) {
            errorQueue.append(message.detailedError(outcome, peer: peer))
        } else {
            // A later error takes the place of an earlier one that nobody has asked for.
            pendingError = DatagramError(
                outcome.errno, operation: .receive, origin: .network, peer: peer, info: message.info)
        }
        schedulePump()
    }

    private func fail(_ error: DatagramError) {
        errorQueue.append(error)
        schedulePump()
    }

    private func schedulePump() {
        guard !isPumpScheduled, !isShutDown else { return }
        guard pendingError != nil || !errorQueue.isEmpty || (isReading && !buffer.isEmpty) else { return }
        isPumpScheduled = true
        host.loop.callSoon { [weak self] in
            self?.isPumpScheduled = false
            self?.pump()
        }
    }

    /// What one wake-up does: errors first, which overtake data, then one batch.
    private func pump() {
        let errors = errorQueue
        errorQueue = []
        for error in errors where !isShutDown {
            if error.kind == .badDescriptor { transport.lose(error) } else { transport.receiveFailed(error) }
        }
        if let error = pendingError.take() { transport.receiveFailed(error) }
        if isReading, !isShutDown, !buffer.isEmpty {
            ring.deliver(buffer.removeFirst(SimulatedReceiveRing.capacity), to: transport)
        }
        schedulePump()
    }

    // MARK: Sending

    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        // A send tells of what is pending, whoever it is for.
        if let error = pendingError.take() { return -Int(error.errno.rawValue) }
        for index in 0..<count {
            // SAFETY: the transport vouches for `count` slots until this returns.
            if let errno = unsafe transmit(slots[index]) { return index == 0 ? -Int(errno.rawValue) : index }
        }
        return count
    }

    /// Sends one datagram; the result is why it could not be sent.
    private func transmit(_ slot: SendSlot) -> Errno? {
        let request = unsafe SendRequest(slot)
        guard let named = remote ?? request.destination, named.family != .unspecified else { return .addressRequired }
        let destination = SocketAddress(named.ip.unmapped, port: named.port)
        guard local.family == .ipv6 || destination.family == .ipv4 else { return .addressFamilyNotSupported }
        guard destination.port != 0 else { return .invalidArgument }
        let isIPv6 = destination.family == .ipv6
        guard request.count <= (isIPv6 ? UDPPacket.payloadLengthMaxIPv6 : UDPPacket.payloadLengthMaxIPv4) else {
            failedMTU = nil
            return .messageTooLong
        }
        if destination.ip.isBroadcast, !options.allowsBroadcast { return .permissionDenied }
        guard let ip = source(request.local.ip, for: destination.ip) else { return .networkUnreachable }
        let limit = host.packetSizeMax(to: destination.ip)
        if !options.fragments, request.count + (isIPv6 ? 48 : 28) > limit {
            failedMTU = limit
            return .messageTooLong
        }
        unsafe host.send(
            SimulationPacket(slot, from: SocketAddress(ip, port: local.port), to: destination, packetSizeMax: limit))
        return nil
    }

    /// The address a datagram was sent to; over IPv4, of a group or of everybody, the one that would answer (ip(7)).
    private func localAddress(of packet: SimulationPacket) -> IPAddress {
        let ip = packet.destination.ip
        if ip.isIPv6 || ip.canBeSource { return ip }
        return source(IPAddress(v4: 0), for: packet.source.ip) ?? IPAddress(v4: 0)
    }

    /// The address a datagram leaves from: the one it answers from, the one the endpoint has, or what routing would say.
    private func source(_ wanted: IPAddress, for destination: IPAddress) -> IPAddress? {
        let wanted = wanted.unmapped
        if !wanted.isUnspecified, wanted.isIPv6 == destination.isIPv6, host.has(wanted) { return wanted }
        let own = local.ip.unmapped
        if !own.isUnspecified, own.isIPv6 == destination.isIPv6, !own.isMulticast { return own }
        return host.source(for: destination)
    }

    // MARK: DatagramWorld

    func setReading(_ isOn: Bool) {
        isReading = isOn
        schedulePump()
    }

    /// Sending never blocks here, but a send waits when it finds no room beside a reply that is being written.
    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        if isOn { scheduleWritable() }
    }

    private func scheduleWritable() {
        host.loop.callSoon { [weak self] in
            guard let self, isAwaitingWritable else { return }
            transport.writable()
            if isAwaitingWritable { scheduleWritable() }
        }
    }

    func shutDown() {
        isShutDown = true
        isReading = false
        isAwaitingWritable = false
        joined = []
        onShutDown?()
        onShutDown = nil
    }

    func pathMTU() -> Int? { failedMTU }

    func kernelDrops() -> UInt64 { buffer.dropped }

    func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        try memberships.change(membership, isJoining: isJoining)
        let sameGroup = joined.filter { $0.group == membership.group && $0.interface == membership.interface }
        if isJoining {
            joined.subtract(sameGroup.filter { $0.source == nil })
            joined.insert(membership)
        } else {
            joined.subtract(membership.source == nil ? sameGroup : [membership])
        }
    }

    func extraInfo(_ name: String) -> (any Sendable)? { nil }
}

extension IPAddress {
    /// Whether this is 255.255.255.255.
    var isBroadcast: Bool { self == IPAddress(v4: 0xffff_ffff) }
}
