internal import SystemPackage
import VolleyCore
import VolleyWire

/// Who talks with whom: the local side first.
struct StreamKey: Hashable {
    let local: SocketAddress
    let peer: SocketAddress
}

/// One TCP connection of a capture: both directions, and the transport that stands for the local side.
final class StreamConnection {
    let key: StreamKey
    let number: Int
    let start: MonotonicInstant
    let hasBeginning: Bool
    let transport: FlowTransport
    let world: StreamReplayWorld
    private let comparator: StreamComparator?
    private let capturedSide: StreamCapturedSide
    /// What the peer sends, and what the local side sends in the capture.
    private(set) var incoming = StreamReassembler()
    private(set) var captured = StreamReassembler()
    private var reset: StreamEnding?
    private(set) var resetsIgnored = 0
    /// The time of the latest segment.
    private(set) var latest: Int64 = 0
    private var isPeerWindowClosed = false
    private var isLocalWindowClosed = false

    /// - Parameter hasBeginning: whether a SYN is to come first.
    init(
        _ key: StreamKey, number: Int, hasBeginning: Bool, options: StreamReplayOptions, loop: VirtualEventLoop,
        memory: StreamReceiveMemory
    ) {
        self.key = key
        self.number = number
        self.hasBeginning = hasBeginning
        start = loop.now
        transport = FlowTransport(
            eventLoop: loop, names: StreamNames(local: key.local, remote: key.peer), limits: options.writeBufferLimits)
        comparator = options.comparesWritten ? StreamComparator(aheadMax: options.comparedAheadMax) : nil
        capturedSide = StreamCapturedSide(comparator)
        world = StreamReplayWorld(transport, loop: loop, memory: memory, options: options, comparator: comparator)
    }

    /// What waits behind gaps, in memory.
    var cost: Int { incoming.cost + captured.cost }

    var ending: StreamEnding {
        if let reset { return reset }
        return incoming.hasPassedEnd && captured.hasPassedEnd ? .closed : .incomplete
    }

    /// Whether `segment`, a SYN of either side, begins another connection of the same addresses.
    func isSucceeded(by segment: TCPSegment, isFromPeer: Bool) -> Bool {
        guard segment.flags.contains(.syn), let base = isFromPeer ? incoming.base : captured.base else { return false }
        return segment.sequence &+ 1 != base
    }

    /// Takes a segment of either side.
    func take(
        _ segment: TCPSegment, _ payload: RawSpan, isFromPeer: Bool, at time: Int64, patience: Int64, limit: Int
    ) {
        latest = time
        if isFromPeer {
            incoming.take(segment, payload, isWindowClosed: isLocalWindowClosed, to: world)
            isPeerWindowClosed = segment.window == 0
        } else {
            captured.take(segment, payload, isWindowClosed: isPeerWindowClosed, to: capturedSide)
            isLocalWindowClosed = segment.window == 0
        }
        if segment.flags.contains(.ack), !segment.flags.contains(.rst) {
            if isFromPeer {
                captured.acknowledge(segment.acknowledgement)
            } else {
                incoming.acknowledge(segment.acknowledgement)
            }
        }
        incoming.giveUpGaps(at: time, after: patience, to: world)
        captured.giveUpGaps(at: time, after: patience, to: capturedSide)
        incoming.shrink(to: limit, world)
        captured.shrink(to: limit, capturedSide)
        if segment.flags.contains(.rst) { takeReset(segment, isFromPeer: isFromPeer) }
    }

    private func takeReset(_ segment: TCPSegment, isFromPeer: Bool) {
        let isTaken = isFromPeer ? incoming.takesReset(segment.sequence) : captured.takesReset(segment.sequence)
        guard isTaken else {
            resetsIgnored += 1
            return
        }
        guard reset == nil else { return }
        reset = isFromPeer ? .resetByPeer : .resetByLocal
        if isFromPeer {
            incoming.finish(to: world)
            world.end(.connectionReset)
        }
    }

    /// Gives up all gaps: what waits is passed on.
    func finish() {
        incoming.finish(to: world)
        captured.finish(to: capturedSide)
    }

    /// Ends the protocol's connection, if it has not ended yet; it hears of it in the next turn.
    func close() { transport.abort(nil) }

    var report: StreamConnectionReport {
        StreamConnectionReport(
            number: number, local: key.local, peer: key.peer, start: start, hasBeginning: hasBeginning, ending: ending,
            received: incoming.counts, captured: captured.counts, statistics: transport.statistics,
            waitingPeak: world.waitingPeak, comparison: comparator?.comparison, written: world.written,
            hasWrittenEnd: world.hasWrittenEnd)
    }
}

/// The local side's stream of the capture, on its way to the comparison, if there is one.
final class StreamCapturedSide: ReassembledStream {
    private let comparator: StreamComparator?

    init(_ comparator: StreamComparator?) { self.comparator = comparator }

    func take(_ bytes: RawSpan) { comparator?.take(bytes) }
    func takeGap(_ count: Int64, at offset: Int64) { comparator?.takeGap(count, at: offset) }
    func takeEnd() {}
}
