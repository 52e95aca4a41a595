public import SystemPackage
public import VolleyCore

/// What goes wrong with datagrams, and how often; nothing, unless it is said.
///
/// ```swift
/// var faults = Faults()
/// faults.burstLoss = BurstLoss(p: 0.5, r: 0.5)
/// faults.filter = { subject in subject.destination.ip == address }
/// var options = SimulatedEndpoint.Options()
/// options.faults = FaultPlan(seed: 1, sending: faults)
/// ```
///
/// Probabilities are from 0 to 1, and anything beyond counts as the nearer of the two. They are drawn for each datagram
/// by itself, in this order: errno, ICMP error, burst loss, loss, corruption, truncation, duplication, reordering, delay.
/// What is corrupted or truncated arrives so, as it does when a middlebox has done it before the checksum was made anew.
public struct Faults {
    /// The probability that a datagram is lost.
    public var loss = 0.0
    /// Loss in bursts, beside ``loss``.
    public var burstLoss: BurstLoss?
    /// The probability that a datagram arrives twice, the second time right behind the first.
    public var duplication = 0.0
    /// Datagrams that are held back so that later ones overtake them.
    public var reordering: Reordering?
    /// A delay of every datagram; where it varies, they overtake each other.
    public var delay = DelayDistribution.none
    /// The probability that the end of a datagram is cut off: 0 bytes to all but one remain, each count equally often.
    public var truncation = 0.0
    /// The probability that bits of a datagram are flipped.
    public var corruption = 0.0
    /// How many bits are flipped in a datagram, at least 1; the same one may be met twice.
    public var corruptedBits = 1
    /// Error numbers: of a send, which then has not taken place; of a receive, reported before the datagram.
    ///
    /// A send that fails with `EAGAIN` is tried again, like one that the kernel had no room for.
    public var errors: [ErrnoFault] = []
    /// ICMP errors that a datagram meets on its way; it goes no further.
    ///
    /// For datagrams that the endpoint sends; among those it receives they mean nothing.
    public var icmp: [ICMPFault] = []
    /// Which datagrams these faults are for; `nil` for all.
    public var filter: ((FaultSubject) -> Bool)?

    /// No faults.
    public init() {}

    /// No faults but loss.
    public static func loss(_ probability: Double) -> Faults {
        var faults = Faults()
        faults.loss = probability
        return faults
    }

    /// Datagrams that are overtaken.
    public struct Reordering: Hashable, Sendable {
        /// The probability that a datagram is held back.
        public var probability: Double
        /// How long it is held back.
        public var delay: DelayDistribution
        /// Only every so manieth datagram may be held back; 1 for any, and less counts as that.
        public var gap: Int

        /// Reordering from its parts.
        public init(_ probability: Double, by delay: DelayDistribution, gap: Int = 1) {
            (self.probability, self.delay, self.gap) = (probability, delay, gap)
        }
    }

    /// An error number of a send or a receive.
    public struct ErrnoFault: Hashable, Sendable {
        /// The error number.
        public var errno: Errno
        /// The probability that a datagram meets it.
        public var probability: Double

        /// An error number and how often it comes.
        public init(_ errno: Errno, _ probability: Double) { (self.errno, self.probability) = (errno, probability) }
    }

    /// An ICMP or ICMPv6 error, by the family of the datagram that meets it.
    public struct ICMPFault: Hashable, Sendable {
        /// The message's type, such as 3 for "destination unreachable" of ICMP and 1 for that of ICMPv6.
        public var type: UInt8
        /// The message's code.
        public var code: UInt8
        /// The probability that a datagram meets it.
        public var probability: Double
        /// What the message brings with it: MTU or pointer (`ee_info`).
        public var info: UInt32
        /// Who reports it; `nil` for the datagram's destination.
        public var offender: IPAddress?
        /// How long after the send the report arrives.
        public var delay: DelayDistribution

        /// An error from its parts.
        public init(
            type: UInt8, code: UInt8, _ probability: Double, info: UInt32 = 0, offender: IPAddress? = nil,
            after delay: DelayDistribution = .constant(.milliseconds(1))
        ) {
            (self.type, self.code, self.probability, self.info) = (type, code, probability, info)
            (self.offender, self.delay) = (offender, delay)
        }
    }
}

/// The faults of an endpoint: of what it receives and of what it sends, with the seed that decides; for a replay
/// (``ReplayOptions/faults``) or in a simulation (``SimulatedEndpoint/Options``).
public struct FaultPlan {
    /// Decides everything; the same seed, plan and datagrams meet the same faults.
    public var seed: UInt64
    /// Faults of what the endpoint receives; of several, those apply whose filter is the first to take the datagram.
    public var receiving: [Faults] = []
    /// Faults of what the endpoint sends; of several, those apply whose filter is the first to take the datagram.
    public var sending: [Faults] = []

    /// A plan.
    public init(seed: UInt64, receiving: Faults? = nil, sending: Faults? = nil) {
        self.seed = seed
        self.receiving = receiving.map { [$0] } ?? []
        self.sending = sending.map { [$0] } ?? []
    }
}

/// A datagram that may meet a fault, as a filter sees it.
public struct FaultSubject: Hashable, Sendable {
    /// Which way a datagram goes, seen from the endpoint.
    public enum Direction: String, Hashable, Sendable {
        /// To the endpoint.
        case receive
        /// From the endpoint.
        case send
        /// Along a link of a simulated network.
        case link
    }

    /// Which way it goes.
    public let direction: Direction
    /// Where it comes from.
    public let source: SocketAddress
    /// Where it goes to.
    public let destination: SocketAddress
    /// Bytes of payload.
    public let count: Int
    /// When, on the virtual clock.
    public let time: MonotonicInstant
    /// Its number among those of its direction, from 0.
    public let number: Int
}
