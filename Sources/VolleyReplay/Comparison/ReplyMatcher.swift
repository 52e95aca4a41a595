package import VolleyCore

/// Pairs sent with captured datagrams: flow by flow, of equal key where the rules have one, and in order.
///
/// Of one flow and key only one side can be waiting, since whatever comes from the other pairs with the oldest. All that wait
/// are linked in the order they came, so that the oldest can be given up when there are too many.
package struct ReplyMatcher {
    /// A local and a peer's address; scope and flow label are no part of what a capture shows.
    package struct Flow: Hashable, Sendable {
        package let local: SocketAddress
        package let peer: SocketAddress

        package init(local: SocketAddress, peer: SocketAddress) {
            self.local = SocketAddress(local.ip, port: local.port)
            self.peer = SocketAddress(peer.ip, port: peer.port)
        }
    }

    /// What only partners share.
    private struct Lane: Hashable {
        let flow: Flow
        /// Empty where the order decides alone.
        let key: [UInt8]
    }

    /// One datagram that waits for its partner.
    private struct Waiting {
        var payload: [UInt8]
        var lane: Lane
        /// The record of a captured one; 0 for a sent one.
        var record: Int
        var time: Int64
        /// When a captured one should be sent, by the clock of what is sent; `nil` if that is not judged.
        var due: Int64?
        var older: Int
        var newer = none
        var nextInLane = none
    }

    private struct Queue {
        var first: Int
        var last: Int
        var isCaptured: Bool
    }

    private static var none: Int { -1 }

    private let rules: ReplyRules
    private let lateAfter: Int64?
    private let differencesMax: Int
    private let outstandingMax: Int
    private let outstandingBytesMax: Int
    private var result = ReplyComparison()
    private var waiting: [Waiting] = []
    private var free: [Int] = []
    private var queues: [Lane: Queue] = [:]
    private var oldest = none
    private var newest = none
    private var outstanding = 0
    private var outstandingBytes = 0

    package init(
        rules: ReplyRules = ReplyRules(), differencesMax: Int, outstandingMax: Int = ReplyComparison.outstandingMax,
        outstandingBytesMax: Int = ReplyComparison.outstandingBytesMax
    ) {
        self.rules = rules
        lateAfter = rules.lateAfter.map { max(0, $0.wholeNanoseconds) }
        self.differencesMax = max(0, differencesMax)
        self.outstandingMax = outstandingMax
        self.outstandingBytesMax = outstandingBytesMax
    }

    /// Takes in a datagram that the capture shows as sent by the local endpoint.
    ///
    /// - Parameters:
    ///   - time: when it was captured.
    ///   - due: the same by the clock that the times of ``sent(_:_:time:)`` are of; `nil` if lateness is not judged.
    package mutating func captured(_ payload: RawSpan, _ flow: Flow, record: Int, time: Int64, due: Int64? = nil) {
        let lane = lane(of: payload, flow)
        guard let index = takePartner(in: lane, isCaptured: false) else {
            return wait(payload, lane, record: record, time: time, due: due)
        }
        let (actual, sent) = (waiting[index].payload, waiting[index].time)
        compare(
            Pair(flow: flow, record: record, time: time, due: due, sent: sent), expected: payload,
            actual: RawSpan(actual.span))
        release(index)
    }

    /// Takes in a datagram that the protocol sent.
    package mutating func sent(_ payload: RawSpan, _ flow: Flow, time: Int64) {
        let lane = lane(of: payload, flow)
        guard let index = takePartner(in: lane, isCaptured: true) else {
            return wait(payload, lane, record: 0, time: time, due: nil)
        }
        let partner = waiting[index]
        let expected = partner.payload
        compare(
            Pair(flow: flow, record: partner.record, time: partner.time, due: partner.due, sent: time),
            expected: RawSpan(expected.span), actual: payload)
        release(index)
    }

    private func lane(of payload: RawSpan, _ flow: Flow) -> Lane {
        Lane(flow: flow, key: rules.key.flatMap { $0(payload) } ?? [])
    }

    /// Counts what waits as without partner and gives the result.
    package mutating func finish() -> ReplyComparison {
        while oldest != Self.none { giveUpOldest() }
        return result
    }

    /// Where and when two partners were.
    private struct Pair {
        let flow: Flow
        let record: Int
        let time: Int64
        let due: Int64?
        let sent: Int64

        func lateness(over limit: Int64?) -> Duration? {
            guard let limit, let due else { return nil }
            let (lateness, overflow) = sent.subtractingReportingOverflow(due)
            return overflow || lateness <= limit ? nil : .nanoseconds(lateness)
        }
    }

    private mutating func compare(_ pair: Pair, expected: RawSpan, actual: RawSpan) {
        let lateness = pair.lateness(over: lateAfter)
        if let lateness {
            result.late += 1
            result.latenessMax = max(result.latenessMax, lateness)
        }
        let kind: ReplyDifference.Kind
        if expected.hasSameBytes(as: actual) {
            result.identical += 1
            kind = .late
        } else if rules.areEqual(expected, actual) {
            result.equalUnderMask += 1
            kind = .late
        } else {
            result.different += 1
            kind = .different
        }
        guard kind == .different || lateness != nil else { return }
        note(
            kind, pair.flow, record: pair.record, time: pair.time, expected: Array(copying: expected),
            actual: Array(copying: actual), lateness: lateness)
    }

    private mutating func note(
        _ kind: ReplyDifference.Kind, _ flow: Flow, record: Int?, time: Int64,
        expected: @autoclosure () -> [UInt8]?, actual: @autoclosure () -> [UInt8]?, lateness: Duration? = nil
    ) {
        guard result.differences.count < differencesMax else { return }
        let (expected, actual) = (expected(), actual())
        var details: [String] = []
        if let describe = rules.describe {
            if let expected { details.append("expected: \(describe(RawSpan(expected.span)))") }
            if let actual { details.append("got: \(describe(RawSpan(actual.span)))") }
        }
        result.differences.append(
            ReplyDifference(
                kind: kind, record: record, time: WallClockTime(nanosecondsSinceEpoch: time), local: flow.local,
                peer: flow.peer, expected: expected, actual: actual, details: details, lateness: lateness))
    }
}

// Waiting.
extension ReplyMatcher {
    private mutating func wait(_ payload: RawSpan, _ lane: Lane, record: Int, time: Int64, due: Int64?) {
        let entry = Waiting(
            payload: Array(copying: payload), lane: lane, record: record, time: time, due: due, older: newest)
        let index = free.popLast() ?? waiting.count
        if index == waiting.count { waiting.append(entry) } else { waiting[index] = entry }
        if newest == Self.none { oldest = index } else { waiting[newest].newer = index }
        newest = index
        if let last = queues[lane]?.last {
            waiting[last].nextInLane = index
            queues[lane]?.last = index
        } else {
            queues[lane] = Queue(first: index, last: index, isCaptured: record != 0)
        }
        outstanding += 1
        outstandingBytes += payload.byteCount
        while outstanding > outstandingMax || outstandingBytes > outstandingBytesMax {
            result.evicted += 1
            giveUpOldest()
        }
    }

    /// The oldest of the lane, if it is of that side; it leaves the lane's queue.
    private mutating func takePartner(in lane: Lane, isCaptured: Bool) -> Int? {
        guard var queue = queues[lane], queue.isCaptured == isCaptured else { return nil }
        let index = queue.first
        queue.first = waiting[index].nextInLane
        queues[lane] = queue.first == Self.none ? nil : queue
        return index
    }

    private mutating func giveUpOldest() {
        let entry = waiting[oldest]
        let isCaptured = entry.record != 0
        // Of all that wait the oldest, so of its lane as well.
        let index = takePartner(in: entry.lane, isCaptured: isCaptured)
        if isCaptured {
            result.missing += 1
            note(
                .missing, entry.lane.flow, record: entry.record, time: entry.time, expected: entry.payload, actual: nil)
        } else {
            result.extra += 1
            note(.extra, entry.lane.flow, record: nil, time: entry.time, expected: nil, actual: entry.payload)
        }
        if let index { release(index) }
    }

    private mutating func release(_ index: Int) {
        let (older, newer) = (waiting[index].older, waiting[index].newer)
        if older == Self.none { oldest = newer } else { waiting[older].newer = newer }
        if newer == Self.none { newest = older } else { waiting[newer].older = older }
        outstanding -= 1
        outstandingBytes -= waiting[index].payload.count
        waiting[index].payload = []
        free.append(index)
    }
}
