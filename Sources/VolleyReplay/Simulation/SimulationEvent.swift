public import VolleyCore

/// One thing that happened in a simulated network.
public struct SimulationEvent: Hashable, Sendable {
    /// What kind of thing.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        let code: UInt8
        /// The name: `delivered`.
        public let description: String

        init(_ code: UInt8, _ name: String) { (self.code, description) = (code, name) }

        /// An endpoint was opened.
        public static let opened = Kind(1, "opened")
        /// An endpoint was closed, or lost with its host.
        public static let closed = Kind(2, "closed")
        /// A datagram was given to a link.
        public static let sent = Kind(3, "sent")
        /// A datagram arrived in an endpoint's receive buffer.
        public static let delivered = Kind(4, "delivered")
        /// A link lost a datagram, by faults.
        public static let lost = Kind(5, "lost")
        /// A link met a fault that lost nothing.
        public static let fault = Kind(6, "fault")
        /// A link's queue was full.
        public static let queueFull = Kind(7, "queue full")
        /// The link was cut.
        public static let cut = Kind(8, "cut")
        /// A packet was larger than its path takes.
        public static let tooBig = Kind(9, "too big")
        /// An endpoint's receive buffer was full.
        public static let bufferFull = Kind(10, "buffer full")
        /// Nobody listened; for a group or everybody, nothing is made of it.
        public static let unheard = Kind(11, "unheard")
        /// No host has the address, or the one that has it is down.
        public static let unreachable = Kind(12, "unreachable")
        /// An ICMP error set out; the value is its type times 256 plus its code.
        public static let icmpSent = Kind(13, "ICMP sent")
        /// An ICMP error reached an endpoint; the value is the error number.
        public static let icmpDelivered = Kind(14, "ICMP delivered")
        /// A host changed: it crashed, booted, was paused or resumed.
        public static let host = Kind(15, "host")
        /// Something the test wanted to be in the trace.
        public static let note = Kind(16, "note")
        /// A check failed.
        public static let checkFailed = Kind(17, "check failed")
    }

    /// When.
    public let time: MonotonicInstant
    /// What.
    public let kind: Kind
    /// Where: the name of a link (`client>server`) or of a host.
    public let place: String
    /// The datagram's source, or the endpoint's own address; unspecified where there is none.
    public let source: SocketAddress
    /// The datagram's destination, or the endpoint's peer; unspecified where there is none.
    public let destination: SocketAddress
    /// Bytes of payload.
    public let count: Int
    /// More, by kind; otherwise 0.
    public let value: Int64
    /// More, in words; empty where there is nothing to say.
    public let text: String
}

extension SimulationEvent: CustomStringConvertible {
    /// One line: time in seconds, what, where, whose, how much.
    public var description: String {
        let nanoseconds = "\(time.nanoseconds % 1_000_000_000)"
        var line = "\(time.nanoseconds / 1_000_000_000)."
        line += String(repeating: "0", count: max(0, 9 - nanoseconds.utf8.count)) + nanoseconds
        line += " \(kind)"
        if !place.isEmpty { line += " \(place)" }
        if source.family != .unspecified { line += " \(source)" }
        if destination.family != .unspecified { line += " > \(destination)" }
        if source.family != .unspecified, kind != .opened, kind != .closed { line += " \(count) bytes" }
        switch kind {
        case .icmpSent: line += ", type \(value >> 8) code \(value & 0xff)"
        case .icmpDelivered: line += ", errno \(value)"
        default: break
        }
        return text.isEmpty ? line : line + ": " + text
    }
}
