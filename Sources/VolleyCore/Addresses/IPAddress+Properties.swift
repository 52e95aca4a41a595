// What an address is good for. An IPv4-mapped IPv6 address (::ffff:0:0/96) is judged as the IPv4 address it carries,
// because that is where the kernel sends.

extension IPAddress {
    /// 0.0.0.0, the IPv4 wildcard.
    @inlinable public static var anyV4: IPAddress { IPAddress(v4: 0) }
    /// ::, the IPv6 wildcard.
    @inlinable public static var anyV6: IPAddress { IPAddress(v6High: 0, low: 0) }
    /// 127.0.0.1.
    @inlinable public static var loopbackV4: IPAddress { IPAddress(v4: 0x7f00_0001) }
    /// ::1.
    @inlinable public static var loopbackV6: IPAddress { IPAddress(v6High: 0, low: 1) }

    /// Whether this is a wildcard: 0.0.0.0 or ::.
    @inlinable public var isUnspecified: Bool {
        let address = unmapped
        return address.high == 0 && address.low == 0
    }

    /// Whether this is within 127.0.0.0/8, or ::1.
    @inlinable public var isLoopback: Bool {
        let address = unmapped
        return address.isIPv6 ? address == .loopbackV6 : address.low >> 24 == 127
    }

    /// Whether this is within 224.0.0.0/4 or ff00::/8.
    @inlinable public var isMulticast: Bool {
        let address = unmapped
        return address.isIPv6 ? address.high >> 56 == 0xff : address.low >> 28 == 0xe
    }

    /// Whether this is within 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291).
    @inlinable public var isLinkLocal: Bool {
        let address = unmapped
        return address.isIPv6 ? address.high >> 54 == 0xfe80 >> 6 : address.low >> 16 == 0xa9fe
    }

    /// Whether this is an IPv6 address that carries an IPv4 address: ::ffff:0:0/96 (RFC 4291 section 2.5.5.2).
    @inlinable public var isIPv4Mapped: Bool { isIPv6 && high == 0 && low >> 32 == 0xffff }

    /// The IPv4 address that an IPv4-mapped address carries; any other address unchanged.
    @inlinable public var unmapped: IPAddress {
        isIPv4Mapped ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : self
    }

    /// The IPv4-mapped IPv6 address of an IPv4 address, as an IPv6 socket sees it; an IPv6 address unchanged.
    @inlinable public var mappedToIPv6: IPAddress {
        isIPv6 ? self : IPAddress(v6High: 0, low: 0xffff << 32 | low)
    }
}
