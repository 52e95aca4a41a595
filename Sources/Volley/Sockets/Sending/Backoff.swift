internal import VolleyCore

/// Growing delays between tries where the kernel cannot say when to try again.
struct Backoff {
    private static let first = Duration.milliseconds(1)
    private static let last = Duration.milliseconds(100)
    private var delay = first
    var timer: ScheduledCall?

    mutating func next() -> Duration {
        defer { delay = min(delay * 2, Self.last) }
        return delay
    }

    mutating func reset() {
        timer?.cancel()
        timer = nil
        delay = Self.first
    }
}
