/// What a message asks the server to do (RFC 6895 section 2.2): 0…15.
public struct DNSOpcode: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt8

    /// The opcode of the low four bits of a number.
    public init(rawValue: UInt8) { self.rawValue = rawValue & 15 }

    /// A query.
    public static var query: DNSOpcode { DNSOpcode(rawValue: 0) }
    /// Something about the status of the server; never specified.
    public static var status: DNSOpcode { DNSOpcode(rawValue: 2) }
    /// A zone has changed (RFC 1996).
    public static var notify: DNSOpcode { DNSOpcode(rawValue: 4) }
    /// A zone is to be changed (RFC 2136).
    public static var update: DNSOpcode { DNSOpcode(rawValue: 5) }
}

extension DNSOpcode: CustomStringConvertible {
    /// The name, or `OPCODE` and the number.
    public var description: String {
        switch self {
        case .query: "QUERY"
        case .status: "STATUS"
        case .notify: "NOTIFY"
        case .update: "UPDATE"
        default: "OPCODE\(rawValue)"
        }
    }
}
