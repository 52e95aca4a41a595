/// When the datagrams of a capture are sent in a live replay.
public struct PacingOptions: Hashable, Sendable {
    /// How fast.
    public var pace = Pace.captured()
    /// The longest time between two datagrams that is kept; `nil` for any.
    ///
    /// A longer one is cut to this and counted.
    public var maxGap: Duration?
    /// What to do when the sender has fallen behind.
    public var catchUp = CatchUp.burst
    /// How late a datagram may be before ``CatchUp/skip`` and ``CatchUp/shift`` act; 1 ms by default.
    public var tolerance = Duration.milliseconds(1)

    /// As captured.
    public init() {}
}

extension PacingOptions {
    /// How fast datagrams are sent.
    public struct Pace: Hashable, Sendable {
        enum Value: Hashable { case captured(speed: Double), rate(Double), top }
        let value: Value

        /// At the times of the capture, `speed` times as fast: 2 takes half the time, 0.5 twice.
        ///
        /// Must be finite and over 0; anything else counts as 1.
        public static func captured(speed: Double = 1) -> Pace {
            Pace(value: .captured(speed: speed > 0 && speed.isFinite ? speed : 1))
        }

        /// So many datagrams a second at equal distances, whatever the times of the capture.
        ///
        /// Must be finite and over 0; anything else counts as 1.
        public static func rate(_ datagramsPerSecond: Double) -> Pace {
            Pace(value: .rate(datagramsPerSecond > 0 && datagramsPerSecond.isFinite ? datagramsPerSecond : 1))
        }

        /// As fast as they can be read and sent.
        public static let topSpeed = Pace(value: .top)

        /// Whether every datagram has a time of its own.
        package var hasDeadlines: Bool { value != .top }
    }

    /// What to do about datagrams that are late by more than ``PacingOptions/tolerance``.
    public struct CatchUp: Hashable, Sendable {
        enum Value: Hashable { case burst, skip, shift }
        let value: Value

        /// Sends them at once: all are sent, and the schedule is met again as soon as possible.
        public static let burst = CatchUp(value: .burst)
        /// Does not send them, and counts them: the schedule is met, but not all are sent.
        public static let skip = CatchUp(value: .skip)
        /// Sends them, and moves the rest of the schedule by as much: distances are kept, but the replay takes longer.
        public static let shift = CatchUp(value: .shift)
    }
}
