import VolleyCore

/// The capture's time as the loop's: its first time stamp is the loop's beginning.
struct CaptureClock {
    private var timeline: CaptureTimeline
    private var first: Int64?
    /// The virtual instant of the latest record.
    private(set) var instant: Int64 = 0

    init(maxGap: Duration?) { timeline = CaptureTimeline(maxGap: maxGap) }

    var backwards: Int { timeline.backwards }
    var gapsClamped: Int { timeline.gapsClamped }

    /// Takes the time stamp of the next record.
    @inline(__always)
    mutating func take(_ timestamp: Int64, _ loop: VirtualEventLoop) {
        if !timeline.takeCommon(timestamp) { takeOther(timestamp, loop) }
        instant = timeline.position
    }

    @inline(never)
    private mutating func takeOther(_ timestamp: Int64, _ loop: VirtualEventLoop) {
        if first == nil {
            first = timestamp
            loop.begin(at: timestamp)
        }
        timeline.take(timestamp)
    }

    /// Goes to the instant of something that no record stands for.
    mutating func set(_ instant: Int64) { self.instant = instant }

    /// The times of the first and of the latest record.
    var span: ClosedRange<WallClockTime>? {
        guard let first, let latest = timeline.latestTimestamp else { return nil }
        return WallClockTime(nanosecondsSinceEpoch: first)...WallClockTime(nanosecondsSinceEpoch: latest)
    }
}

extension Int64 {
    /// The sum with `other`, which is not negative, or the greatest number.
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
