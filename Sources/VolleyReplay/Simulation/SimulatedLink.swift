import VolleyCore

/// One direction of the path between two hosts of a simulated network.
///
/// A packet first waits for those before it (``LinkOptions/bandwidth``), is then transmitted, meets what goes wrong
/// (``LinkOptions/faults``), and arrives after latency and jitter. A packet that is on its way arrives, whatever
/// happens to the link meanwhile.
public final class SimulatedLink {
    /// Whether a link carries anything.
    public struct State: Hashable, Sendable, CustomStringConvertible {
        /// In one word: `up`, `cut`, `rejecting`.
        public let description: String

        /// It carries.
        public static let up = State(description: "up")
        /// Everything disappears without a word.
        public static let cut = State(description: "cut")
        /// Everything is answered by a router with ICMP "network unreachable".
        public static let rejecting = State(description: "rejecting")
    }

    /// Where it comes from.
    public unowned let source: SimulatedHost
    /// Where it leads to.
    public unowned let destination: SimulatedHost
    /// The names of both hosts: `client>server`.
    public let name: String
    /// What it is like; may be changed at any time.
    public var options: LinkOptions { didSet { updateFaults(had: oldValue.faults != nil) } }
    /// Whether it carries anything.
    public var state = State.up
    /// What it has carried and lost.
    public private(set) var statistics = LinkStatistics()
    /// The faults it has met so far; `nil` if it never had any to meet.
    public private(set) var faults: FaultInjector?

    private let stream: UInt64
    private var generator: SeededGenerator
    /// When the transmission of the last packet ends.
    private var busyUntil: Int64 = 0
    /// The latest arrival so far, for a path that keeps the order.
    private var latestArrival: Int64 = 0
    /// Packets that wait for their transmission or are in it: when that ends, and their bytes.
    private var queue: [(end: Int64, bytes: Int)] = []
    private var queueFirst = 0
    private var queueBytes = 0

    init(_ source: SimulatedHost, _ destination: SimulatedHost, _ options: LinkOptions, stream: UInt64) {
        self.source = source
        self.destination = destination
        self.options = options
        self.stream = stream
        name = "\(source.name)>\(destination.name)"
        generator = SeededGenerator(seed: source.simulation.seed, stream: stream)
        updateFaults(had: false)
    }

    private func updateFaults(had: Bool) {
        guard had || options.faults != nil else { return }
        let rules = options.faults.map { [$0] } ?? []
        if let faults { return faults.setReceiving(rules) }
        var plan = FaultPlan(seed: source.simulation.seed)
        plan.receiving = rules
        // Apart from the generator of the jitter, which has the stream itself.
        faults = FaultInjector(plan, stream: stream &+ 0x5bd1_e995)
    }

    private var simulation: Simulation { source.simulation }

    // MARK: Sending

    /// Takes a packet.
    func send(_ packet: SimulationPacket) {
        statistics.offered += 1
        simulation.note(.sent, at: name, packet)
        guard state == .up else { return drop(packet) }
        guard let wire = wire(packet) else { return refuseTooBig(packet) }
        guard let transmitted = transmit(packet, bytes: wire.bytes) else { return }
        if wire.count > 1 { statistics.fragmented += 1 }
        statistics.bytes += wire.bytes
        let verdict = judge(packet, fragments: wire.count)
        for copy in verdict.copies { deliver(packet, copy, verdict.faults, transmitted) }
        if verdict.copies.isEmpty {
            statistics.lost += 1
            simulation.note(.lost, at: name, packet)
            simulation.recordSilence(verdict.faults, on: self)
        }
        if let icmp = verdict.icmp { report(icmp.fault, packet, after: icmp.delay) }
    }

    private func drop(_ packet: SimulationPacket) {
        statistics.cutDropped += 1
        simulation.note(.cut, at: name, packet)
        if state == .rejecting { simulation.rejectByRouter(packet, from: source, over: options) }
    }

    /// In how many packets and bytes it goes over the wire; `nil` if the path does not take it.
    private func wire(_ packet: SimulationPacket) -> (count: Int, bytes: Int)? {
        guard case .datagram = packet.body else { return (1, packet.size) }
        let sent = packet.fragments(packet.packetSizeMax)
        guard let pathMTU = pathMTU(packet), min(packet.size, packet.packetSizeMax) > pathMTU else { return sent }
        // Routers cut up what the sender has cut up already, but only over IPv4; the rest may not be cut.
        return sent.count > 1 && !packet.isIPv6 ? packet.fragments(pathMTU) : nil
    }

    private func pathMTU(_ packet: SimulationPacket) -> Int? {
        options.pathMTU.map { max($0, packet.isIPv6 ? 1_280 : 576) }
    }

    private func refuseTooBig(_ packet: SimulationPacket) {
        statistics.tooBig += 1
        simulation.note(.tooBig, at: name, packet)
        var fault = Faults.ICMPFault(type: packet.isIPv6 ? 2 : 3, code: packet.isIPv6 ? 0 : 4, 1)
        fault.info = UInt32(clamping: pathMTU(packet) ?? 0)
        fault.offender = packet.isIPv6 ? simulation.routerIPv6 : simulation.routerIPv4
        report(fault, packet, after: max(0, options.latency.wholeNanoseconds))
    }

    /// Sends an ICMP error back, some time from now.
    private func report(_ fault: Faults.ICMPFault, _ packet: SimulationPacket, after delay: Int64) {
        guard case .datagram = packet.body else { return }
        let message = packet.icmp(
            fault.type, fault.code, info: fault.info, from: fault.offender ?? packet.destination.ip)
        simulation.after(.nanoseconds(delay)) { [source, destination] in
            destination.sendICMP(message, to: source)
        }
    }

    /// Queues a packet; the result is when its transmission ends, `nil` when there was no room.
    private func transmit(_ packet: SimulationPacket, bytes: Int) -> Int64? {
        let now = simulation.loop.now.nanoseconds
        guard let bandwidth = options.bandwidth else { return now }
        while queueFirst < queue.count, queue[queueFirst].end <= now {
            queueBytes -= queue[queueFirst].bytes
            queueFirst += 1
        }
        if queueFirst == queue.count || queueFirst >= 1_024 {
            queue.removeFirst(queueFirst)
            queueFirst = 0
        }
        let waiting = queue.count - queueFirst
        guard waiting < max(1, options.queuePackets), waiting == 0 || queueBytes + bytes <= options.queueBytes else {
            statistics.queueDropped += 1
            simulation.note(.queueFull, at: name, packet)
            return nil
        }
        let rate = UInt64(max(1, bandwidth))
        let product = UInt64(bytes).multipliedFullWidth(by: 8_000_000_000)
        // A transmission of more than 2^62 nanoseconds never ends.
        let duration = product.high >= rate ? UInt64.max : rate.dividingFullWidth(product).quotient
        busyUntil = max(now, busyUntil).addingClamped(Int64(clamping: min(duration, 1 << 62)))
        queue.append((busyUntil, bytes))
        queueBytes += bytes
        statistics.queuePacketsMax = max(statistics.queuePacketsMax, waiting + 1)
        return busyUntil
    }

    private func judge(_ packet: SimulationPacket, fragments: Int) -> FaultInjector.Verdict {
        guard let faults, options.faults != nil else { return .untouched }
        let first = faults.count
        let now = simulation.loop.now
        let subject = FaultSubject(
            direction: .link, source: packet.source, destination: packet.destination, count: packet.payload.count,
            time: now, number: statistics.offered - 1)
        var verdict: FaultInjector.Verdict
        switch packet.body {
        case .datagram(let payload):
            verdict = faults.judge(
                .link, RawSpan(payload.span), from: packet.source, to: packet.destination, at: now)
        case .segment(let segment):
            verdict = faults.judge(
                .link, RawSpan(segment.payload.span), from: packet.source, to: packet.destination, at: now)
            // Its checksum tells that it has been changed.
            verdict.copies.removeAll { $0.payload != nil }
            verdict.icmp = nil
        case .icmp:
            verdict = .untouched
            if faults.losesAnother(subject) { verdict.copies = [] }
        }
        for _ in 1..<max(2, fragments) where fragments > 1 && !verdict.copies.isEmpty {
            if faults.losesAnother(subject) { verdict.copies = [] }
        }
        verdict.faults = first + 1..<faults.count + 1
        return verdict
    }

    // MARK: Arriving

    private func deliver(
        _ packet: SimulationPacket, _ copy: FaultInjector.Verdict.Copy, _ met: Range<Int>, _ transmitted: Int64
    ) {
        let latency = max(0, options.latency.wholeNanoseconds).addingClamped(options.jitter.sample(&generator))
        var arrival = transmitted.addingClamped(latency)
        if !options.jitterReorders {
            arrival = max(arrival, latestArrival)
            latestArrival = arrival
        }
        arrival = arrival.addingClamped(copy.delay)
        let changed = copy.payload.map { packet.with($0) } ?? packet
        if !met.isEmpty { simulation.note(.fault, at: name, changed, value: Int64(met.lowerBound)) }
        simulation.loop.callAt(MonotonicInstant(nanoseconds: arrival)) { [self] in
            statistics.delivered += 1
            simulation.record(changed, met, on: self)
            destination.receive(changed)
        }
    }
}

extension SimulationPacket {
    /// The same datagram with another payload.
    func with(_ payload: [UInt8]) -> SimulationPacket {
        SimulationPacket(
            source: source, destination: destination, body: .datagram(payload), trafficClass: trafficClass,
            packetSizeMax: packetSizeMax)
    }

    /// An ICMP error about this datagram.
    func icmp(_ type: UInt8, _ code: UInt8, info: UInt32 = 0, from offender: IPAddress) -> ICMPReport {
        ICMPReport(
            type: type, code: code, info: info, offender: offender, quotedSource: source,
            quotedDestination: destination, quoted: Array(payload.prefix(DatagramError.quotedMax)))
    }
}
