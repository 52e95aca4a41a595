/// A field of record data: one description from which wire form, text form and checks of every type are made.
enum RecordField {
    /// A name.
    case name
    case uint8, uint16, uint32
    /// Seconds, in text also with units (`1h30m`).
    case period
    case ipv4, ipv6
    /// A string behind its length.
    case string
    /// One or more strings, up to the end.
    case strings
    /// Octets up to the end, as a string between quotes in text.
    case text
    /// A type's mnemonic.
    case type
    /// A moment: `YYYYMMDDHHmmSS`, or seconds.
    case time
    /// Octets up to the end, at least one.
    case hexadecimal, base64
    /// Octets behind their number; `-` for none.
    case countedHexadecimal
    /// Octets behind their number in base 32 with the extended alphabet (RFC 4648).
    case countedBase32
    /// A bitmap of types (RFC 4034 section 4.1.2), up to the end.
    case types
    /// The parameters of a service binding (RFC 9460), up to the end.
    case parameters

    /// The fields of a type, in their order; `nil` for a type that only RFC 3597's form is known of.
    static func fields(of type: DNSType) -> [RecordField]? { table[type.rawValue] }

    private static let table: [UInt16: [RecordField]] = [
        1: [.ipv4],
        2: [.name],  // NS
        5: [.name],  // CNAME
        6: [.name, .name, .uint32, .period, .period, .period, .period],  // SOA
        12: [.name],  // PTR
        13: [.string, .string],  // HINFO
        15: [.uint16, .name],  // MX
        16: [.strings],  // TXT
        17: [.name, .name],  // RP
        18: [.uint16, .name],  // AFSDB
        28: [.ipv6],
        33: [.uint16, .uint16, .uint16, .name],  // SRV
        35: [.uint16, .uint16, .string, .string, .string, .name],  // NAPTR
        36: [.uint16, .name],  // KX
        39: [.name],  // DNAME
        43: [.uint16, .uint8, .uint8, .hexadecimal],  // DS
        44: [.uint8, .uint8, .hexadecimal],  // SSHFP
        46: [.type, .uint8, .uint8, .uint32, .time, .time, .uint16, .name, .base64],  // RRSIG
        47: [.name, .types],  // NSEC
        48: [.uint16, .uint8, .uint8, .base64],  // DNSKEY
        50: [.uint8, .uint8, .uint16, .countedHexadecimal, .countedBase32, .types],  // NSEC3
        51: [.uint8, .uint8, .uint16, .countedHexadecimal],  // NSEC3PARAM
        52: [.uint8, .uint8, .uint8, .hexadecimal],  // TLSA
        53: [.uint8, .uint8, .uint8, .hexadecimal],  // SMIMEA
        59: [.uint16, .uint8, .uint8, .hexadecimal],  // CDS
        60: [.uint16, .uint8, .uint8, .base64],  // CDNSKEY
        61: [.base64],  // OPENPGPKEY
        62: [.uint32, .uint16, .types],  // CSYNC
        63: [.uint32, .uint8, .uint8, .hexadecimal],  // ZONEMD
        64: [.uint16, .name, .parameters],  // SVCB
        65: [.uint16, .name, .parameters],  // HTTPS
        99: [.strings],  // SPF
        256: [.uint16, .uint16, .text],  // URI
        257: [.uint8, .string, .text],  // CAA
    ]
}
