/// What went wrong on purpose in a replay.
public struct ReplayFaults: Sendable {
    /// What decided: the same seed brings the same again.
    public let seed: UInt64
    /// What became of the datagrams on their way to the endpoint.
    public let receiving: FaultCounts
    /// What became of what the endpoint sent.
    public let sending: FaultCounts
    /// Datagrams of ``sending`` that were late or changed, and then refused: for their length, or by a full send buffer.
    public let refused: Int
    /// Errors that were to be reported to an endpoint that its protocol had closed.
    public let errorsAfterClose: Int
    /// The faults in the order they were decided, the first ``FaultInjector/eventsMax``.
    public let events: [FaultEvent]
}

extension ReplayFaults: CustomStringConvertible {
    /// One line: seed, and what befell either direction.
    public var description: String { "seed \(seed); received: \(receiving); sent: \(sending)" }
}
