import VolleyCore

/// The time that has passed in a capture, in whole nanoseconds, whatever its time stamps do.
///
/// Where they go backwards it stands still, and it never takes a step longer than a limit: one wild time stamp must
/// not make a replay wait, or run timers, for years. Both are counted.
struct CaptureTimeline {
    private let stepMax: Int64
    private var latest: Int64?
    /// What has passed since the first record.
    private(set) var position: Int64 = 0
    /// Time stamps before that of an earlier record.
    private(set) var backwards = 0
    /// Steps that were cut to the limit.
    private(set) var gapsClamped = 0

    /// - Parameter maxGap: the longest step; `nil` for any.
    init(maxGap: Duration? = nil) {
        stepMax = maxGap.map { max(0, $0.wholeNanoseconds) } ?? .max
    }

    /// Takes the next time stamp and returns the position.
    @inline(__always)
    @discardableResult
    mutating func take(_ timestamp: Int64) -> Int64 {
        guard let latest else {
            self.latest = timestamp
            return 0
        }
        guard timestamp >= latest else {
            backwards &+= 1
            return position
        }
        self.latest = timestamp
        let (difference, overflow) = timestamp.subtractingReportingOverflow(latest)
        var step = overflow ? .max : difference
        if step > stepMax {
            step = stepMax
            gapsClamped &+= 1
        }
        position = position.addingClamped(step)
        return position
    }

    /// The latest time stamp so far.
    var latestTimestamp: Int64? { latest }

    /// Begins anew with another pass over the capture; the counts go on.
    mutating func restart() {
        latest = nil
        position = 0
    }
}
