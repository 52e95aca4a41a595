import VolleyCore

/// A record where it lies in a message: owner and data are looked into only when asked for.
public struct DNSRecordView: ~Escapable {
    /// The owner.
    public let owner: DNSNameView
    /// The type.
    public let type: DNSType
    /// The class; for OPT, the payload size of the sender.
    public let recordClass: DNSClass
    /// The time to live; for OPT, the rest of the response code, the version and flags.
    public let ttl: UInt32
    /// Where the data lies in the message.
    public let dataRange: Range<Int>
    /// The section it is in.
    public let section: DNSSection

    @_lifetime(copy owner)
    init(
        owner: DNSNameView, type: DNSType, recordClass: DNSClass, ttl: UInt32, dataRange: Range<Int>,
        section: DNSSection
    ) {
        self.owner = owner
        self.type = type
        self.recordClass = recordClass
        self.ttl = ttl
        self.dataRange = dataRange
        self.section = section
    }

    /// The octets of the data as they lie in the message; names in them may be compressed.
    public var rawData: RawSpan {
        @_lifetime(copy self)
        get { owner.message.extracting(dataRange) }
    }

    /// The data, checked for its type and with its names expanded.
    public func data() throws(DNSError) -> RecordData {
        try RecordData(reading: owner.message, dataRange, type: type)
    }

    /// A copy of the whole record.
    public func copy() throws(DNSError) -> DNSRecord {
        try DNSRecord(owner.copy(), recordClass: recordClass, ttl: ttl, data())
    }
}
