import VolleyCore

/// Pairs sent with captured datagrams, flow by flow and in order.
///
/// Of one flow only one side can be waiting, since whatever comes from the other pairs with the oldest. All that wait
/// are linked in the order they came, so that the oldest can be given up when there are too many.
struct ReplyMatcher {
    /// A local and a peer's address; scope and flow label are no part of what a capture shows.
    struct Flow: Hashable {
        let local: SocketAddress
        let peer: SocketAddress

        init(local: SocketAddress, peer: SocketAddress) {
            self.local = SocketAddress(local.ip, port: local.port)
            self.peer = SocketAddress(peer.ip, port: peer.port)
        }
    }

    /// One datagram that waits for its partner.
    private struct Waiting {
        var payload: [UInt8]
        var flow: Flow
        /// The record of a captured one; 0 for a sent one.
        var record: Int
        var time: Int64
        var older: Int
        var newer = none
        var nextInFlow = none
    }

    private struct Queue {
        var first: Int
        var last: Int
        var isCaptured: Bool
    }

    private static var none: Int { -1 }

    private let differencesMax: Int
    private let outstandingMax: Int
    private let outstandingBytesMax: Int
    private var result = ReplyComparison()
    private var waiting: [Waiting] = []
    private var free: [Int] = []
    private var queues: [Flow: Queue] = [:]
    private var oldest = none
    private var newest = none
    private var outstanding = 0
    private var outstandingBytes = 0

    init(
        differencesMax: Int, outstandingMax: Int = ReplyComparison.outstandingMax,
        outstandingBytesMax: Int = ReplyComparison.outstandingBytesMax
    ) {
        self.differencesMax = differencesMax
        self.outstandingMax = outstandingMax
        self.outstandingBytesMax = outstandingBytesMax
    }

    /// Takes in a datagram that the capture shows as sent by the local endpoint.
    mutating func captured(_ payload: RawSpan, _ flow: Flow, record: Int, time: Int64) {
        guard let index = takePartner(in: flow, isCaptured: false) else {
            return wait(payload, flow, record: record, time: time)
        }
        let actual = waiting[index].payload
        compare(expected: payload, actual: RawSpan(actual.span), flow, record: record, time: time)
        release(index)
    }

    /// Takes in a datagram that the protocol sent.
    mutating func sent(_ payload: RawSpan, _ flow: Flow, time: Int64) {
        guard let index = takePartner(in: flow, isCaptured: true) else {
            return wait(payload, flow, record: 0, time: time)
        }
        let (record, captured) = (waiting[index].record, waiting[index].time)
        let expected = waiting[index].payload
        compare(expected: RawSpan(expected.span), actual: payload, flow, record: record, time: captured)
        release(index)
    }

    /// Counts what waits as without partner and gives the result.
    mutating func finish() -> ReplyComparison {
        while oldest != Self.none { giveUpOldest() }
        return result
    }

    private mutating func compare(
        expected: RawSpan, actual: RawSpan, _ flow: Flow, record: Int, time: Int64
    ) {
        if expected.hasSameBytes(as: actual) {
            result.identical += 1
            return
        }
        result.different += 1
        note(
            .different, flow, record: record, time: time, expected: Array(copying: expected),
            actual: Array(copying: actual))
    }

    private mutating func note(
        _ kind: ReplyDifference.Kind, _ flow: Flow, record: Int?, time: Int64,
        expected: @autoclosure () -> [UInt8]?, actual: @autoclosure () -> [UInt8]?
    ) {
        guard result.differences.count < differencesMax else { return }
        result.differences.append(
            ReplyDifference(
                kind: kind, record: record, time: WallClockTime(nanosecondsSinceEpoch: time), local: flow.local,
                peer: flow.peer, expected: expected(), actual: actual()))
    }
}

// Waiting.
extension ReplyMatcher {
    private mutating func wait(_ payload: RawSpan, _ flow: Flow, record: Int, time: Int64) {
        let entry = Waiting(
            payload: Array(copying: payload), flow: flow, record: record, time: time, older: newest)
        let index = free.popLast() ?? waiting.count
        if index == waiting.count { waiting.append(entry) } else { waiting[index] = entry }
        if newest == Self.none { oldest = index } else { waiting[newest].newer = index }
        newest = index
        if let last = queues[flow]?.last {
            waiting[last].nextInFlow = index
            queues[flow]?.last = index
        } else {
            queues[flow] = Queue(first: index, last: index, isCaptured: record != 0)
        }
        outstanding += 1
        outstandingBytes += payload.byteCount
        while outstanding > outstandingMax || outstandingBytes > outstandingBytesMax {
            result.evicted += 1
            giveUpOldest()
        }
    }

    /// The oldest of the flow, if it is of that side; it leaves the flow's queue.
    private mutating func takePartner(in flow: Flow, isCaptured: Bool) -> Int? {
        guard var queue = queues[flow], queue.isCaptured == isCaptured else { return nil }
        let index = queue.first
        queue.first = waiting[index].nextInFlow
        queues[flow] = queue.first == Self.none ? nil : queue
        return index
    }

    private mutating func giveUpOldest() {
        let entry = waiting[oldest]
        let isCaptured = entry.record != 0
        // Of all that wait the oldest, so of its flow as well.
        let index = takePartner(in: entry.flow, isCaptured: isCaptured)
        if isCaptured {
            result.missing += 1
            note(.missing, entry.flow, record: entry.record, time: entry.time, expected: entry.payload, actual: nil)
        } else {
            result.extra += 1
            note(.extra, entry.flow, record: nil, time: entry.time, expected: nil, actual: entry.payload)
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
