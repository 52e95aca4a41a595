/// What the bytes of a captured record begin with: a `LINKTYPE_` number as capture files carry it.
///
/// The numbers are those of <https://www.tcpdump.org/linktypes.html>. Some writers put the `DLT_` number of their own
/// system into the file instead; for raw IP both kinds of numbers are understood (``isRawIP``).
public struct LinkType: RawRepresentable, Hashable, Sendable {
    /// The `LINKTYPE_` number.
    public let rawValue: UInt32

    /// The link type with this number; any number is allowed, known or not.
    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// BSD loopback, a four-byte address family in the byte order of the capturing host (`LINKTYPE_NULL`).
    @inlinable public static var null: LinkType { LinkType(rawValue: 0) }
    /// Ethernet (`LINKTYPE_ETHERNET`).
    @inlinable public static var ethernet: LinkType { LinkType(rawValue: 1) }
    /// An IPv4 or IPv6 packet without anything before it (`LINKTYPE_RAW`).
    @inlinable public static var rawIP: LinkType { LinkType(rawValue: 101) }
    /// OpenBSD loopback, a four-byte address family in network byte order (`LINKTYPE_LOOP`).
    @inlinable public static var loop: LinkType { LinkType(rawValue: 108) }
    /// Linux "cooked" capture, as from the device `any` (`LINKTYPE_LINUX_SLL`).
    @inlinable public static var linuxSLL: LinkType { LinkType(rawValue: 113) }
    /// An IPv4 packet without anything before it (`LINKTYPE_IPV4`).
    @inlinable public static var ipv4: LinkType { LinkType(rawValue: 228) }
    /// An IPv6 packet without anything before it (`LINKTYPE_IPV6`).
    @inlinable public static var ipv6: LinkType { LinkType(rawValue: 229) }
    /// Linux "cooked" capture, version 2 (`LINKTYPE_LINUX_SLL2`).
    @inlinable public static var linuxSLL2: LinkType { LinkType(rawValue: 276) }

    /// Whether records are bare IP packets: 101, 228, 229, and 12 and 14, the `DLT_RAW` of most systems and of OpenBSD.
    @inlinable public var isRawIP: Bool {
        switch rawValue {
        case 12, 14, 101, 228, 229: true
        default: false
        }
    }

    /// Whether ``FrameDecoder`` can look inside records of this type.
    @inlinable public var isDecoded: Bool {
        switch self {
        case .ethernet, .null, .loop, .linuxSLL, .linuxSLL2: true
        default: isRawIP
        }
    }
}

extension LinkType: CustomStringConvertible {
    /// The name without `LINKTYPE_` where this module knows it, the number otherwise: `ETHERNET`, `LINKTYPE 127`.
    public var description: String {
        switch self {
        case .null: "NULL"
        case .ethernet: "ETHERNET"
        case .rawIP: "RAW"
        case .loop: "LOOP"
        case .linuxSLL: "LINUX_SLL"
        case .ipv4: "IPV4"
        case .ipv6: "IPV6"
        case .linuxSLL2: "LINUX_SLL2"
        default: isRawIP ? "RAW (\(rawValue))" : "LINKTYPE \(rawValue)"
        }
    }
}
