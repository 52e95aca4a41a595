internal import SystemPackage
import VolleyCore

/// One fault that was injected.
public struct FaultEvent: Hashable, Sendable {
    /// What kind of fault, by the name it has in ``Faults``.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        let code: UInt8
        /// The name: `burstLoss`.
        public let description: String

        private init(_ code: UInt8, _ name: String) { (self.code, description) = (code, name) }

        /// Lost.
        public static let loss = Kind(1, "loss")
        /// Lost in the model of bursts.
        public static let burstLoss = Kind(2, "burstLoss")
        /// Arrived twice.
        public static let duplication = Kind(3, "duplication")
        /// Held back.
        public static let reordering = Kind(4, "reordering")
        /// Delayed.
        public static let delay = Kind(5, "delay")
        /// Cut short.
        public static let truncation = Kind(6, "truncation")
        /// Bits were flipped.
        public static let corruption = Kind(7, "corruption")
        /// An error number.
        public static let errno = Kind(8, "errno")
        /// An ICMP error.
        public static let icmp = Kind(9, "icmp")

        /// All of them.
        public static let all = [loss, burstLoss, duplication, reordering, delay, truncation, corruption, errno, icmp]
    }

    /// Its number among the faults of its injector, from 1.
    public let number: Int
    /// The kind of fault.
    public let kind: Kind
    /// The datagram it was for.
    public let subject: FaultSubject
    /// The delay in nanoseconds, the count of bytes that remain, the last bit flipped (counted from the first byte's
    /// most significant bit), the error number, or the ICMP type times 256 plus the code; otherwise 0.
    public let value: Int64
}

extension FaultEvent: CustomStringConvertible {
    /// One line without the time: `fault 3: truncation to 12 bytes, receive 192.0.2.1:5000 > 192.0.2.2:53, 40 bytes`.
    public var description: String {
        let subject = subject
        return "fault \(number): \(kind)\(detail), \(subject.direction.rawValue) \(subject.source) > "
            + "\(subject.destination), \(subject.count) bytes"
    }

    private var detail: String {
        switch kind {
        case .reordering, .delay: " by \(Duration.nanoseconds(value))"
        case .truncation: " to \(value) bytes"
        case .corruption: " at bit \(value)"
        case .errno: " \(Errno(rawValue: CInt(clamping: value)))"
        case .icmp: " type \(value >> 8) code \(value & 0xff)"
        default: ""
        }
    }
}
