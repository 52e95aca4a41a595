/// An IPv4 or IPv6 address with port (and, for IPv6, flow label and scope): a trivial value of 28 bytes.
///
/// Its memory is the kernel's own `struct sockaddr_in` or `struct sockaddr_in6` (ip(7), ipv6(7)), so that no datagram
/// pays for a conversion: the kernel writes a source address where Swift reads it. A `SocketAddress` whose ``family``
/// is ``Family/unspecified`` stands for "no IP address", as with the source of a Unix datagram.
public struct SocketAddress: Sendable, BitwiseCopyable {
    /// An address family, with the kernel's number.
    public struct Family: RawRepresentable, Hashable, Sendable {
        /// The kernel's number.
        public let rawValue: UInt16

        /// The family with that number.
        @inlinable
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// No address (`AF_UNSPEC`).
        @inlinable public static var unspecified: Family { Family(rawValue: 0) }
        /// Unix domain (`AF_UNIX`).
        @inlinable public static var unix: Family { Family(rawValue: 1) }
        /// IPv4 (`AF_INET`).
        @inlinable public static var ipv4: Family { Family(rawValue: 2) }
        /// IPv6 (`AF_INET6`).
        @inlinable public static var ipv6: Family { Family(rawValue: 10) }
    }

    // The order and width of these fields is that of sockaddr_in and sockaddr_in6 on little-endian machines, which all are
    // that Swift supports on Linux; a test holds them to it.
    /// `sin_family` and `sin_port`, one word: two halves are put into vector registers and taken out again.
    @usableFromInline var familyAndPort: UInt32
    /// `sin_addr` for IPv4, `sin6_flowinfo` for IPv6; network byte order.
    @usableFromInline var networkWord: UInt32
    /// `sin_zero` for IPv4, `sin6_addr` for IPv6; network byte order.
    @usableFromInline var networkHigh: UInt64
    @usableFromInline var networkLow: UInt64
    @usableFromInline var rawScope: UInt32

    @inlinable
    init(family: Family, networkPort: UInt16, networkWord: UInt32, high: UInt64, low: UInt64, scope: UInt32) {
        self.familyAndPort = UInt32(family.rawValue) | UInt32(networkPort) << 16
        self.networkWord = networkWord
        self.networkHigh = high
        self.networkLow = low
        self.rawScope = scope
    }

    /// An IP address and port; `scope` (an interface index) and `flowInfo` are for IPv6 and ignored for IPv4.
    @inlinable
    public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0, flowInfo: UInt32 = 0) {
        if address.isIPv6 {
            self.init(
                family: .ipv6, networkPort: port.bigEndian, networkWord: flowInfo.bigEndian,
                high: address.high.bigEndian, low: address.low.bigEndian, scope: scope)
        } else {
            self.init(
                family: .ipv4, networkPort: port.bigEndian,
                networkWord: UInt32(truncatingIfNeeded: address.low).bigEndian, high: 0, low: 0, scope: 0)
        }
    }

    /// No address: family ``Family/unspecified``, everything else zero.
    @inlinable
    public static var unspecified: SocketAddress {
        SocketAddress(family: .unspecified, networkPort: 0, networkWord: 0, high: 0, low: 0, scope: 0)
    }

    /// The address family: IPv4, IPv6, or unspecified.
    @inlinable public var family: Family { Family(rawValue: UInt16(truncatingIfNeeded: familyAndPort)) }

    /// The port in host byte order.
    @inlinable public var port: UInt16 {
        get { UInt16(bigEndian: UInt16(truncatingIfNeeded: familyAndPort >> 16)) }
        set { familyAndPort = familyAndPort & 0xffff | UInt32(newValue.bigEndian) << 16 }
    }

    /// The IP address, without port and scope; 0.0.0.0 when the family is unspecified.
    @inlinable public var ip: IPAddress {
        family == .ipv6
            ? IPAddress(v6High: UInt64(bigEndian: networkHigh), low: UInt64(bigEndian: networkLow))
            : IPAddress(v4: UInt32(bigEndian: networkWord))
    }

    /// The interface index that scopes a link-local IPv6 address (`sin6_scope_id`); 0 when there is none.
    @inlinable public var scope: UInt32 { family == .ipv6 ? rawScope : 0 }

    /// The IPv6 flow label and traffic class (`sin6_flowinfo`) in host byte order; 0 for IPv4.
    @inlinable public var flowInfo: UInt32 { family == .ipv6 ? UInt32(bigEndian: networkWord) : 0 }
}

extension SocketAddress: Hashable {
    /// Whether both name the same family, address, port, scope and flow information.
    @inlinable
    public static func == (left: SocketAddress, right: SocketAddress) -> Bool {
        guard left.familyAndPort == right.familyAndPort, left.networkWord == right.networkWord else { return false }
        guard left.family == .ipv6 else { return true }
        return left.networkHigh == right.networkHigh && left.networkLow == right.networkLow
            && left.rawScope == right.rawScope
    }

    /// Feeds what `==` compares.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(UInt64(networkWord) << 32 | UInt64(familyAndPort))
        guard family == .ipv6 else { return }
        hasher.combine(networkHigh)
        hasher.combine(networkLow)
        hasher.combine(rawScope)
    }
}
