extension SocketAddress: CustomStringConvertible {
    /// The canonical text: `192.0.2.1:53`, `[2001:db8::1]:53`, `[fe80::1%3]:53`.
    ///
    /// The scope is shown as interface index, and only if there is one; the flow information is not shown. An address of
    /// no IP family is shown as `(unspecified)`, which is no text to be parsed.
    public var description: String {
        guard family == .ipv4 || family == .ipv6 else { return "(unspecified)" }
        var text = AddressText()
        if family == .ipv6 { text.append("[") }
        text.append(ip)
        if scope != 0 {
            text.append("%")
            text.append(decimal: scope)
        }
        if family == .ipv6 { text.append("]") }
        text.append(":")
        text.append(decimal: UInt32(port))
        return text.string
    }
}

extension SocketAddress {
    /// The address that `text` stands for, `nil` when it is none; ``init(parsing:)`` says why.
    public init?(_ text: String) {
        guard let address = try? SocketAddress(parsing: text) else { return nil }
        self = address
    }

    /// The address that `text` stands for: `192.0.2.1:53`, `[2001:db8::1]:53` or, scoped by interface index,
    /// `[fe80::1%3]:53`.
    ///
    /// The port is a decimal number within 0...65535, without leading zeros, and never left out. The forms of the IP
    /// address are those of ``IPAddress/init(parsing:)``. A scope that is a name is refused; resolving one takes
    /// ``init(parsing:interfaceIndex:)``.
    public init(parsing text: String) throws(AddressError) {
        try self.init(parsing: text) { _ in nil }
    }

    /// The address that `text` stands for, with `interfaceIndex` to resolve a scope that is a name: `[fe80::1%eth0]:53`.
    ///
    /// `interfaceIndex` gets the name and returns its index, `nil` if there is no such interface
    /// (the C function is `if_nametoindex`). It is not called for a scope of digits only, which is an index already
    /// (RFC 4007 section 11.2).
    public init(parsing text: String, interfaceIndex: (String) -> UInt32?) throws(AddressError) {
        do throws(AddressParser.Fault) {
            self = try Self.parse(text.utf8Span.span, interfaceIndex)
        } catch {
            throw AddressError(error.code, text: text, offset: error.offset)
        }
    }

    private static func parse(
        _ text: Span<UInt8>, _ interfaceIndex: (String) -> UInt32?
    ) throws(AddressParser.Fault) -> SocketAddress {
        var parser = AddressParser(text)
        let address: IPAddress
        var scope: UInt32 = 0
        if parser.skip("[") {
            address = try parser.ipv6()
            if parser.skip("%") { scope = try parser.scope(interfaceIndex) }
            try parser.expect("]")
        } else {
            if parser.hasSeveralColons { throw parser.fault(.missingBrackets) }
            address = try IPAddress(v4: parser.ipv4())
        }
        if parser.isAtEnd { throw parser.fault(.missingPort) }
        try parser.expect(":")
        let port = try parser.decimal(limit: UInt32(UInt16.max))
        try parser.expectEnd()
        return SocketAddress(address, port: UInt16(port), scope: scope)
    }
}

extension SocketAddress {
    /// An IPv4-mapped address as the IPv4 address it carries, with the same port; any other address unchanged.
    ///
    /// A dual-stack IPv6 socket shows its IPv4 peers mapped; this is the form to log and to compare.
    @inlinable public var unmapped: SocketAddress {
        guard family == .ipv6, ip.isIPv4Mapped else { return self }
        return SocketAddress(ip.unmapped, port: port)
    }

    /// An IPv4 address as the IPv4-mapped IPv6 address that an IPv6 socket needs, with the same port; any other address
    /// unchanged.
    @inlinable public var mappedToIPv6: SocketAddress {
        guard family == .ipv4 else { return self }
        return SocketAddress(ip.mappedToIPv6, port: port)
    }
}
