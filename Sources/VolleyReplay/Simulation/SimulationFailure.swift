public import VolleyCore

/// Something in a simulation is not as it should be.
public struct SimulationFailure: Error, Hashable, Sendable {
    /// When it was found.
    public let time: MonotonicInstant
    /// What is wrong.
    public let message: String
}

extension SimulationFailure: CustomStringConvertible {
    /// The message and its time.
    public var description: String { "\(message) (at \(Duration.nanoseconds(time.nanoseconds)))" }
}
