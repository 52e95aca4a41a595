import VolleyCore

/// Reads a message from the front to the back without copying it (RFC 1035 section 4.1).
///
/// ```swift
/// var reader = try DNSReader(datagram.payload)
/// while let question = try reader.nextQuestion() { … }
/// while let record = try reader.nextRecord() {
///     if record.type == .a { use(try record.data()) }
/// }
/// try reader.finish()
/// ```
/// Offsets, lengths and pointers of the message are checked where they are used: malformed input throws ``DNSError``
/// with the place. Compression pointers have to lead backwards, so that none goes round in circles.
public struct DNSReader: ~Escapable {
    /// The message.
    public let message: RawSpan
    /// Its first twelve octets.
    public let header: DNSHeader
    /// Where the next question or record begins.
    public private(set) var offset = DNSHeader.byteCount
    private var questions: UInt16
    private var records: (UInt16, UInt16, UInt16)

    /// A reader behind the header of `message`.
    @_lifetime(copy message)
    public init(_ message: RawSpan) throws(DNSError) {
        let header = try DNSHeader(message)
        self.message = message
        self.header = header
        questions = header.questionCount
        records = (header.answerCount, header.authorityCount, header.additionalCount)
    }

    /// Reads the next question; `nil` after the last.
    @_lifetime(self: copy self)
    public mutating func nextQuestion() throws(DNSError) -> DNSQuestion? {
        guard questions > 0 else { return nil }
        var end = offset
        let name = try DomainName(reading: message, at: &end)
        let question = try DNSQuestion(
            name, DNSType(message.uint16(at: end)), DNSClass(rawValue: message.uint16(at: end + 2)))
        offset = end + 4
        questions -= 1
        return question
    }

    /// Reads the next record of any section; `nil` after the last.
    ///
    /// Questions that are left are passed over.
    @_lifetime(copy self)
    @_lifetime(self: copy self)
    public mutating func nextRecord() throws(DNSError) -> DNSRecordView? {
        while questions > 0 {
            let end = try WireName.end(in: message, at: offset)
            try message.require(4, at: end)
            offset = end + 4
            questions -= 1
        }
        let section: DNSSection
        if records.0 > 0 {
            section = .answer
        } else if records.1 > 0 {
            section = .authority
        } else if records.2 > 0 {
            section = .additional
        } else {
            return nil
        }
        let end = try WireName.end(in: message, at: offset)
        let count = try Int(message.uint16(at: end + 8))
        try message.require(count, at: end + 10)
        let view = try DNSRecordView(
            owner: DNSNameView(message, at: offset), type: DNSType(message.uint16(at: end)),
            recordClass: DNSClass(rawValue: message.uint16(at: end + 2)), ttl: message.uint32(at: end + 4),
            dataRange: end + 10..<end + 10 + count, section: section)
        offset = end + 10 + count
        switch section {
        case .answer: records.0 -= 1
        case .authority: records.1 -= 1
        default: records.2 -= 1
        }
        return view
    }

    /// Throws unless every record has been read and nothing follows.
    public func finish() throws(DNSError) {
        guard questions == 0, records == (0, 0, 0) else { throw DNSError(.badSection, at: offset) }
        guard offset == message.byteCount else { throw DNSError(.trailingBytes, at: offset) }
    }
}
