/// A record class (RFC 6895 section 3.2).
public struct DNSClass: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt16

    /// The class of that number.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The Internet.
    public static var `in`: DNSClass { DNSClass(rawValue: 1) }
    /// Chaosnet, today for what a server says of itself (RFC 4892).
    public static var ch: DNSClass { DNSClass(rawValue: 3) }
    /// Hesiod.
    public static var hs: DNSClass { DNSClass(rawValue: 4) }
    /// No class (RFC 2136).
    public static var none: DNSClass { DNSClass(rawValue: 254) }
    /// Any class.
    public static var any: DNSClass { DNSClass(rawValue: 255) }

    /// The class called that, in either case: `IN`, or `CLASS1` (RFC 3597 section 5); `nil` when there is none.
    public init?(_ text: String) {
        switch text.uppercased() {
        case "IN": self = .in
        case "CH": self = .ch
        case "HS": self = .hs
        case "NONE": self = .none
        case "ANY": self = .any
        case let name where name.hasPrefix("CLASS") && !name.contains("+"):
            guard let number = UInt16(name.dropFirst(5)) else { return nil }
            self.init(rawValue: number)
        default: return nil
        }
    }
}

extension DNSClass: CustomStringConvertible {
    /// The mnemonic, or `CLASS` and the number.
    public var description: String {
        switch self {
        case .in: "IN"
        case .ch: "CH"
        case .hs: "HS"
        case .none: "NONE"
        case .any: "ANY"
        default: "CLASS\(rawValue)"
        }
    }
}
