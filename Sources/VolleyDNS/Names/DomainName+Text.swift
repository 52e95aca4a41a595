import VolleyCore

extension DomainName: CustomStringConvertible {
    /// The presentation form with its final dot (RFC 1035 section 5.1): `www.example.com.`, the root as a dot.
    ///
    /// A dot, a backslash and what has a meaning in zone files are written behind a backslash; octets that are no
    /// printable ASCII as `\DDD`.
    public var description: String {
        var text: [UInt8] = []
        Presentation.append(name: RawSpan(wire.span), to: &text)
        return String(decoding: text, as: UTF8.self)
    }
}

extension DomainName {
    /// The name that `text` stands for, `nil` if it is none; ``init(parsing:origin:)`` says why.
    public init?(_ text: String) {
        guard let name = try? DomainName(parsing: text) else { return nil }
        self = name
    }

    /// The name that `text` stands for.
    ///
    /// - Parameters:
    ///   - text: labels between dots, with `\X` and `\DDD` for octets (RFC 1035 section 5.1); `@` for the origin.
    ///   - origin: what is added to a name without a final dot.
    /// - Throws: ``PresentationError`` with the place.
    public init(parsing text: String, origin: DomainName = .root) throws(PresentationError) {
        var wire: [UInt8] = []
        let bytes = Array(text.utf8)
        do throws(PresentationFault) {
            try Presentation.parse(name: bytes, 0..<bytes.count, origin: origin.wire, into: &wire)
        } catch {
            throw PresentationError(error, text: text)
        }
        self.init(unchecked: wire)
    }
}
