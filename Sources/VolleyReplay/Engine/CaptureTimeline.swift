import VolleyCore

/// The time that has passed in a capture, in whole nanoseconds, whatever its time stamps do.
///
/// Where they go backwards it stands still, and it never takes a step longer than a limit: one wild time stamp must
/// not make a replay wait, or run timers, for years. Both are counted.
struct CaptureTimeline {
    private let stepMax: Int64
    /// The first step that is too long, and 0 before the first record: one comparison tells what is common from the rest.
    private var stepEnd: UInt64 = 0
    private var latest: Int64 = 0
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

    /// Takes the next time stamp if it is a common one: neither the first nor before the latest nor too far ahead.
    @inline(__always)
    mutating func takeCommon(_ timestamp: Int64) -> Bool {
        // What goes backwards, or is so far ahead that the difference wraps, is a great number without its sign.
        let step = timestamp &- latest
        let (sum, overflow) = position.addingReportingOverflow(step)
        guard UInt64(bitPattern: step) < stepEnd, !overflow else { return false }
        latest = timestamp
        position = sum
        return true
    }

    /// Takes the next time stamp and returns the position.
    @discardableResult
    mutating func take(_ timestamp: Int64) -> Int64 {
        if takeCommon(timestamp) { return position }
        guard stepEnd > 0 else {
            latest = timestamp
            stepEnd = UInt64(stepMax) + 1
            return 0
        }
        guard timestamp >= latest else {
            backwards &+= 1
            return position
        }
        let (difference, overflow) = timestamp.subtractingReportingOverflow(latest)
        latest = timestamp
        var step = overflow ? .max : difference
        if step > stepMax {
            step = stepMax
            gapsClamped &+= 1
        }
        position = position.addingClamped(step)
        return position
    }

    /// The latest time stamp so far.
    var latestTimestamp: Int64? { stepEnd == 0 ? nil : latest }

    /// Begins anew with another pass over the capture; the counts go on.
    mutating func restart() {
        stepEnd = 0
        position = 0
    }
}
