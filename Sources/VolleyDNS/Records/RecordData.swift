public import VolleyCore

/// The data of a record: its octets, checked for its type, with names that are not compressed.
///
/// Every type of RFC 1035 that is still in use, and those of DNSSEC, SRV, SVCB and so on, are known field by field; the
/// data of any other type is octets (RFC 3597). Text in both directions: ``description``,
/// ``init(parsing:type:origin:)``.
public struct RecordData: Hashable, Sendable {
    /// What the octets are data of.
    public let type: DNSType
    /// The octets; names in their uncompressed form.
    public let bytes: [UInt8]

    init(unchecked bytes: [UInt8], type: DNSType) {
        self.type = type
        self.bytes = bytes
    }

    /// Data from its octets outside of a message, where nothing can be compressed.
    public init(_ bytes: RawSpan, type: DNSType) throws(DNSError) {
        try self.init(reading: bytes, 0..<bytes.byteCount, type: type)
    }

    /// Data as it lies in a message.
    ///
    /// - Parameters:
    ///   - message: the whole message, for names that are compressed.
    ///   - range: where the data lies.
    ///   - type: what it is data of.
    public init(reading message: RawSpan, _ range: Range<Int>, type: DNSType) throws(DNSError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        try RecordWire.expand(type, message, range, into: &bytes)
        self.init(unchecked: bytes, type: type)
    }

    /// Data from its text, as it stands in zone files behind the type; also `\# 4 C0000201` (RFC 3597 section 5).
    ///
    /// - Parameters:
    ///   - text: all fields; parentheses, comments and line ends as in a zone file.
    ///   - type: what it is data of.
    ///   - origin: what is added to names without a final dot.
    public init(parsing text: String, type: DNSType, origin: DomainName = .root) throws(PresentationError) {
        var bytes: [UInt8] = []
        do throws(PresentationFault) {
            var scanner = ZoneScanner(Array(text.utf8))
            guard try scanner.nextEntry() else { throw PresentationFault("the data is missing", at: 0) }
            var fields = FieldParser(scanner, origin: origin.wire)
            try fields.parse(type, into: &bytes)
            if try scanner.nextEntry() {
                throw PresentationFault("more than one line, without parentheses", at: scanner.tokens[0].start)
            }
        } catch {
            throw PresentationError(error, text: text)
        }
        self.init(unchecked: bytes, type: type)
    }
}

extension RecordData: CustomStringConvertible {
    /// The data as it stands in zone files.
    public var description: String { RecordText.describe(type, RawSpan(bytes.span)) }
}

// MARK: - What is often needed of it

extension RecordData {
    /// The data of an A or AAAA record.
    public init(_ address: IPAddress) {
        self.init(
            unchecked: (0..<address.octetCount).map { address.octet($0) }, type: address.isIPv6 ? .aaaa : .a)
    }

    /// The data of a record that is one name, such as NS, CNAME or PTR.
    ///
    /// - Parameters:
    ///   - name: the name.
    ///   - type: NS, CNAME, PTR or DNAME.
    public init(_ name: DomainName, type: DNSType) {
        self.init(unchecked: name.wire, type: type)
    }

    /// The data of a TXT record; each string is cut after 255 octets.
    public init(text strings: [String]) {
        var bytes: [UInt8] = []
        for string in strings {
            var rest = Array(string.utf8)[...]
            repeat {
                bytes.append(UInt8(min(255, rest.count)))
                bytes += rest.prefix(255)
                rest = rest.dropFirst(255)
            } while !rest.isEmpty
        }
        self.init(unchecked: bytes.isEmpty ? [0] : bytes, type: .txt)
    }

    /// The address of an A or AAAA record; `nil` for other types.
    public var address: IPAddress? {
        type == .a || type == .aaaa ? IPAddress(bytes: RawSpan(bytes.span)) : nil
    }

    /// The one name in the data of types that have one: the target of NS, CNAME, PTR, DNAME, MX, SRV, SVCB and HTTPS,
    /// the next name of NSEC, the signer of RRSIG, the primary server of SOA; `nil` for other types.
    public var name: DomainName? {
        let offset: Int
        switch type {
        case .ns, .cname, .ptr, .dname, .soa, .nsec: offset = 0
        case .mx, .svcb, .https: offset = 2
        case .srv: offset = 6
        case .rrsig: offset = 18
        default: return nil
        }
        var end = offset
        return try? DomainName(reading: RawSpan(bytes.span), at: &end)
    }

    /// The serial number of a SOA record; `nil` for other types.
    public var serial: UInt32? {
        guard type == .soa, bytes.count >= 22 else { return nil }
        return try? RawSpan(bytes.span).uint32(at: bytes.count - 20)
    }

    /// The strings of a TXT record; `nil` for other types.
    public var strings: [[UInt8]]? {
        guard type == .txt || type.rawValue == 99 else { return nil }
        var (strings, offset) = ([[UInt8]](), 0)
        while offset < bytes.count {
            let end = min(bytes.count, offset + 1 + Int(bytes[offset]))
            strings.append(Array(bytes[offset + 1..<end]))
            offset = end
        }
        return strings
    }
}
