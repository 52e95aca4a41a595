import VolleyCore

/// A name where it lies in a message: nothing is copied, nothing allocated.
///
/// The name has been checked as far as its own octets go. What a compression pointer leads to is checked when the name
/// is used, each time with the same result.
public struct DNSNameView: ~Escapable {
    /// The message.
    public let message: RawSpan
    /// Where in it the name begins.
    public let offset: Int

    @_lifetime(copy message)
    init(_ message: RawSpan, at offset: Int) {
        self.message = message
        self.offset = offset
    }

    /// A copy of the name.
    public func copy() throws(DNSError) -> DomainName {
        var offset = offset
        return try DomainName(reading: message, at: &offset)
    }

    /// Whether this is `name`, whatever the case of letters; `false` for a malformed one.
    public func isEqual(to name: DomainName) -> Bool {
        WireName.isEqual(message, at: offset, RawSpan(name.wire.span))
    }
}
