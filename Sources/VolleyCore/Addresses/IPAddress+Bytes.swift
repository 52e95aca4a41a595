extension IPAddress {
    /// An address from its 4 or 16 bytes in network order, `nil` for any other number of bytes.
    @inlinable
    public init?(bytes: RawSpan) {
        var reader = ByteReader(bytes)
        switch bytes.byteCount {
        case 4:
            guard let address = try? reader.readIPv4Address() else { return nil }
            self = address
        case 16:
            guard let address = try? reader.readIPv6Address() else { return nil }
            self = address
        default:
            return nil
        }
    }

    /// An address from its 4 or 16 bytes in network order, `nil` for any other number of bytes.
    @inlinable
    public init?(bytes: Span<UInt8>) {
        self.init(bytes: RawSpan(bytes))
    }

    /// How many bytes the address has: 4 or 16.
    @inlinable public var octetCount: Int { isIPv6 ? 16 : 4 }

    /// One byte of the address in network order.
    ///
    /// - Precondition: `index` is within 0..<``octetCount``.
    @inlinable
    public func octet(_ index: Int) -> UInt8 {
        precondition(index >= 0 && index < octetCount, "an address has 4 or 16 octets, counted from 0")
        let half = isIPv6 && index < 8 ? high : low
        let fromEnd = octetCount - 1 - index
        return UInt8(truncatingIfNeeded: half >> UInt64(8 * (fromEnd & 7)))
    }
}

extension ByteReader {
    /// Reads the 4 bytes of an IPv4 address.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readIPv4Address() throws(ByteError) -> IPAddress {
        try IPAddress(v4: readUInt32())
    }

    /// Reads the 16 bytes of an IPv6 address, all or nothing.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func readIPv6Address() throws(ByteError) -> IPAddress {
        try check(16)
        return try IPAddress(v6High: readUInt64(), low: readUInt64())
    }
}

extension ByteWriter {
    /// Writes the 4 or 16 bytes of an address in network order, all or nothing.
    @inlinable
    @_lifetime(self: copy self)
    public mutating func write(_ address: IPAddress) throws(ByteError) {
        if let bits = address.v4Bits { return try writeUInt32(bits) }
        try check(16)
        try writeUInt64(address.high)
        try writeUInt64(address.low)
    }
}
