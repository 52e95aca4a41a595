internal import SystemPackage
import VolleyCapture
import VolleyCore
import VolleyWire

/// The faults of one run: who decides them, what is on its way, and the capture of what arrives.
///
final class RunFaults {
    let injector: FaultInjector
    let stage: FaultStage
    private let hasPlan: Bool
    private let reception: ErrorReception
    private let writer: CaptureWriter?
    private var worlds: [FaultedWorld] = []
    /// What is to be written, until nothing can come that is before it.
    private var waiting = TimedQueue<Packet>()
    private var hasBegun = false
    private var hasEnded = false
    private var writeFailure: CaptureError?
    /// Errors that found the endpoint closed.
    var errorsAfterClose = 0

    /// What the options ask for; `nil` when that is nothing.
    @inline(never)
    static func make(_ options: ReplayOptions) -> RunFaults? {
        guard options.faults != nil || options.deliveredOutput != nil else { return nil }
        return RunFaults(options.faults, reception: options.receivesErrors, writer: options.deliveredOutput)
    }

    /// For a capture that an earlier run has written (``ReplayOptions/deliveredOutput``), which may say what failed.
    static func makeForMarks(_ options: ReplayOptions) -> RunFaults {
        RunFaults(nil, reception: options.receivesErrors, writer: nil)
    }

    private init(_ plan: FaultPlan?, reception: ErrorReception, writer: CaptureWriter?) {
        injector = FaultInjector(plan ?? FaultPlan(seed: 0))
        hasPlan = plan != nil
        self.reception = reception
        self.writer = writer
        stage = FaultStage(injector)
    }

    /// What the capture of arrivals gets.
    private struct Packet {
        let time: Int64
        /// An IP packet, or a payload with its two ends.
        let bytes: [UInt8]
        var ends: (source: SocketAddress, destination: SocketAddress)?
        var originalLength: Int?
        var direction = PacketDirection.inbound
        var comment: String?
    }

    /// The world of an endpoint, behind the faults of what it sends.
    @inline(never)
    func world(of endpoint: ReplayEndpoint) -> any DatagramWorld {
        let inner = endpoint.world
        let world = FaultedWorld(
            inner, injector, transport: endpoint.transport, reception: reception)
        world.onLoss = { [sink = endpoint.sink] local, peer in sink.takeLoss(local: local, peer: peer) }
        if writer != nil {
            let loop = endpoint.transport.eventLoop
            world.onReport = { [unowned self, unowned inner] message in
                record(message, sentFrom: inner, at: loop.wallClock.nanosecondsSinceEpoch)
            }
            world.onFailure = { [unowned self] errno, number in
                record(sendError: errno, number: number, at: loop.wallClock.nanosecondsSinceEpoch)
            }
        }
        worlds.append(world)
        return world
    }

    /// Sends what was delayed beyond the end of the run, each at its time.
    @inline(never)
    func sendLate(_ loop: VirtualEventLoop) {
        while let world = worlds.filter({ $0.nextLateSend != nil }).min(by: { one, other in
            one.nextLateSend ?? .max < other.nextLateSend ?? .max
        }), let time = world.nextLateSend {
            loop.setTime(time)
            world.sendLate()
        }
    }

    func report() -> ReplayFaults? {
        guard hasPlan else { return nil }
        return ReplayFaults(
            seed: injector.seed, receiving: injector.receivingCounts, sending: injector.sendingCounts,
            refused: worlds.reduce(0) { $0 + $1.refused }, errorsAfterClose: errorsAfterClose, events: injector.events)
    }
}

/// The capture of what arrives.
extension RunFaults {
    /// Marks the beginning of the run, once.
    func markBeginning(_ loop: VirtualEventLoop) {
        guard !hasBegun else { return }
        hasBegun = true
        mark(
            DeliveredMark(.beginning), "the replay began; faults of seed \(injector.seed)", at: loop.wallClock(at: 0))
    }

    /// Marks the end of the run; nothing is written after it.
    @inline(never)
    func markEnd(_ loop: VirtualEventLoop) {
        markBeginning(loop)
        mark(DeliveredMark(.end), "the replay ended", at: loop.wallClock(at: loop.time))
        hasEnded = true
    }

    private func mark(_ mark: DeliveredMark, _ comment: String, at time: Int64) {
        add(Packet(time: time, bytes: mark.bytes, direction: .unknown, comment: "volley: " + comment))
    }

    /// Adds the error number of a send: before all else of its time, since the send answers what comes there.
    private func record(sendError errno: Errno, number: Int, at time: Int64) {
        guard writer != nil, !hasEnded else { return }
        let mark = DeliveredMark(.sendError, errno: errno.rawValue, number: UInt64(number))
        let comment = "volley: send \(number) failed: \(errno) (errno \(errno.rawValue))"
        waiting.insert(
            Packet(time: time, bytes: mark.bytes, direction: .unknown, comment: comment),
            at: time == .min ? time : time - 1)
    }

    /// What a mark of an earlier run says: an error number for a send to come, or one that is returned, for a receive.
    @inline(never)
    func take(_ mark: DeliveredMark, at time: Int64) -> DatagramError? {
        guard !hasPlan else { return nil }
        let errno = Errno(rawValue: mark.errno)
        switch mark.kind {
        case .beginning, .end: return nil
        case .sendError:
            injector.fail(send: mark.number, with: errno)
            return nil
        case .receiveError:
            // That is no error of a receive, and would be none of this run's.
            guard errno != .wouldBlock else { return nil }
            record(receiveError: errno, at: time)
            return DatagramError(errno, operation: .receive, origin: .network)
        }
    }

    private func record(receiveError errno: Errno, at time: Int64) {
        mark(
            DeliveredMark(.receiveError, errno: errno.rawValue), "a receive failed: \(errno) (errno \(errno.rawValue))",
            at: time)
    }

    /// Adds a datagram that arrives.
    func record(_ arrival: FaultStage.Arrival) {
        guard writer != nil else { return }
        if let error = arrival.error { record(receiveError: error.errno, at: arrival.timestamp.nanosecondsSinceEpoch) }
        guard let payload = arrival.payload else { return }
        add(
            Packet(
                time: arrival.timestamp.nanosecondsSinceEpoch, bytes: payload,
                ends: (arrival.source, arrival.destination), comment: stage.comment(for: arrival)))
    }

    /// Adds a datagram that the capture shows as sent by the endpoint.
    @inline(never)
    func record(_ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, at time: Int64) {
        guard writer != nil else { return }
        add(Packet(time: time, bytes: Array(copying: payload), ends: (source, destination), direction: .outbound))
    }

    /// Adds an ICMP error of the capture, from its IP header on.
    @inline(never)
    func record(_ frame: DecodedFrame, in bytes: RawSpan, at time: Int64) {
        guard writer != nil else { return }
        let packet = Array(copying: bytes.extracting(frame.ipOffset...))
        guard packet.count >= 20 else { return }
        func word(_ offset: Int) -> Int { Int(packet[offset]) << 8 | Int(packet[offset + 1]) }
        let length = packet[0] >> 4 == 6 ? 40 + word(4) : word(2)
        add(Packet(time: time, bytes: Array(packet.prefix(length)), originalLength: length))
    }

    /// Adds an ICMP error that was injected.
    private func record(_ message: ICMPReport, sentFrom world: ReplayWorld, at time: Int64) {
        var message = message
        if message.quotedSource.ip.isUnspecified {
            message.quotedSource = world.source(for: .unknown, message.quotedDestination.family)
        }
        // There is one for every message about a datagram that could be sent.
        guard let packet = try? ICMPPacket.bytes(of: message) else { return }
        add(Packet(time: time, bytes: packet, comment: "injected: ICMP type \(message.type) code \(message.code)"))
    }

    private func add(_ packet: Packet) {
        if writer != nil, !hasEnded { waiting.insert(packet, at: packet.time) }
    }

    /// Writes what is before `horizon`, a time of day: nothing will come any more that is earlier.
    func write(before horizon: Int64) {
        while let time = waiting.nextTime, time < horizon, let packet = waiting.removeFirst() { write(packet) }
    }

    private func write(_ packet: Packet) {
        guard let writer, writeFailure == nil else { return }
        let time = max(0, packet.time)
        do throws(CaptureError) {
            if let ends = packet.ends {
                try writer.writeDatagram(
                    RawSpan(packet.bytes.span), from: ends.source, to: ends.destination, at: time,
                    direction: packet.direction, comment: packet.comment)
            } else {
                try writer.write(
                    RawSpan(packet.bytes.span), at: time, originalLength: packet.originalLength,
                    direction: packet.direction, comment: packet.comment)
            }
        } catch {
            writeFailure = error
        }
    }

    /// Completes the file.
    @inline(never)
    func close() throws(CaptureError) {
        while let packet = waiting.removeFirst() { write(packet) }
        try writer?.close()
        if let writeFailure { throw writeFailure }
    }
}
