/// How long the parts of a hand-over may take.
public struct HandoverOptions: Sendable {
    /// How long the other process may take for each of its steps, its start-up included; over 0.
    public var stepLimit = Duration.seconds(10)

    /// How long the endpoints that were handed over may take to send what is queued, before they are closed.
    public var flushLimit = Duration.seconds(5)

    /// The defaults: ten seconds a step, five to flush.
    public init() {}
}
