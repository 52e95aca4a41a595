/// What is asked: a name, a type and a class (RFC 1035 section 4.1.2).
public struct DNSQuestion: Hashable, Sendable {
    /// The name, in the letter case it was asked in.
    public var name: DomainName
    /// The type.
    public var type: DNSType
    /// The class.
    public var questionClass: DNSClass

    /// A question of its parts.
    public init(_ name: DomainName, _ type: DNSType, _ questionClass: DNSClass = .in) {
        self.name = name
        self.type = type
        self.questionClass = questionClass
    }
}

extension DNSQuestion: CustomStringConvertible {
    /// Name, class and type.
    public var description: String { "\(name) \(questionClass) \(type)" }
}

/// The parts of a message that have records, in their order.
public struct DNSSection: Hashable, Comparable, Sendable {
    let index: Int

    /// What answers the question.
    public static let answer = DNSSection(index: 0)
    /// Who has authority.
    public static let authority = DNSSection(index: 1)
    /// What else is useful.
    public static let additional = DNSSection(index: 2)

    /// Whether `left` comes first in a message.
    public static func < (left: DNSSection, right: DNSSection) -> Bool { left.index < right.index }
}
