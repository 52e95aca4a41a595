extension IPAddress: LosslessStringConvertible {
    /// The canonical text: dotted decimal for IPv4, RFC 5952 for IPv6.
    ///
    /// RFC 5952 means lower case, no leading zeros, the longest run of zero groups as `::`; an IPv4-mapped address is
    /// shown as `::ffff:192.0.2.1`.
    public var description: String {
        var text = AddressText()
        text.append(self)
        return text.string
    }

    /// The address that `text` stands for, `nil` when it is none; ``init(parsing:)`` says why.
    public init?(_ text: String) {
        guard let address = try? IPAddress(parsing: text) else { return nil }
        self = address
    }

    /// The address that `text` stands for.
    ///
    /// Strict, so that nothing is read in two ways: IPv4 is four decimal numbers without leading zeros; IPv6 is any form
    /// of RFC 4291 section 2.2, in either case. No brackets, scope, port or surrounding space.
    public init(parsing text: String) throws(AddressError) {
        do throws(AddressParser.Fault) {
            self = try Self.parse(text.utf8Span.span)
        } catch {
            throw AddressError(error.code, text: text, offset: error.offset)
        }
    }

    private static func parse(_ text: Span<UInt8>) throws(AddressParser.Fault) -> IPAddress {
        var parser = AddressParser(text)
        let address = try parser.contains(":") ? parser.ipv6() : IPAddress(v4: parser.ipv4())
        try parser.expectEnd()
        return address
    }
}
