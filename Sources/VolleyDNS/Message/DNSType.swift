import VolleyCore

/// A record type, or what is asked for in its place (RFC 6895 section 3.1).
public struct DNSType: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    public let rawValue: UInt16

    /// The type of that number.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ rawValue: UInt16) { self.rawValue = rawValue }

    /// An IPv4 address (RFC 1035).
    public static var a: DNSType { DNSType(1) }
    /// A name server (RFC 1035).
    public static var ns: DNSType { DNSType(2) }
    /// The canonical name of an alias (RFC 1035).
    public static var cname: DNSType { DNSType(5) }
    /// The start of a zone of authority (RFC 1035).
    public static var soa: DNSType { DNSType(6) }
    /// A pointer to another name (RFC 1035).
    public static var ptr: DNSType { DNSType(12) }
    /// Host information, and the answer to ANY of RFC 8482 (RFC 1035).
    public static var hinfo: DNSType { DNSType(13) }
    /// A mail exchange (RFC 1035).
    public static var mx: DNSType { DNSType(15) }
    /// Text strings (RFC 1035).
    public static var txt: DNSType { DNSType(16) }
    /// An IPv6 address (RFC 3596).
    public static var aaaa: DNSType { DNSType(28) }
    /// The location of a service (RFC 2782).
    public static var srv: DNSType { DNSType(33) }
    /// A naming authority pointer (RFC 3403).
    public static var naptr: DNSType { DNSType(35) }
    /// The redirection of a subtree (RFC 6672).
    public static var dname: DNSType { DNSType(39) }
    /// The pseudo-record of EDNS (RFC 6891).
    public static var opt: DNSType { DNSType(41) }
    /// A delegation signer (RFC 4034).
    public static var ds: DNSType { DNSType(43) }
    /// The fingerprint of an SSH key (RFC 4255).
    public static var sshfp: DNSType { DNSType(44) }
    /// A signature (RFC 4034).
    public static var rrsig: DNSType { DNSType(46) }
    /// The next name and the types of this one (RFC 4034).
    public static var nsec: DNSType { DNSType(47) }
    /// A key of a zone (RFC 4034).
    public static var dnskey: DNSType { DNSType(48) }
    /// The next hashed name and the types of this one (RFC 5155).
    public static var nsec3: DNSType { DNSType(50) }
    /// How a zone's NSEC3 names are hashed (RFC 5155).
    public static var nsec3param: DNSType { DNSType(51) }
    /// The certificate of a TLS service (RFC 6698).
    public static var tlsa: DNSType { DNSType(52) }
    /// The binding of a service (RFC 9460).
    public static var svcb: DNSType { DNSType(64) }
    /// The binding of a web server (RFC 9460).
    public static var https: DNSType { DNSType(65) }
    /// A transaction signature (RFC 8945).
    public static var tsig: DNSType { DNSType(250) }
    /// An incremental zone transfer, asked for (RFC 1995).
    public static var ixfr: DNSType { DNSType(251) }
    /// A zone transfer, asked for (RFC 5936).
    public static var axfr: DNSType { DNSType(252) }
    /// Whatever there is, asked for (RFC 8482).
    public static var any: DNSType { DNSType(255) }
    /// Who may issue certificates (RFC 8659).
    public static var caa: DNSType { DNSType(257) }

    /// The types this module knows by name.
    static let mnemonics: [(UInt16, String)] = [
        (1, "A"), (2, "NS"), (5, "CNAME"), (6, "SOA"), (12, "PTR"), (13, "HINFO"), (15, "MX"), (16, "TXT"), (17, "RP"),
        (18, "AFSDB"), (28, "AAAA"), (33, "SRV"), (35, "NAPTR"), (36, "KX"), (39, "DNAME"), (41, "OPT"), (43, "DS"),
        (44, "SSHFP"), (46, "RRSIG"), (47, "NSEC"), (48, "DNSKEY"), (50, "NSEC3"), (51, "NSEC3PARAM"), (52, "TLSA"),
        (53, "SMIMEA"), (59, "CDS"), (60, "CDNSKEY"), (61, "OPENPGPKEY"), (62, "CSYNC"), (63, "ZONEMD"), (64, "SVCB"),
        (65, "HTTPS"), (99, "SPF"), (250, "TSIG"), (251, "IXFR"), (252, "AXFR"), (255, "ANY"), (256, "URI"),
        (257, "CAA"),
    ]

    private static let names = Dictionary(uniqueKeysWithValues: mnemonics)
    private static let numbers = Dictionary(uniqueKeysWithValues: mnemonics.map { ($0.1, $0.0) })

    /// The type called that, in either case: `AAAA`, or `TYPE28` (RFC 3597 section 5); `nil` when there is none.
    public init?(_ text: String) {
        let name = text.uppercased()
        if let number = Self.numbers[name] {
            self.init(number)
        } else if name.hasPrefix("TYPE"), let number = UInt16(name.dropFirst(4)), !name.contains("+") {
            self.init(number)
        } else {
            return nil
        }
    }

    /// Whether this is no type of a record but asks for something: QTYPEs and meta-types (RFC 6895 section 3.1).
    public var isMeta: Bool { 128...255 ~= rawValue || rawValue == 41 || rawValue == 0 }
}

extension DNSType: CustomStringConvertible {
    /// The mnemonic, or `TYPE` and the number.
    public var description: String { Self.names[rawValue] ?? "TYPE\(rawValue)" }
}
