import VolleyCore

/// Which receive slots are filled and not delivered yet, and when they are due.
///
/// A batch is what arrives at one instant, or within the time of coalescing. Where only a record that is read can make a
/// difference, the batches of several instants are gathered before the first is delivered: most of them hold a single
/// datagram, and to go back and forth between the capture and the protocol for each costs more than either. A protocol
/// cannot tell: each batch comes at its own time, and ``ReplayRun`` takes up the rest one by one after whatever it does
/// that has to happen before the next.
struct GatheredBatches {
    /// How many slots an endpoint needs.
    let slotCount: Int
    private let batchMax: Int
    /// Fewer slots than this may be filled when another batch begins.
    private let runMax: Int
    /// Whether batches of different times are gathered before the first is delivered.
    let isAhead: Bool
    private let coalescing: Int64

    /// The first slot that is not delivered.
    private(set) var start = 0
    /// The first slot of the batch that may still grow.
    private(set) var batchStart = 0
    /// The slot to be filled next.
    private(set) var end = 0
    /// When the latest datagram is due.
    private(set) var time: Int64 = 0
    /// The latest time at which a datagram may join the batch; before all times if there is none.
    private(set) var deadline = Int64.min
    /// Whether errors are to come before the datagrams.
    private(set) var hasErrors = false

    init(_ role: ReplayRole, _ options: ReplayOptions) {
        batchMax = options.clampedBatchSize
        coalescing = max(0, options.coalescing.wholeNanoseconds)
        // A tap is shown each batch, many endpoints have one batch between them, and time passes while one is at work.
        isAhead =
            coalescing == 0 && options.turnDuration <= .zero && options.tap == nil && !role.isEveryServer
        runMax = isAhead ? max(batchMax, 32) : 1
        slotCount = isAhead ? runMax + batchMax : batchMax
    }

    /// Whether no slot is filled.
    @inline(__always)
    var isEmpty: Bool { start == end }

    /// Whether there is anything to deliver or to report.
    @inline(__always)
    var isIdle: Bool { isEmpty && !hasErrors }

    /// Whether the batch that may still grow has no room.
    @inline(__always)
    var isFull: Bool { end &- batchStart == batchMax }

    /// Whether there are batches that cannot grow any more.
    @inline(__always)
    var hasEarlier: Bool { batchStart > start }

    /// Begins another batch, later than all others; `false` if those have to be delivered first.
    @inline(__always) @discardableResult
    mutating func beginBatch(at time: Int64) -> Bool {
        guard end < runMax, !hasErrors else { return false }
        batchStart = end
        deadline = time.addingClamped(coalescing)
        return true
    }

    /// Counts the slot that has been filled for a batch that has begun.
    @inline(__always)
    mutating func add(at time: Int64) {
        end &+= 1
        self.time = time
    }

    /// Takes note of errors that come with the batch.
    mutating func addErrors(at time: Int64) {
        if time > deadline { beginBatch(at: time) }
        hasErrors = true
        self.time = time
    }

    /// Takes the slots of the batches that cannot grow any more.
    mutating func takeEarlier() -> Range<Int> {
        let slots = start..<batchStart
        start = batchStart
        if isEmpty { reset() }
        return slots
    }

    /// Takes all slots, and whether errors come before them.
    mutating func takeAll() -> (slots: Range<Int>, hasErrors: Bool) {
        let all = (start..<end, hasErrors)
        reset()
        return all
    }

    /// Forgets a batch that has begun and is nothing yet.
    mutating func forgetIfIdle() {
        if isIdle { reset() }
    }

    private mutating func reset() {
        (start, batchStart, end, deadline, hasErrors) = (0, 0, 0, .min, false)
    }
}
