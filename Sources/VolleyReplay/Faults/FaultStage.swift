internal import SystemPackage
public import VolleyCapture
public import VolleyCore

/// Where a capture's datagrams meet the faults of what an endpoint receives, on their way to it.
///
/// A replay offers every datagram for its endpoint, in the order of their times, and takes what arrives instead of it:
///
/// ```swift
/// // Before a record's time is reached, and once more at the end, with the last instant:
/// while let arrival = stage.next(through: recordTime) { … deliver arrival.payload at arrival.time … }
/// // For each datagram of the endpoint:
/// stage.offer(payload, from: source, to: destination, at: recordTime, timestamp: timestamp)
/// ```
///
/// What has come out can be written as a capture, which replayed without faults brings the very same run: that makes a
/// test of a failure. Each record's comment names the faults of its datagram, and those before it that brought nothing.
public final class FaultStage {
    /// One thing that arrives.
    public struct Arrival {
        /// The datagram; `nil` when it is an error alone.
        public let payload: [UInt8]?
        /// Where the datagram comes from.
        public let source: SocketAddress
        /// Where it was sent to.
        public let destination: SocketAddress
        /// When it arrives, on the virtual clock.
        public let time: MonotonicInstant
        /// When it arrives, as time of day.
        public let timestamp: WallClockTime
        /// What the receive before it fails with, if it does.
        public let error: DatagramError?
        fileprivate let faults: Range<Int>
    }

    /// Decides, and keeps account.
    public let injector: FaultInjector
    private var waiting = TimedQueue<Arrival>()
    private let writer: CaptureWriter?
    /// Why nothing more is written, if so.
    public private(set) var writeFailure: CaptureError?
    /// How many of the datagrams offered never arrive.
    private(set) var lost = 0
    /// Faults that brought nothing, for the comment of the next arrival.
    private var silent: [Range<Int>] = []

    /// A stage.
    ///
    /// - Parameters:
    ///   - injector: decides; may be shared with the sends of the same endpoint.
    ///   - writer: takes what arrives, as bare IP packets; whoever made it closes it.
    public init(_ injector: FaultInjector, recording writer: CaptureWriter? = nil) {
        self.injector = injector
        self.writer = writer
    }

    /// Offers a datagram; what becomes of it arrives by ``next(through:)``.
    public func offer(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, at time: MonotonicInstant,
        timestamp: WallClockTime
    ) {
        let verdict = injector.judge(.receive, payload, from: source, to: destination, at: time)
        var error = verdict.errno.map {
            DatagramError($0, operation: .receive, origin: .network)
        }
        if verdict.copies.isEmpty {
            lost += 1
            silent.append(verdict.faults)
            if error != nil { put(nil, source, destination, time, timestamp, error, 0..<0) }
        }
        for copy in verdict.copies {
            let arrival = MonotonicInstant(nanoseconds: time.nanoseconds.addingClamped(copy.delay))
            let stamp = WallClockTime(nanosecondsSinceEpoch: timestamp.nanosecondsSinceEpoch.addingClamped(copy.delay))
            put(
                copy.payload ?? Array(copying: payload), source, destination, arrival, stamp, error.take(),
                verdict.faults)
        }
    }

    private func put(
        _ payload: [UInt8]?, _ source: SocketAddress, _ destination: SocketAddress, _ time: MonotonicInstant,
        _ timestamp: WallClockTime, _ error: DatagramError?, _ faults: Range<Int>
    ) {
        waiting.insert(
            Arrival(
                payload: payload, source: source, destination: destination, time: time, timestamp: timestamp,
                error: error, faults: faults),
            at: time.nanoseconds)
    }

    /// When the next thing arrives; `nil` when nothing is on its way.
    public var nextTime: MonotonicInstant? { waiting.nextTime.map(MonotonicInstant.init) }

    /// Takes the next thing that arrives at `last` or before; `nil` when nothing does.
    public func next(through last: MonotonicInstant) -> Arrival? {
        guard let time = nextTime, time <= last, let arrival = waiting.removeFirst() else { return nil }
        if arrival.payload != nil { write(arrival) }
        return arrival
    }

    /// Forgets what is still on its way, and says how many datagrams that were.
    func discard() -> Int {
        var count = 0
        while let arrival = waiting.removeFirst() { count += arrival.payload == nil ? 0 : 1 }
        return count
    }

    /// What the record of an arrival is to say: its faults, and those before it that brought nothing.
    func comment(for arrival: Arrival) -> String? {
        let numbers = silent.flatMap { Array($0) } + Array(arrival.faults)
        silent = []
        return numbers.isEmpty ? nil : injector.text(of: numbers)
    }

    private func write(_ arrival: Arrival) {
        guard let writer, writeFailure == nil, let payload = arrival.payload else { return }
        let comment = comment(for: arrival)
        do throws(CaptureError) {
            try writer.writeDatagram(
                RawSpan(payload.span), from: arrival.source, to: arrival.destination,
                at: arrival.timestamp.nanosecondsSinceEpoch, direction: .inbound, comment: comment)
        } catch {
            writeFailure = error
        }
    }
}
