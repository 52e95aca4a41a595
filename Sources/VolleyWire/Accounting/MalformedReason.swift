/// Why a record is ``RecordClass/malformed`` or ``RecordClass/refused``.
public struct MalformedReason: Hashable, Sendable {
    /// The reason as an index, less than ``count``.
    public let index: Int

    @usableFromInline
    init(index: Int) { self.index = index }

    /// Neither malformed nor refused.
    @inlinable public static var none: MalformedReason { MalformedReason(index: 0) }
    /// The original packet is shorter than its link-layer header.
    @inlinable public static var shortLinkHeader: MalformedReason { MalformedReason(index: 1) }
    /// The original packet is shorter than its fixed IP header.
    @inlinable public static var shortIPHeader: MalformedReason { MalformedReason(index: 2) }
    /// The version in the IP header is not the one the link layer announced, or neither 4 nor 6.
    @inlinable public static var ipVersion: MalformedReason { MalformedReason(index: 3) }
    /// The header length of IPv4 is less than 20 bytes.
    @inlinable public static var ipv4HeaderLength: MalformedReason { MalformedReason(index: 4) }
    /// An IPv6 extension header reaches past the end of its packet.
    @inlinable public static var ipv6ExtensionHeader: MalformedReason { MalformedReason(index: 5) }
    /// A fragment overlaps another of its packet, or contradicts its end; Linux gives up the whole packet.
    @inlinable public static var overlappingFragment: MalformedReason { MalformedReason(index: 6) }
    /// A fragment holds nothing; Linux gives up the whole packet.
    @inlinable public static var emptyFragment: MalformedReason { MalformedReason(index: 7) }
    /// A fragment of IPv6 that is not the last ends off a multiple of 8 bytes, or ends behind 65,535.
    @inlinable public static var fragmentLength: MalformedReason { MalformedReason(index: 8) }
    /// Fragments make up a packet longer than 65,535 bytes.
    @inlinable public static var oversizePacket: MalformedReason { MalformedReason(index: 9) }
    /// A UDP jumbogram (RFC 2675), which no socket takes.
    @inlinable public static var jumbogram: MalformedReason { MalformedReason(index: 10) }
    /// A source address that nobody may send from, such as a multicast group.
    @inlinable public static var source: MalformedReason { MalformedReason(index: 11) }
    /// A destination that no socket can have where the packet arrived: 0.0.0.0, or loopback from outside.
    @inlinable public static var destination: MalformedReason { MalformedReason(index: 12) }
    /// An IPv4 option that is broken, or a source route.
    @inlinable public static var ipv4Option: MalformedReason { MalformedReason(index: 13) }
    /// A hop-by-hop or destination option that is broken, unknown and not to be skipped, or a home address.
    @inlinable public static var ipv6Option: MalformedReason { MalformedReason(index: 14) }
    /// A routing header with segments left, or of a type that is off by default.
    @inlinable public static var routingHeader: MalformedReason { MalformedReason(index: 15) }
    /// An IPv6 header where the kernel takes none of its type.
    @inlinable public static var headerOrder: MalformedReason { MalformedReason(index: 16) }

    /// A record of a pcapng file names an interface that was not described before it, so that its link type is unknown.
    @inlinable public static var undescribedInterface: MalformedReason { MalformedReason(index: 17) }

    /// How many reasons there are, ``none`` included.
    @inlinable public static var count: Int { 18 }

    /// All reasons but ``none``, in the order of their ``index``.
    public static var all: [MalformedReason] { (1..<count).map(MalformedReason.init(index:)) }

    /// The name for reports and JSON, in lower camel case.
    public var name: String {
        switch self {
        case .shortLinkHeader: "shortLinkHeader"
        case .shortIPHeader: "shortIPHeader"
        case .ipVersion: "ipVersion"
        case .ipv4HeaderLength: "ipv4HeaderLength"
        case .ipv6ExtensionHeader: "ipv6ExtensionHeader"
        case .overlappingFragment: "overlappingFragment"
        case .emptyFragment: "emptyFragment"
        case .fragmentLength: "fragmentLength"
        case .oversizePacket: "oversizePacket"
        case .jumbogram: "jumbogram"
        case .source: "source"
        case .destination: "destination"
        case .ipv4Option: "ipv4Option"
        case .ipv6Option: "ipv6Option"
        case .routingHeader: "routingHeader"
        case .headerOrder: "headerOrder"
        case .undescribedInterface: "undescribedInterface"
        default: "none"
        }
    }
}

extension MalformedReason: CustomStringConvertible {
    /// The same as ``name``.
    public var description: String { name }
}
