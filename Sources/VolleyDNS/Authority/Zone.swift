import VolleyCore

/// A zone ready to be served: immutable, and shared by all threads that serve it.
///
/// Names are found by hash, records lie in wire form. What can be prepared is prepared when the zone is made, so that
/// memory is known then and no query, whatever it asks, adds to it.
public final class Zone: Sendable {
    /// The zone's name.
    public let apex: DomainName
    /// The serial number of its SOA record.
    public let serial: UInt32
    /// How many records it has.
    public let recordCount: Int
    /// How many names it has, those counted that have no records but something below them.
    public var nameCount: Int { nodes.count }
    /// How the zone denies what it does not have.
    public let denial: ZoneDenial

    let names: [UInt8]
    let nodes: [ZoneNode]
    let slots: [UInt64]
    let sets: [ZoneRecordSet]
    let data: [UInt8]
    let fragments: [ZoneFragment]
    let pointers: [UInt16]
    /// The nodes with NSEC, in canonical order.
    let ordered: [UInt32]
    /// The nodes with NSEC3 and their hashes, ascending.
    let hashed: [UInt32]
    let hashes: [UInt8]
    let hashing: NameHashing

    init(_ builder: ZoneBuilder.Frozen) {
        apex = builder.apex
        serial = builder.serial
        recordCount = builder.recordCount
        denial = builder.denial
        names = builder.names
        nodes = builder.nodes
        slots = builder.slots
        sets = builder.sets
        data = builder.data
        fragments = builder.fragments
        pointers = builder.pointers
        ordered = builder.ordered
        hashed = builder.hashed
        hashes = builder.hashes
        hashing = builder.hashing
    }

    /// A zone of records.
    ///
    /// - Throws: ``ZoneFileError`` without file and line: a record outside of the zone, no SOA, and the like.
    public convenience init(_ apex: DomainName, records: [DNSRecord]) throws(ZoneFileError) {
        do throws(ZoneRecordFault) {
            var builder = ZoneBuilder(apex)
            for record in records {
                guard record.recordClass == .in else { throw ZoneRecordFault(reason: "only class IN is served") }
                try builder.add(
                    owner: RawSpan(record.owner.wire.span), type: record.type, ttl: record.ttl,
                    data: RawSpan(record.data.bytes.span))
            }
            self.init(try builder.freeze())
        } catch {
            throw ZoneFileError(file: "", reason: "zone \(apex): \(error.reason)")
        }
    }

    /// A zone of a file's contents (RFC 1035 section 5).
    ///
    /// - Parameters:
    ///   - contents: the octets of the file.
    ///   - file: its name, for errors.
    ///   - apex: the zone's name, which is the origin at the beginning of the file.
    ///   - include: gives the contents of a file that `$INCLUDE` names.
    /// - Throws: ``ZoneFileError`` with file, line and column.
    public convenience init(
        parsing contents: [UInt8], file: String = "", apex: DomainName,
        include: @escaping (String) throws -> [UInt8] = { _ in throw IncludeUnavailable() }
    ) throws(ZoneFileError) {
        var parser = ZoneFileParser(sink: ZoneBuilder(apex), loader: include)
        try parser.parse(contents, file: file, origin: apex.wire)
        do throws(ZoneRecordFault) {
            self.init(try parser.takeSink().freeze())
        } catch {
            throw ZoneFileError(file: file, reason: "zone \(apex): \(error.reason)")
        }
    }

    /// What `$INCLUDE` meets where nobody said how to read files.
    public struct IncludeUnavailable: Error, CustomStringConvertible {
        /// An error without parts.
        public init() {}

        /// What is wrong.
        public var description: String { "there is no way to read files here" }
    }
}

/// How a zone denies names and types (RFC 4034, RFC 5155).
public struct ZoneDenial: Hashable, Sendable, CustomStringConvertible {
    /// The word.
    public let description: String

    /// It is not signed.
    public static let none = ZoneDenial(description: "none")
    /// By NSEC.
    public static let nsec = ZoneDenial(description: "NSEC")
    /// By NSEC3.
    public static let nsec3 = ZoneDenial(description: "NSEC3")
}

/// The records of a zone file, for tools that do not serve them.
public enum ZoneFile {
    private struct Collector: ZoneRecordSink {
        var records: [DNSRecord] = []

        mutating func add(owner: RawSpan, type: DNSType, ttl: UInt32, data: RawSpan) throws(ZoneRecordFault) {
            records.append(
                DNSRecord(
                    DomainName(unchecked: Array(copying: owner)), ttl: ttl,
                    RecordData(unchecked: Array(copying: data), type: type)))
        }
    }

    /// Reads all records, in their order; they need not be a whole zone.
    ///
    /// - Parameters:
    ///   - contents: the octets of the file.
    ///   - file: its name, for errors.
    ///   - origin: what is added to names without a final dot until `$ORIGIN` says otherwise.
    ///   - include: gives the contents of a file that `$INCLUDE` names.
    /// - Returns: the records.
    /// - Throws: ``ZoneFileError`` with file, line and column.
    public static func records(
        parsing contents: [UInt8], file: String = "", origin: DomainName = .root,
        include: @escaping (String) throws -> [UInt8] = { _ in throw Zone.IncludeUnavailable() }
    ) throws(ZoneFileError) -> [DNSRecord] {
        var parser = ZoneFileParser(sink: Collector(), loader: include)
        try parser.parse(contents, file: file, origin: origin.wire)
        return parser.takeSink().records
    }
}
