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
    /// IEEE 802.5 token ring (`LINKTYPE_IEEE802_5`).
    @inlinable public static var tokenRing: LinkType { LinkType(rawValue: 6) }
    /// SLIP with the 16-byte header of a capture (`LINKTYPE_SLIP`).
    @inlinable public static var slip: LinkType { LinkType(rawValue: 8) }
    /// PPP, in HDLC-like framing or bare (`LINKTYPE_PPP`).
    @inlinable public static var ppp: LinkType { LinkType(rawValue: 9) }
    /// FDDI (`LINKTYPE_FDDI`).
    @inlinable public static var fddi: LinkType { LinkType(rawValue: 10) }
    /// PPP in HDLC-like framing, or Cisco HDLC (`LINKTYPE_PPP_HDLC`).
    @inlinable public static var pppHDLC: LinkType { LinkType(rawValue: 50) }
    /// A PPPoE session without Ethernet (`LINKTYPE_PPP_ETHER`).
    @inlinable public static var pppoe: LinkType { LinkType(rawValue: 51) }
    /// 802.2 LLC, as on RFC 1483 ATM (`LINKTYPE_ATM_RFC1483`).
    @inlinable public static var logicalLinkControl: LinkType { LinkType(rawValue: 100) }
    /// Cisco HDLC (`LINKTYPE_C_HDLC`).
    @inlinable public static var ciscoHDLC: LinkType { LinkType(rawValue: 104) }
    /// 802.11 (`LINKTYPE_IEEE802_11`).
    @inlinable public static var ieee80211: LinkType { LinkType(rawValue: 105) }
    /// Classical IP over ATM of Linux, with an LLC header (`LINKTYPE_ATM_CLIP`).
    @inlinable public static var linuxClassicalIP: LinkType { LinkType(rawValue: 106) }
    /// Frame relay (`LINKTYPE_FRELAY`).
    @inlinable public static var frameRelay: LinkType { LinkType(rawValue: 107) }
    /// 802.11 with a Prism header (`LINKTYPE_IEEE802_11_PRISM`).
    @inlinable public static var prism: LinkType { LinkType(rawValue: 119) }
    /// IP over Fibre Channel (RFC 2625) (`LINKTYPE_IP_OVER_FC`).
    @inlinable public static var ipOverFibreChannel: LinkType { LinkType(rawValue: 122) }
    /// 802.11 with a radiotap header (`LINKTYPE_IEEE802_11_RADIOTAP`).
    @inlinable public static var radiotap: LinkType { LinkType(rawValue: 127) }
    /// 802.11 with an AVS header (`LINKTYPE_IEEE802_11_AVS`).
    @inlinable public static var avs: LinkType { LinkType(rawValue: 163) }
    /// Per-packet information, and a packet of the type it names (`LINKTYPE_PPI`).
    @inlinable public static var ppi: LinkType { LinkType(rawValue: 192) }
    /// PPP with a direction byte (`LINKTYPE_PPP_WITH_DIR`).
    @inlinable public static var pppWithDirection: LinkType { LinkType(rawValue: 204) }
    /// MPLS labels (`LINKTYPE_MPLS`).
    @inlinable public static var mpls: LinkType { LinkType(rawValue: 219) }
    /// Packets of Linux's netfilter log (`LINKTYPE_NFLOG`).
    @inlinable public static var nflog: LinkType { LinkType(rawValue: 239) }

    /// No link type at all: a pcapng record names an interface that was never described.
    ///
    /// The number is beyond those that files can hold.
    @inlinable public static var undescribed: LinkType { LinkType(rawValue: .max) }

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
        case .ppp, .pppHDLC, .pppoe, .pppWithDirection, .ciscoHDLC, .frameRelay, .slip, .mpls: true
        case .ieee80211, .radiotap, .prism, .avs, .ppi, .nflog: true
        case .tokenRing, .fddi, .logicalLinkControl, .linuxClassicalIP, .ipOverFibreChannel: true
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
        case .tokenRing: "IEEE802_5"
        case .slip: "SLIP"
        case .ppp: "PPP"
        case .fddi: "FDDI"
        case .pppHDLC: "PPP_HDLC"
        case .pppoe: "PPP_ETHER"
        case .logicalLinkControl: "ATM_RFC1483"
        case .ciscoHDLC: "C_HDLC"
        case .ieee80211: "IEEE802_11"
        case .linuxClassicalIP: "ATM_CLIP"
        case .frameRelay: "FRELAY"
        case .prism: "IEEE802_11_PRISM"
        case .ipOverFibreChannel: "IP_OVER_FC"
        case .radiotap: "IEEE802_11_RADIOTAP"
        case .avs: "IEEE802_11_AVS"
        case .ppi: "PPI"
        case .pppWithDirection: "PPP_WITH_DIR"
        case .mpls: "MPLS"
        case .nflog: "NFLOG"
        case .undescribed: "undescribed interface"
        default: isRawIP ? "RAW (\(rawValue))" : "LINKTYPE \(rawValue)"
        }
    }
}
