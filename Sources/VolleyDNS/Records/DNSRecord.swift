/// A record: who, what, for how long (RFC 1035 section 3.2.1).
public struct DNSRecord: Hashable, Sendable {
    /// The name it belongs to.
    public var owner: DomainName
    /// The class, mostly ``DNSClass/in``.
    public var recordClass: DNSClass
    /// Seconds for which it may be kept.
    public var ttl: UInt32
    /// What it says, with its type.
    public var data: RecordData

    /// A record of its parts.
    public init(_ owner: DomainName, recordClass: DNSClass = .in, ttl: UInt32, _ data: RecordData) {
        self.owner = owner
        self.recordClass = recordClass
        self.ttl = ttl
        self.data = data
    }

    /// Its type.
    public var type: DNSType { data.type }
}

extension DNSRecord: CustomStringConvertible {
    /// The line of a zone file: owner, time to live, class, type, data.
    public var description: String { "\(owner) \(ttl) \(recordClass) \(type) \(data)" }
}
