/// What became of one record of a capture; every record ends in exactly one class.
///
/// The classes are numbered densely from zero, so that counting one is an array increment. More of them may come.
public struct RecordClass: Hashable, Sendable {
    /// The class as an index, less than ``count``.
    public let index: Int

    @usableFromInline
    init(index: Int) { self.index = index }

    /// A whole UDP datagram over the outermost IP header; of one sent in fragments the record that completes it.
    @inlinable public static var delivered: RecordClass { RecordClass(index: 0) }
    /// An ICMP or ICMPv6 error message (not a redirect) that quotes a UDP header; see ``ICMPError``.
    @inlinable public static var icmpError: RecordClass { RecordClass(index: 1) }
    /// A fragment of an IP packet that was completed by another record.
    ///
    /// ``FrameDecoder`` never says this; ``RecordAccounting/count(_:)-swift.method`` of a ``FragmentReassembler/Step`` does.
    @inlinable public static var joinedFragment: RecordClass { RecordClass(index: 2) }
    /// A fragment of an IP packet that carries, or may carry, UDP and was not completed (so far).
    @inlinable public static var pendingFragment: RecordClass { RecordClass(index: 3) }
    /// Headers claim more than was captured, although the original packet was long enough (snap length).
    @inlinable public static var cut: RecordClass { RecordClass(index: 4) }
    /// The IP length is less than its own header or more than the original length of the record.
    @inlinable public static var badIPLength: RecordClass { RecordClass(index: 5) }
    /// The UDP length is less than 8 or more than the IP payload.
    @inlinable public static var badUDPLength: RecordClass { RecordClass(index: 6) }
    /// A checksum that was to be verified does not hold.
    ///
    /// Only with ``ChecksumPolicy/verify`` or ``DeliveryMode/kernel``.
    @inlinable public static var badChecksum: RecordClass { RecordClass(index: 7) }
    /// Whole, but not a UDP datagram: ARP, TCP, UDP inside a tunnel and so on.
    @inlinable public static var notUDP: RecordClass { RecordClass(index: 8) }
    /// A link type, or an encapsulation of IP above it such as MACsec or NSH, that is not decoded.
    @inlinable public static var unknownLinkType: RecordClass { RecordClass(index: 9) }
    /// Refused by a filter before it was decoded.
    ///
    /// ``FrameDecoder`` never says this; who filters does.
    @inlinable public static var filtered: RecordClass { RecordClass(index: 10) }
    /// Whole, but no socket would get it: a jumbogram, or what ``DeliveryMode/kernel`` drops; ``MalformedReason`` says why.
    @inlinable public static var refused: RecordClass { RecordClass(index: 11) }
    /// Broken in another way; ``MalformedReason`` says which.
    @inlinable public static var malformed: RecordClass { RecordClass(index: 12) }

    /// How many classes there are.
    @inlinable public static var count: Int { 13 }

    /// All classes in the order of their ``index``.
    public static var all: [RecordClass] { (0..<count).map(RecordClass.init(index:)) }

    /// The name for reports and JSON, in lower camel case.
    public var name: String {
        switch self {
        case .delivered: "delivered"
        case .icmpError: "icmpError"
        case .joinedFragment: "joinedFragment"
        case .pendingFragment: "pendingFragment"
        case .cut: "cut"
        case .badIPLength: "badIPLength"
        case .badUDPLength: "badUDPLength"
        case .badChecksum: "badChecksum"
        case .notUDP: "notUDP"
        case .unknownLinkType: "unknownLinkType"
        case .filtered: "filtered"
        case .refused: "refused"
        default: "malformed"
        }
    }
}

extension RecordClass: CustomStringConvertible {
    /// The same as ``name``.
    public var description: String { name }
}
