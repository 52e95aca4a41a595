package import VolleyCore

/// Pairs sent with captured datagrams: flow by flow, of equal key where the rules have one, and in order.
///
/// A lane is what one flow and key has. As long as both sides of it are the same, whatever comes pairs with the oldest
/// of the other side. From a mismatch on both sides wait, until ``window`` of either are there or no more will come; then
/// a ``ReplyAlignment`` says what is different, missing or extra. All that wait are linked in the order they came, so that
/// the oldest can be settled when there are too many.
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

    /// What waits of one side of a lane, the oldest first.
    private struct Line {
        var first = none
        var last = none
        var count = 0
    }

    /// Both sides of a lane; if neither is empty, their first ones differ.
    private struct Lines {
        var sent = Line()
        var captured = Line()

        subscript(isCaptured isCaptured: Bool) -> Line {
            get { isCaptured ? captured : sent }
            set { if isCaptured { captured = newValue } else { sent = newValue } }
        }

        /// How many sent ones could still get partners.
        var awaited: Int { max(0, sent.count - captured.count) }
        var isEmpty: Bool { sent.count == 0 && captured.count == 0 }
    }

    private static var none: Int { -1 }
    /// How many of either side of a lane are looked at together.
    private static var window: Int { ReplyComparison.window }

    private let rules: ReplyRules
    private let lateAfter: Int64?
    private let differencesMax: Int
    private let outstandingMax: Int
    private let outstandingBytesMax: Int
    private var result = ReplyComparison()
    private var waiting: [Waiting] = []
    private var free: [Int] = []
    private var lanes: [Lane: Lines] = [:]
    private var oldest = none
    private var newest = none
    /// By flow, with no more of the local endpoint than its port: how many captured ones need not be sent.
    private var excused: [Flow: Int] = [:]
    /// Sent ones for which captured ones are still to come.
    package private(set) var awaited = 0
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
        guard let index = partner(of: payload, in: lane, isCaptured: true) else {
            return wait(payload, lane, record: record, time: time, due: due)
        }
        let (actual, sent) = (waiting[index].payload, waiting[index].time)
        compare(
            Pair(flow: flow, record: record, time: time, due: due, sent: sent), expected: payload,
            actual: RawSpan(actual.span))
        removeFirst(of: lane, isCaptured: false)
    }

    /// Takes in a datagram that the protocol sent.
    package mutating func sent(_ payload: RawSpan, _ flow: Flow, time: Int64) {
        let lane = lane(of: payload, flow)
        guard let index = partner(of: payload, in: lane, isCaptured: false) else {
            return wait(payload, lane, record: 0, time: time, due: nil)
        }
        let partner = waiting[index]
        let expected = partner.payload
        compare(
            Pair(flow: flow, record: partner.record, time: partner.time, due: partner.due, sent: time),
            expected: RawSpan(expected.span), actual: payload)
        removeFirst(of: lane, isCaptured: true)
    }

    /// Takes note that a datagram of `flow`, either way, was lost on purpose, so that one reply will lack.
    package mutating func excuse(_ flow: Flow) {
        let flow = Self.excuseFlow(flow)
        // Who needs more room than that is told of missing replies.
        if excused.count < outstandingMax || excused[flow] != nil { excused[flow, default: 0] += 1 }
    }

    /// A reply need not come from where its request was sent to, which may be a group.
    private static func excuseFlow(_ flow: Flow) -> Flow {
        Flow(local: SocketAddress(IPAddress(v4: 0), port: flow.local.port), peer: flow.peer)
    }

    private mutating func takeExcuse(_ flow: Flow) -> Bool {
        guard !excused.isEmpty else { return false }
        let flow = Self.excuseFlow(flow)
        guard let count = excused[flow] else { return false }
        excused[flow] = count > 1 ? count - 1 : nil
        return true
    }

    private mutating func lane(of payload: RawSpan, _ flow: Flow) -> Lane {
        guard let keyOf = rules.key else { return Lane(flow: flow, key: []) }
        let key = keyOf(payload)
        if key == nil { result.withoutKey += 1 }
        return Lane(flow: flow, key: key ?? [])
    }

    /// Settles what waits and gives the result.
    package mutating func finish() -> ReplyComparison {
        while oldest != Self.none { settle(waiting[oldest].lane) }
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
    /// The oldest of the other side, if nothing of this side waits before `payload` and the two are the same.
    private func partner(of payload: RawSpan, in lane: Lane, isCaptured: Bool) -> Int? {
        guard let lines = lanes[lane], lines[isCaptured: isCaptured].count == 0 else { return nil }
        let index = lines[isCaptured: !isCaptured].first
        let other = waiting[index].payload
        return areEqual(RawSpan(other.span), payload) ? index : nil
    }

    private func areEqual(_ one: RawSpan, _ other: RawSpan) -> Bool {
        one.hasSameBytes(as: other) || rules.areEqual(one, other)
    }

    private mutating func wait(_ payload: RawSpan, _ lane: Lane, record: Int, time: Int64, due: Int64?) {
        let entry = Waiting(
            payload: Array(copying: payload), lane: lane, record: record, time: time, due: due, older: newest)
        let index = free.popLast() ?? waiting.count
        if index == waiting.count { waiting.append(entry) } else { waiting[index] = entry }
        if newest == Self.none { oldest = index } else { waiting[newest].newer = index }
        newest = index
        let isCaptured = record != 0
        var lines = lanes[lane] ?? Lines()
        var line = lines[isCaptured: isCaptured]
        if line.count == 0 { line.first = index } else { waiting[line.last].nextInLane = index }
        line.last = index
        line.count += 1
        awaited -= lines.awaited
        lines[isCaptured: isCaptured] = line
        awaited += lines.awaited
        lanes[lane] = lines
        outstanding += 1
        outstandingBytes += payload.byteCount
        if lines.sent.count >= Self.window, lines.captured.count >= Self.window { align(lane) }
        while outstanding > outstandingMax || outstandingBytes > outstandingBytesMax { giveUpOldest() }
    }

    /// Makes room: the oldest is compared with what there is of the other side, or has no partner.
    private mutating func giveUpOldest() {
        let lane = waiting[oldest].lane
        guard let lines = lanes[lane] else { return }
        guard lines.sent.count == 0 || lines.captured.count == 0 else { return settle(lane, isEvicting: true) }
        result.evicted += 1
        countUnpaired(of: lane, isCaptured: waiting[oldest].record != 0)
    }

    /// Whether something sent waits in the lane of a captured datagram, and no other captured one does for it.
    package func isAwaiting(_ payload: RawSpan, _ flow: Flow) -> Bool {
        let key = rules.key.flatMap { $0(payload) } ?? []
        return lanes[Lane(flow: flow, key: key)].map { $0.awaited > 0 } ?? false
    }

    /// Counts all that a lane has.
    private mutating func settle(_ lane: Lane, isEvicting: Bool = false) {
        while let lines = lanes[lane] {
            if lines.sent.count > 0, lines.captured.count > 0 {
                align(lane, isLast: true)
            } else {
                if isEvicting { result.evicted += 1 }
                countUnpaired(of: lane, isCaptured: lines.captured.count > 0)
            }
        }
    }

    /// Settles the first ones of a lane of which both sides have some and differ.
    private mutating func align(_ lane: Lane, isLast: Bool = false) {
        guard let lines = lanes[lane] else { return }
        let window = Self.window
        let alignment = ReplyAlignment(
            sent: payloads(of: lines.sent), captured: payloads(of: lines.captured), mask: rules.mask,
            isLast: (isLast && lines.sent.count <= window, isLast && lines.captured.count <= window))
        for step in alignment.steps {
            switch step {
            case .pair: comparePair(of: lane)
            case .missing: countUnpaired(of: lane, isCaptured: true)
            case .extra: countUnpaired(of: lane, isCaptured: false)
            }
        }
        while let lines = lanes[lane], lines.sent.count > 0, lines.captured.count > 0 {
            let (sent, captured) = (waiting[lines.sent.first].payload, waiting[lines.captured.first].payload)
            guard areEqual(RawSpan(captured.span), RawSpan(sent.span)) else { return }
            comparePair(of: lane)
        }
    }

    private func payloads(of line: Line) -> [[UInt8]] {
        var (payloads, index) = ([[UInt8]](), line.first)
        while index != Self.none, payloads.count < Self.window {
            payloads.append(waiting[index].payload)
            index = waiting[index].nextInLane
        }
        return payloads
    }

    private mutating func comparePair(of lane: Lane) {
        guard let lines = lanes[lane] else { return }
        let (expected, actual) = (waiting[lines.captured.first], waiting[lines.sent.first])
        compare(
            Pair(
                flow: lane.flow, record: expected.record, time: expected.time, due: expected.due, sent: actual.time),
            expected: RawSpan(expected.payload.span), actual: RawSpan(actual.payload.span))
        removeFirst(of: lane, isCaptured: true)
        removeFirst(of: lane, isCaptured: false)
    }

    private mutating func countUnpaired(of lane: Lane, isCaptured: Bool) {
        guard let index = lanes[lane]?[isCaptured: isCaptured].first else { return }
        let entry = waiting[index]
        if isCaptured, takeExcuse(lane.flow) {
            result.lostByFaults += 1
        } else if isCaptured {
            result.missing += 1
            note(.missing, lane.flow, record: entry.record, time: entry.time, expected: entry.payload, actual: nil)
        } else {
            result.extra += 1
            note(.extra, lane.flow, record: nil, time: entry.time, expected: nil, actual: entry.payload)
        }
        removeFirst(of: lane, isCaptured: isCaptured)
    }

    private mutating func removeFirst(of lane: Lane, isCaptured: Bool) {
        guard var lines = lanes[lane] else { return }
        let index = lines[isCaptured: isCaptured].first
        awaited -= lines.awaited
        lines[isCaptured: isCaptured].first = waiting[index].nextInLane
        lines[isCaptured: isCaptured].count -= 1
        awaited += lines.awaited
        lanes[lane] = lines.isEmpty ? nil : lines
        let (older, newer) = (waiting[index].older, waiting[index].newer)
        if older == Self.none { oldest = newer } else { waiting[older].newer = newer }
        if newer == Self.none { newest = older } else { waiting[newer].older = older }
        outstanding -= 1
        outstandingBytes -= waiting[index].payload.count
        waiting[index].payload = []
        free.append(index)
    }
}
