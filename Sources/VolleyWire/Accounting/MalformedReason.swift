/// Why a record is ``RecordClass/malformed``.
public struct MalformedReason: Hashable, Sendable {
    /// The reason as an index, less than ``count``.
    public let index: Int

    @usableFromInline
    init(index: Int) { self.index = index }

    /// Not malformed.
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

    /// How many reasons there are, ``none`` included.
    @inlinable public static var count: Int { 6 }

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
        default: "none"
        }
    }
}

extension MalformedReason: CustomStringConvertible {
    /// The same as ``name``.
    public var description: String { name }
}
