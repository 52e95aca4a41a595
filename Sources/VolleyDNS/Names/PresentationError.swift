/// What is wrong with a text, and where; the public initialisers add the text itself.
struct PresentationFault: Error {
    let offset: Int
    let reason: String

    init(_ reason: String, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

/// Why a text is no domain name or no data of a record.
public struct PresentationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The whole text.
    public let text: String
    /// Where in it, in octets of UTF-8.
    public let offset: Int
    /// What is wrong there.
    public let reason: String

    init(_ fault: PresentationFault, text: String) {
        self.text = text
        offset = fault.offset
        reason = fault.reason
    }

    /// One line: the text, the place and what is wrong there.
    public var description: String { "\"\(text)\", column \(offset + 1): \(reason)" }
}
