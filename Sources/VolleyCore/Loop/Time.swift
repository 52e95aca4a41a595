/// A point on an event loop's monotonic clock, in nanoseconds since an arbitrary origin (asyncio: `loop.time()`).
///
/// Live, it is `CLOCK_MONOTONIC`; offline, it is the capture's or the simulation's own time. Instants of different loops
/// must not be compared.
public struct MonotonicInstant: InstantProtocol, Sendable {
    /// Nanoseconds since the loop's origin.
    public let nanoseconds: Int64

    /// The instant that many nanoseconds after the loop's origin.
    @inlinable
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// This instant moved by `duration`; saturates at the ends of the range, about 292 years away.
    @inlinable
    public func advanced(by duration: Duration) -> MonotonicInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return MonotonicInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The time from this instant to `other`.
    @inlinable
    public func duration(to other: MonotonicInstant) -> Duration {
        .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds)
    }

    /// Whether `left` is the earlier one.
    @inlinable
    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// A time of day: nanoseconds since 1970-01-01 00:00 UTC, as captures and kernel time stamps have them.
public struct WallClockTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since the epoch.
    public let nanosecondsSinceEpoch: Int64

    /// The time that many nanoseconds after the epoch.
    @inlinable
    public init(nanosecondsSinceEpoch: Int64) { self.nanosecondsSinceEpoch = nanosecondsSinceEpoch }

    /// Whether `left` is the earlier one.
    @inlinable
    public static func < (left: WallClockTime, right: WallClockTime) -> Bool {
        left.nanosecondsSinceEpoch < right.nanosecondsSinceEpoch
    }
}

extension Duration {
    /// This duration in nanoseconds, rounded towards zero; saturates at the ends of `Int64`.
    @inlinable
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }
}
