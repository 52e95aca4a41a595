/// An IPv4 or IPv6 address: a trivial value of 17 bytes, without port or scope.
///
/// Text in both directions is in `IPAddress+Text.swift`: dotted decimal for IPv4, RFC 5952 for IPv6.
public struct IPAddress: Hashable, Sendable, BitwiseCopyable {
    /// The most significant 64 bits of an IPv6 address, in host byte order; 0 for IPv4.
    public let high: UInt64
    /// The least significant 64 bits of an IPv6 address, in host byte order; an IPv4 address in the low 32 bits.
    public let low: UInt64
    /// Whether this is an IPv6 address.
    public let isIPv6: Bool

    @inlinable
    init(high: UInt64, low: UInt64, isIPv6: Bool) {
        self.high = high
        self.low = low
        self.isIPv6 = isIPv6
    }

    /// An IPv4 address from its 32 bits in host byte order: `IPAddress(v4: 0x7f00_0001)` is 127.0.0.1.
    @inlinable
    public init(v4 bits: UInt32) {
        self.init(high: 0, low: UInt64(bits), isIPv6: false)
    }

    /// An IPv6 address from its two halves in host byte order: `IPAddress(v6High: 0, low: 1)` is ::1.
    @inlinable
    public init(v6High high: UInt64, low: UInt64) {
        self.init(high: high, low: low, isIPv6: true)
    }

    /// Whether this is an IPv4 address.
    @inlinable public var isIPv4: Bool { !isIPv6 }

    /// The 32 bits of an IPv4 address in host byte order, `nil` for IPv6.
    @inlinable public var v4Bits: UInt32? { isIPv6 ? nil : UInt32(truncatingIfNeeded: low) }
}
