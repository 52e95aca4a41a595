import VolleyCapture
import VolleyCore
import VolleyWire

/// One run: reads records, keeps the clock, gathers batches and hands them to the world.
///
/// Datagrams are gathered in the world's receive slots without being copied. The timers due before a datagram run before
/// it is gathered and a batch is delivered before time moves past it, so that no callback ever runs while a batch is
/// being gathered, and none sees what is still to come.
struct ReplayRun: ~Copyable {
    let role: ReplayRole
    let options: ReplayOptions
    let loop = VirtualEventLoop()
    let sink: ReplaySink
    /// The endpoint of the batch being gathered; the only one, unless every server has its own.
    var endpoint: ReplayEndpoint {
        didSet { (world, transport) = (endpoint.world, endpoint.transport) }
    }
    /// The endpoint's own: here without a step in between for every datagram.
    private(set) var world: ReplayWorld
    private(set) var transport: RingTransport
    /// Those whose protocol has been made.
    var endpoints: [ReplayEndpoint] = []
    var servers: ReplayServers
    /// Set once the protocol has its transport.
    var isStarted = false

    var accounting = RecordAccounting()
    var datagrams = ReplayDatagrams()
    var errors = ReplayErrors()
    private var reassembler: FragmentReassembler
    /// Decodes and counts all records where more is asked for than what a capture shows.
    var decoder: RecordDecoder?
    /// Whether a record has to be looked at in more than the common way: the first, and all if options ask for it.
    private var isSelective = true
    var census = DestinationCensus()
    var clock: CaptureClock
    /// What goes wrong on purpose; see `ReplayRun+Faults.swift`.
    var faults: RunFaults?
    /// How many more datagrams may come; see `ReplayRun+Replies.swift` for what follows the last.
    var allowance: Int

    /// What has been gathered; see `ReplayRun+Batches.swift`.
    var gathered: GatheredBatches

    init(_ role: ReplayRole, _ options: ReplayOptions) {
        self.role = role
        self.options = options
        allowance = max(0, options.datagramsMax ?? .max)
        clock = CaptureClock(maxGap: options.maxGap)
        servers = ReplayServers(endpointsMax: max(1, options.endpointsMax))
        reassembler = FragmentReassembler(limits: options.decoding.fragments)
        var plain = DecodingOptions()
        plain.fragments = options.decoding.fragments
        // A variable of its own: read from `self`, half made, the optimiser (6.3.1) releases what is not there yet.
        let faults = RunFaults.make(options)
        self.faults = faults
        // Faults take that way, too: the other asks for nothing.
        decoder = options.decoding == plain && faults == nil ? nil : RecordDecoder(options.decoding)
        sink = ReplaySink(options, loop: loop)
        gathered = GatheredBatches(role, options)
        endpoint = ReplayEndpoint(role, options, loop: loop, sink: sink, slotCount: gathered.slotCount)
        world = endpoint.world
        transport = endpoint.transport
    }

    /// Replays all that `reader` has, ends the endpoint and reports.
    mutating func run(
        _ reader: inout CaptureReader, _ makeProtocol: () -> any DatagramProtocol
    ) throws(CaptureError) -> ReplayReport {
        var damage: CaptureError?
        do {
            let filter = try options.filter.map { expression throws(CaptureError) in try CaptureFilter(expression) }
            while allowance > 0, try takeNext(of: &reader, filter, makeProtocol) {
                if reader.recordCount & 0xffff == 0, let progress = options.progress { report(reader, to: progress) }
            }
        } catch {
            damage = error
        }
        if !isStarted { start(makeProtocol) }
        finish()
        if allowance == 0 { takeRepliesAfterEnd(&reader) }
        let comparison = sink.finishComparison()
        try sink.close()
        try faults?.close()
        if let damage, damage.code == .invalidFilter { throw damage }
        return makeReport(comparison, damage, reader.warnings)
    }

    /// Takes the next record; `false` at the end of the capture.
    // Transparent, as the one below: in a type as large as this the optimiser passes over @inline(__always).
    @_transparent
    mutating func takeNext(
        of reader: inout CaptureReader, _ filter: CaptureFilter?, _ makeProtocol: () -> any DatagramProtocol
    ) throws(CaptureError) -> Bool {
        if !reader.advanceInPlace() {
            if !gathered.isEmpty, !reader.nextStaysInPlace() { keepGathered() }
            guard try reader.advanceSlowly() else { return false }
        }
        if reader.current.hasTimestamp { clock.take(reader.current.timestampNanoseconds, loop) }
        // Whatever is not common is elsewhere: it would be in the way of what is.
        if isSelective, try takeSelectively(&reader, filter, makeProtocol) { return true }
        let frame = FrameDecoder.decode(
            reader.recordBytes, originalLength: reader.current.originalLength, linkType: reader.current.linkType)
        guard frame.isDelivered else {
            moveTime(to: clock.instant)
            takeOther(&reader, makeProtocol)
            return true
        }
        accounting.count(.delivered)
        // Only scalars go on from here: to pass the record or the frame would be to copy it.
        let (source, destination) = (frame.source, frame.destination)
        let time = clock.instant
        if !role.takes(from: source, to: destination) {
            moveTime(to: time)
            let isForUs = takeAside(
                reader.recordBytes(from: frame.payloadOffset, count: frame.payloadLength), from: source,
                to: destination, record: reader.current.number, at: reader.current.timestampNanoseconds, makeProtocol)
            guard isForUs else { return true }
            if time > gathered.deadline { gathered.beginBatch(at: time) }
        } else if loop.earliest < time {
            beginBatch(at: time)
        } else if time > gathered.deadline, !gathered.beginBatch(at: time) {
            beginBatch(at: time)
        }
        receive(
            reader.recordBytes(from: frame.payloadOffset, count: frame.payloadLength), from: source,
            to: destination.ip, at: reader.current.timestampNanoseconds)
        return true
    }

    /// Takes the current record if the options ask for more than the common decoding, or for less.
    @inline(never)
    private mutating func takeSelectively(
        _ reader: inout CaptureReader, _ filter: CaptureFilter?, _ makeProtocol: () -> any DatagramProtocol
    ) throws(CaptureError) -> Bool {
        if !isStarted {
            if faults == nil { expectMarks(reader.recordBytes, linkType: reader.current.linkType) }
            start(makeProtocol)
            isSelective = decoder != nil || filter != nil
        }
        let (length, linkType) = (reader.current.originalLength, reader.current.linkType)
        if let filter, try !filter.matches(reader.recordBytes, originalLength: length, linkType: linkType) {
            if decoder == nil { accounting.count(.filtered) } else { decoder?.countFiltered() }
            return true
        }
        let time = reader.current.timestampNanoseconds
        guard
            let frame = decoder?.decode(reader.recordBytes, originalLength: length, linkType: linkType, at: time)
        else { return false }
        takeJudged(frame, of: reader.recordBytes, record: reader.current.number, at: time, makeProtocol)
        return true
    }

    /// Takes the current record, which is no datagram, or not yet.
    ///
    /// It is decoded again, since to hand on a frame is to have every frame in memory.
    @inline(never)
    private mutating func takeOther(_ reader: inout CaptureReader, _ makeProtocol: () -> any DatagramProtocol) {
        let frame = FrameDecoder.decode(
            reader.recordBytes, originalLength: reader.current.originalLength, linkType: reader.current.linkType)
        if frame.recordClass == .pendingFragment {
            takeFragment(
                frame, of: reader.recordBytes, record: reader.current.number,
                at: reader.current.timestampNanoseconds, makeProtocol)
            return
        }
        accounting.count(frame.recordClass, reason: frame.reason)
        if frame.recordClass == .icmpError { takeError(frame, in: reader.recordBytes) }
    }

    /// Takes a datagram that is of another endpoint than the present one, or sent by it, or of none.
    ///
    /// - Returns: whether it is for what is the present endpoint now.
    @inline(never)
    private mutating func takeAside(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, record: Int,
        at timestamp: Int64, _ makeProtocol: () -> any DatagramProtocol
    ) -> Bool {
        var isAnswer: Bool?
        if role.isEveryServer {
            isAnswer = chooseServer(from: source, to: destination, makeProtocol)
        } else if role.isLocal(source), role.accepts(destination) {
            isAnswer = true
        } else {
            census.count(destination, role: role)
        }
        switch isAnswer {
        case false?: return true
        case true?:
            faults?.record(payload, from: source, to: destination, at: loop.wallClock(at: clock.instant))
            takeCaptured(payload, from: source, to: destination, record: record, at: timestamp)
        case nil where role.isEveryServer: datagrams.beyondEndpoints &+= 1
        case nil: datagrams.elsewhere &+= 1
        }
        return false
    }

    /// Takes a datagram of the local endpoint.
    private mutating func takeCaptured(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, record: Int, at time: Int64
    ) {
        datagrams.captured &+= 1
        // A recording of our own tap may not know the local address; ours has to be as ignorant.
        let isKnown = !source.ip.isUnspecified
        sink.takeCaptured(
            payload, from: isKnown ? source : world.source(for: .unknown, source.family), to: destination,
            record: record, at: time, due: loop.wallClock(at: clock.instant))
    }

    /// Makes the server of a datagram the present endpoint; says whether it sent the datagram, `nil` if there is none.
    private mutating func chooseServer(
        from source: SocketAddress, to destination: SocketAddress, _ makeProtocol: () -> any DatagramProtocol
    ) -> Bool? {
        switch servers.owner(from: source, to: destination) {
        case .known(let index, let isAnswer):
            if !isAnswer { change(to: endpoints[index]) }
            return isAnswer
        case .new:
            deliverBatch()
            // A protocol is made at the time of its first datagram.
            loop.advance(to: MonotonicInstant(nanoseconds: clock.instant - 1))
            loop.setTime(clock.instant)
            endpoint = ReplayEndpoint(
                .server(destination), options, loop: loop, sink: sink, slotCount: gathered.slotCount)
            begin(makeProtocol)
            return false
        case .none:
            return nil
        }
    }

    /// Datagrams of one batch are of one endpoint.
    mutating func change(to other: ReplayEndpoint) {
        guard other !== endpoint else { return }
        deliverBatch()
        endpoint = other
    }

    // MARK: Fragments and errors

    /// Takes a fragment and, if that completes one, the datagram or error.
    private mutating func takeFragment(
        _ frame: DecodedFrame, of bytes: RawSpan, record: Int, at timestamp: Int64,
        _ makeProtocol: () -> any DatagramProtocol
    ) {
        let step = reassembler.add(frame, of: bytes, at: timestamp)
        accounting.count(step)
        let packet = step.packet
        if step.frame.recordClass == .icmpError { takeError(step.frame, in: RawSpan(packet.span)) }
        guard step.frame.isDelivered else { return }
        routeTransient(
            step.frame.payload(in: RawSpan(packet.span)), from: step.frame.source, to: step.frame.destination,
            record: record, at: timestamp, makeProtocol)
    }

    /// Takes what ``RecordDecoder`` has made of a record.
    private mutating func takeJudged(
        _ frame: DecodedFrame, of bytes: RawSpan, record: Int, at timestamp: Int64,
        _ makeProtocol: () -> any DatagramProtocol
    ) {
        if faults != nil { takeArrivals() } else { moveTime(to: clock.instant) }
        if frame.recordClass == .icmpError {
            let packet = frame.isReassembled ? decoder?.packet ?? [] : Array(copying: bytes)
            return takeError(frame, in: RawSpan(packet.span))
        }
        if frame.recordClass == .notUDP, faults != nil { takeMark(frame, in: bytes) }
        guard frame.isDelivered, let payload = decoder?.payload(of: frame, in: bytes) else { return }
        routeTransient(
            RawSpan(payload.span), from: frame.source, to: frame.destination, record: record, at: timestamp,
            makeProtocol)
    }

    /// Takes a datagram whose payload does not stay in place.
    private mutating func routeTransient(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, record: Int,
        at timestamp: Int64, _ makeProtocol: () -> any DatagramProtocol
    ) {
        guard
            role.takes(from: source, to: destination)
                || takeAside(payload, from: source, to: destination, record: record, at: timestamp, makeProtocol)
        else { return }
        if faults != nil {
            offer(payload, from: source, to: destination)
        } else {
            receiveTransient(payload, from: source, to: destination.ip, at: timestamp)
        }
    }

    /// Takes an ICMP or ICMPv6 error.
    private mutating func takeError(_ frame: DecodedFrame, in bytes: RawSpan) {
        guard let error = ICMPError(frame, in: bytes) else {
            errors.ignored += 1
            return
        }
        if role.isEveryServer, let index = servers.index(of: error.source) { change(to: endpoints[index]) }
        guard isStarted, !endpoints.isEmpty, endpoint.role.isConcerned(by: error) else {
            errors.elsewhere += 1
            return
        }
        faults?.record(frame, in: bytes, at: loop.wallClock(at: clock.instant))
        guard let errno = error.errno else {
            errors.ignored += 1
            return
        }
        let quoted = Array(copying: error.payload(in: bytes))
        guard let report = endpoint.role.report(of: error, errno, options.receivesErrors, quoted: quoted) else {
            errors.unheard += 1
            return
        }
        give(report)
    }

    /// Gives an error to the protocol, now or with the next wake-up.
    private mutating func give(_ error: DatagramError) {
        let time = clock.instant
        guard options.errorOrder == .kernel else {
            deliverBatch()
            if loop.hasTimer(before: time) { loop.runTimers(through: time - 1) }
            loop.setTime(time)
            guard !transport.isClosing else {
                errors.afterClose += 1
                return
            }
            errors.delivered += 1
            transport.receiveFailed(error)
            if loop.hasWork { loop.runTurns() }
            return
        }
        if gathered.isFull { deliverFull(at: time) }
        guard !transport.isClosing else {
            errors.afterClose += 1
            return
        }
        if world.hold(error) { errors.overwritten += 1 } else { errors.delivered += 1 }
        // An endpoint that is at work asks when it is done.
        if !world.isAtWork { gathered.addErrors(at: time) }
    }

    // MARK: Beginning and end

    private mutating func start(_ makeProtocol: () -> any DatagramProtocol) {
        isStarted = true
        // Servers begin when they are met.
        if !role.isEveryServer { begin(makeProtocol) }
    }

    private mutating func begin(_ makeProtocol: () -> any DatagramProtocol) {
        endpoints.append(endpoint)
        transport.start(makeProtocol(), in: faults?.world(of: endpoint) ?? world, tap: options.tap)
        loop.runTurns()
    }

    private mutating func finish() {
        if faults != nil { takeLastArrivals() }
        deliverBatch()
        var last = clock.instant.addingClamped(max(0, options.drain.wholeNanoseconds))
        loop.advance(to: MonotonicInstant(nanoseconds: last))
        // What has arrived while the endpoint was busy is delivered before the end.
        for endpoint in endpoints {
            while let next = endpoint.world.nextTurn {
                last = max(last, next)
                loop.advance(to: MonotonicInstant(nanoseconds: next))
            }
        }
        faults?.markEnd(loop)
        for endpoint in endpoints { endpoint.transport.close() }
        loop.runTurns()
        // What waits for a slow link leaves before the end, too.
        for endpoint in endpoints where !endpoint.world.isShutDown {
            loop.advance(to: MonotonicInstant(nanoseconds: endpoint.world.timeOfLastSend))
            endpoint.transport.abort()
        }
        loop.runTurns()
        faults?.sendLate(loop)
        loop.end()
    }
}
