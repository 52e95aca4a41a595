/// The schedule of a paced replay: which instant each datagram is due at, and what to do when that has passed.
///
/// Deadlines are absolute: each is counted from the one anchor of its pass over the capture, so that lateness never
/// adds up. It reads no clock and never waits; whoever sends does.
package struct Pacer {
    private let options: PacingOptions
    private let tolerance: Int64
    private var timeline: CaptureTimeline
    /// The instant of the pass's first datagram.
    private var anchor: Int64
    /// How many datagrams of the pass have had their deadline.
    private var count: Int64 = 0
    /// The latest deadline, where the next pass begins.
    private var latest: Int64
    /// Datagrams that came too late to be sent.
    package private(set) var skipped = 0
    /// Nanoseconds by which the schedule was moved.
    package private(set) var shifted: Int64 = 0

    /// - Parameters:
    ///   - options: how fast, and what to do when late.
    ///   - start: the instant of the first datagram.
    package init(_ options: PacingOptions, startingAt start: Int64) {
        self.options = options
        tolerance = max(0, options.tolerance.wholeNanoseconds)
        timeline = CaptureTimeline(maxGap: options.maxGap)
        anchor = start
        latest = start
    }

    /// Time stamps that went backwards, and gaps that were cut.
    package var backwards: Int { timeline.backwards }
    package var gapsClamped: Int { timeline.gapsClamped }

    /// When the next datagram to be sent, which was captured at `timestamp`, is due.
    package mutating func deadline(of timestamp: Int64) -> Int64 {
        let position = timeline.take(timestamp)
        defer { count += 1 }
        switch options.pace.value {
        case .captured(let speed):
            latest = anchor.addingClamped(Self.scaled(position, by: 1 / speed, isOne: speed == 1))
        case .rate(let rate): latest = anchor.addingClamped(Self.nanoseconds(Double(count) * 1e9 / rate))
        case .top: latest = anchor
        }
        return latest
    }

    /// When an answer that was captured at `timestamp` would come at the capture's own speed, if there is any.
    ///
    /// Only the captured pace has a time for it; how long the service takes does not depend on the speed, so that at
    /// another one there is none either.
    package mutating func dueTime(ofAnswerAt timestamp: Int64) -> Int64? {
        guard options.pace.value == .captured(speed: 1), count > 0 else { return nil }
        return anchor.addingClamped(timeline.take(timestamp))
    }

    /// What to do with a datagram now.
    package enum Decision: Equatable {
        case send, skip
        case wait(until: Int64)
    }

    /// Decides about the datagram that is due at `deadline`; to be asked once it is no longer told to wait.
    package mutating func decide(_ deadline: Int64, now: Int64) -> Decision {
        guard options.pace.hasDeadlines else { return .send }
        guard now >= deadline else { return .wait(until: deadline) }
        let (lateness, overflow) = now.subtractingReportingOverflow(deadline)
        guard overflow || lateness > tolerance else { return .send }
        switch options.catchUp.value {
        case .burst: return .send
        case .skip:
            skipped += 1
            return .skip
        case .shift:
            shifted = shifted.addingClamped(lateness)
            anchor = anchor.addingClamped(lateness)
            return .send
        }
    }

    /// Begins the next pass where this one ends; paced by a rate, one interval later.
    package mutating func beginPass() {
        if case .rate(let rate) = options.pace.value {
            anchor = anchor.addingClamped(Self.nanoseconds(Double(count) * 1e9 / rate))
        } else {
            anchor = max(anchor, latest)
        }
        count = 0
        timeline.restart()
    }

    private static func scaled(_ nanoseconds: Int64, by factor: Double, isOne: Bool) -> Int64 {
        isOne ? nanoseconds : Self.nanoseconds(Double(nanoseconds) * factor)
    }

    private static func nanoseconds(_ value: Double) -> Int64 { Int64(exactly: value.rounded()) ?? .max }
}
