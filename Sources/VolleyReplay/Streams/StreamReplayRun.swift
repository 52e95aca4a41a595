import VolleyCapture
import VolleyCore
import VolleyWire

/// One run: reads records, keeps the clock, finds the connection of each segment and hands it on.
///
/// The timers due before a record run before it; what a record brings is delivered before the next.
struct StreamReplayRun: ~Copyable {
    let role: ReplayRole
    let options: StreamReplayOptions
    let loop = VirtualEventLoop()
    private let memory = StreamReceiveMemory()
    private let patience: Int64
    private var clock: CaptureClock
    private var accounting = RecordAccounting()
    private var segments = StreamReplaySegments()
    private(set) var connections: [StreamKey: StreamConnection] = [:]
    /// What waits behind gaps, of all connections.
    private var cost = 0
    private var tally: StreamTally

    init(_ role: ReplayRole, _ options: StreamReplayOptions) {
        self.role = role
        self.options = options
        patience = max(0, options.gapPatience.wholeNanoseconds)
        clock = CaptureClock(maxGap: options.maxGap)
        tally = StreamTally(reportsMax: options.connectionReportsMax)
    }

    /// Replays all that `reader` has, ends the connections and reports.
    mutating func run(
        _ reader: inout CaptureReader, _ makeProtocol: () -> any BaseStreamProtocol
    ) throws(CaptureError) -> StreamReplayReport {
        var damage: CaptureError?
        do {
            let filter = try options.filter.map { expression throws(CaptureError) in try CaptureFilter(expression) }
            while try takeNext(of: &reader, filter, makeProtocol) {
                guard reader.recordCount & 0xffff == 0, let progress = options.progress else { continue }
                progress(
                    ReplayProgress(
                        records: reader.recordCount, byteOffset: reader.byteOffset, elapsed: .nanoseconds(clock.instant)
                    ))
            }
        } catch {
            damage = error
        }
        finish()
        if let damage, damage.code == .invalidFilter { throw damage }
        return makeReport(damage)
    }

    /// Takes the next record; `false` at the end of the capture.
    mutating func takeNext(
        of reader: inout CaptureReader, _ filter: CaptureFilter?, _ makeProtocol: () -> any BaseStreamProtocol
    ) throws(CaptureError) -> Bool {
        if !reader.advanceInPlace() {
            guard try reader.advanceSlowly() else { return false }
        }
        if reader.current.hasTimestamp { clock.take(reader.current.timestampNanoseconds, loop) }
        let (length, linkType) = (reader.current.originalLength, reader.current.linkType)
        if let filter, try !filter.matches(reader.recordBytes, originalLength: length, linkType: linkType) {
            accounting.count(.filtered)
            return true
        }
        let frame = FrameDecoder.decode(reader.recordBytes, originalLength: length, linkType: linkType)
        accounting.count(frame)
        switch TCPSegment.decode(frame, in: reader.recordBytes, linkType: linkType, checksums: options.checksums) {
        case .failure(let refusal): segments.count(refusal)
        case .success(let segment): take(segment, segment.payload(in: reader.recordBytes), makeProtocol)
        }
        return true
    }

    /// Takes a segment at its time, and delivers what it brings.
    private mutating func take(
        _ segment: TCPSegment, _ payload: RawSpan, _ makeProtocol: () -> any BaseStreamProtocol
    ) {
        let time = clock.instant
        if loop.hasTimer(before: time) { loop.runTimers(through: time - 1) }
        loop.setTime(time)
        guard let (connection, isFromPeer) = connection(of: segment, makeProtocol) else { return }
        if isFromPeer { segments.received += 1 } else { segments.captured += 1 }
        let before = connection.cost
        // When all together have too much, the one that adds to it gives up.
        let isCrowded = cost > options.reorderBytesTotalMax
        connection.take(
            segment, payload, isFromPeer: isFromPeer, at: time, patience: patience,
            limit: isCrowded ? 0 : max(0, options.reorderBytesMax))
        cost += connection.cost - before
        if loop.hasWork { loop.runTurns() }
    }

    /// The connection of a segment, a new one if it begins one, and whether the peer sent it.
    private mutating func connection(
        of segment: TCPSegment, _ makeProtocol: () -> any BaseStreamProtocol
    ) -> (StreamConnection, isFromPeer: Bool)? {
        let (source, destination) = (segment.source, segment.destination)
        let isToLocal = role.isEveryServer || role.isLocal(destination) && role.accepts(source)
        let isFromLocal = role.isEveryServer || role.isLocal(source) && role.accepts(destination)
        for isFromPeer in [true, false] where isFromPeer ? isToLocal : isFromLocal {
            let key = StreamKey(local: isFromPeer ? destination : source, peer: isFromPeer ? source : destination)
            guard let known = connections[key] else { continue }
            guard known.isSucceeded(by: segment, isFromPeer: isFromPeer) else { return (known, isFromPeer) }
            end(known)
        }
        guard isToLocal || isFromLocal else {
            segments.elsewhere += 1
            return nil
        }
        let hasBeginning = segment.flags.contains(.syn) && !segment.flags.contains(.rst)
        let isPickedUp = options.picksUpMidstream && segment.payloadLength > 0 && !segment.flags.contains(.rst)
        guard hasBeginning || isPickedUp else {
            segments.withoutBeginning += 1
            return nil
        }
        let isFromPeer = isToLocal && isFromLocal ? Self.isFromClient(segment) : isToLocal
        let key = StreamKey(local: isFromPeer ? destination : source, peer: isFromPeer ? source : destination)
        let connection = add(key, hasBeginning: hasBeginning)
        connection.transport.start(makeProtocol(), in: connection.world)
        return (connection, isFromPeer)
    }

    /// A new connection, whose transport is for the caller to start.
    mutating func add(_ key: StreamKey, hasBeginning: Bool) -> StreamConnection {
        makeRoom()
        tally.totals.connections += 1
        if !hasBeginning { tally.totals.midstream += 1 }
        let connection = StreamConnection(
            key, number: tally.totals.connections, hasBeginning: hasBeginning, options: options, loop: loop,
            memory: memory)
        connections[key] = connection
        return connection
    }

    /// Whether it is the client's: who sends a SYN alone is one, or else who has the higher port.
    private static func isFromClient(_ segment: TCPSegment) -> Bool {
        if segment.flags.contains(.syn) { return !segment.flags.contains(.ack) }
        return segment.source.port > segment.destination.port
    }

    // MARK: The end

    /// Ends the connections that have been idle longest, if there are too many.
    private mutating func makeRoom() {
        let limit = max(1, options.connectionsMax)
        guard connections.count >= limit else { return }
        // Many at a time, so that finding them costs each of them little.
        let oldest = connections.values.sorted {
            let (left, right) = ($0.ending != .incomplete, $1.ending != .incomplete)
            return left == right ? ($0.latest, $0.number) < ($1.latest, $1.number) : left
        }
        for connection in oldest.prefix(max(1, limit / 8)) {
            if connection.ending == .incomplete { tally.totals.evicted += 1 }
            end(connection)
        }
    }

    /// Ends a connection of which nothing more comes, and counts it.
    private mutating func end(_ connection: StreamConnection) {
        let before = connection.cost
        connection.finish()
        cost += connection.cost - before
        deliverAll(to: CollectionOfOne(connection))
        connection.close()
        loop.runTurns()
        tally.count(connection)
        connections[connection.key] = nil
    }

    /// Runs turns for as long as that brings bytes that wait to those who read.
    private func deliverAll(to connections: some Collection<StreamConnection>) {
        var left = Int.max
        while true {
            loop.runTurns()
            let waiting = connections.reduce(0) { $0 + ($1.world.hasReadPending ? $1.world.waitingBytes : 0) }
            guard waiting > 0, waiting < left else { return }
            left = waiting
        }
    }

    /// The capture is over.
    mutating func finish() {
        let open = connections.values.sorted { $0.number < $1.number }
        for connection in open { connection.finish() }
        deliverAll(to: open)
        let last = clock.instant.addingClamped(max(0, options.drain.wholeNanoseconds))
        loop.runTimers(through: last)
        loop.setTime(last)
        deliverAll(to: open)
        for connection in open { connection.close() }
        loop.runTurns()
        for connection in open { tally.count(connection) }
        connections = [:]
        loop.end()
    }

    private func makeReport(_ damage: CaptureError?) -> StreamReplayReport {
        StreamReplayReport(
            role: role, records: accounting, segments: segments, totals: tally.totals, received: tally.received,
            captured: tally.captured, statistics: tally.statistics,
            connections: tally.reports.sorted { $0.number < $1.number },
            timeSpan: clock.span, duration: .nanoseconds(loop.now.nanoseconds), timestampsBackwards: clock.backwards,
            gapsClamped: clock.gapsClamped, damage: damage, warnings: warnings)
    }

    private var warnings: [String] {
        var warnings: [String] = []
        if tally.totals.connections == 0 {
            warnings.append("nothing was delivered: the capture shows no TCP connection of \(role) to begin")
        }
        if segments.withoutBeginning > 0 {
            let advice = options.picksUpMidstream ? "" : "; they can be picked up midstream"
            warnings.append(
                "\(segments.withoutBeginning) segments are of connections whose beginning the capture does not "
                    + "show\(advice)")
        }
        if tally.received.missingBytes > 0 {
            warnings.append(
                "the capture lacks \(tally.received.missingBytes) bytes of what was sent to \(role), in "
                    + "\(tally.received.gaps) places")
        }
        return warnings
    }
}
