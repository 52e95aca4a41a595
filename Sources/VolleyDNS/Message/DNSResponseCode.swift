/// How a query went (RFC 6895 section 2.3): 0…4095, of which more than four bits need EDNS.
public struct DNSResponseCode: RawRepresentable, Hashable, Sendable {
    /// The number, with the bits that EDNS adds.
    public let rawValue: UInt16

    /// The code of the low twelve bits of a number.
    public init(rawValue: UInt16) { self.rawValue = rawValue & 0xfff }

    /// All is well.
    public static var noError: DNSResponseCode { DNSResponseCode(rawValue: 0) }
    /// The query is malformed.
    public static var formatError: DNSResponseCode { DNSResponseCode(rawValue: 1) }
    /// The server has failed.
    public static var serverFailure: DNSResponseCode { DNSResponseCode(rawValue: 2) }
    /// There is no such name.
    public static var nameError: DNSResponseCode { DNSResponseCode(rawValue: 3) }
    /// The server does not do this kind of thing.
    public static var notImplemented: DNSResponseCode { DNSResponseCode(rawValue: 4) }
    /// The server does not want to.
    public static var refused: DNSResponseCode { DNSResponseCode(rawValue: 5) }
    /// A DNAME makes a name too long (RFC 6672).
    public static var nameTooLong: DNSResponseCode { DNSResponseCode(rawValue: 6) }
    /// The server is not authoritative (RFC 2136), or does not authorise (RFC 8945).
    public static var notAuthoritative: DNSResponseCode { DNSResponseCode(rawValue: 9) }
    /// The server does not know this version of EDNS (RFC 6891).
    public static var badVersion: DNSResponseCode { DNSResponseCode(rawValue: 16) }
    /// The cookie is bad or missing (RFC 7873).
    public static var badCookie: DNSResponseCode { DNSResponseCode(rawValue: 23) }
}

extension DNSResponseCode: CustomStringConvertible {
    /// The name, or `RCODE` and the number.
    public var description: String {
        switch rawValue {
        case 0: "NOERROR"
        case 1: "FORMERR"
        case 2: "SERVFAIL"
        case 3: "NXDOMAIN"
        case 4: "NOTIMP"
        case 5: "REFUSED"
        case 6: "YXDOMAIN"
        case 9: "NOTAUTH"
        case 16: "BADVERS"
        case 23: "BADCOOKIE"
        default: "RCODE\(rawValue)"
        }
    }
}
