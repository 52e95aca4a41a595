import VolleyCore

/// Writes a message into memory that somebody else lends: name compression, a limit, and truncation by whole RRsets.
///
/// ```swift
/// output.writeDNS(limit: 1232, header: header) { writer throws(DNSError) in
///     try writer.append(question)
///     try writer.append(records, to: .answer)      // all of an RRset, or none and TC
/// }
/// ```
/// Questions come first, then the sections in their order. Names in the data of the types of RFC 1035 are compressed,
/// as RFC 3597 section 4 has it. A failed operation writes nothing.
public struct DNSWriter: ~Copyable, ~Escapable {
    private var output: OutputRawSpan
    private let start: Int
    /// The header as it will be; its counts are kept by the writer.
    public var header: DNSHeader
    private var names = NameCompressor()
    private let limit: Int
    private var section = -1

    /// A writer that appends a message to `output`; `finish` gives it back.
    ///
    /// - Parameters:
    ///   - output: takes the message, which begins where it stands now.
    ///   - limit: the most octets of the message.
    ///   - header: its counts do not matter.
    /// - Throws: ``DNSError`` when there is no room for the header.
    @_lifetime(copy output)
    init(_ output: consuming OutputRawSpan, limit: Int, header: DNSHeader) {
        start = output.byteCount
        self.limit = min(limit, 65_535, output.freeCapacity)
        self.output = output
        self.header = header
        self.header.questionCount = 0
        self.header.answerCount = 0
        self.header.authorityCount = 0
        self.header.additionalCount = 0
    }

    /// How many octets have been written, the header included.
    public var count: Int { output.byteCount - start }

    /// How many more octets fit.
    public var remaining: Int { limit - count }

    /// Begins: the header's place.
    @_lifetime(self: copy self)
    mutating func begin() throws(DNSError) {
        try check(DNSHeader.byteCount)
        for _ in 0..<DNSHeader.byteCount / 4 { output.append(bigEndian: UInt32(0)) }
    }

    /// Writes the header with its counts into its place.
    @_lifetime(self: copy self)
    mutating func end() {
        let header = header
        output.change16(at: start) { _ in header.id }
        output.change16(at: start + 2) { _ in header.bits }
        output.change16(at: start + 4) { _ in header.questionCount }
        output.change16(at: start + 6) { _ in header.answerCount }
        output.change16(at: start + 8) { _ in header.authorityCount }
        output.change16(at: start + 10) { _ in header.additionalCount }
    }

    /// Gives back the span with what was written.
    @_lifetime(copy self)
    consuming func finish() -> OutputRawSpan { output }

    /// Appends a question.
    @_lifetime(self: copy self)
    public mutating func append(_ question: DNSQuestion) throws(DNSError) {
        try append(
            question: RawSpan(question.name.wire.span), question.type.rawValue, question.questionClass.rawValue)
    }

    @_lifetime(self: copy self)
    mutating func append(question name: RawSpan, _ type: UInt16, _ questionClass: UInt16) throws(DNSError) {
        guard section < 0, header.questionCount < .max else { throw DNSError(.badSection, at: count) }
        let start = count
        do throws(DNSError) {
            try append(name: name)
            try append(uint16: type)
            try append(uint16: questionClass)
        } catch {
            takeBack(to: start)
            throw error
        }
        header.questionCount += 1
    }

    /// Appends a record to a section.
    @_lifetime(self: copy self)
    public mutating func append(_ record: DNSRecord, to section: DNSSection) throws(DNSError) {
        try append(
            owner: RawSpan(record.owner.wire.span), record.type.rawValue, record.recordClass.rawValue, record.ttl,
            RawSpan(record.data.bytes.span), to: section)
    }

    /// Appends all records or, if they do not fit, none, and sets TC unless they are additional (RFC 2181 section 9).
    ///
    /// - Returns: whether they fitted.
    /// - Throws: ``DNSError`` for anything else than a want of room.
    @_lifetime(self: copy self)
    @discardableResult
    public mutating func append(_ records: [DNSRecord], to section: DNSSection) throws(DNSError) -> Bool {
        let mark = mark
        do throws(DNSError) {
            for record in records { try append(record, to: section) }
        } catch {
            restore(mark)
            guard error.code == .outOfCapacity else { throw error }
            if section != .additional { header.isTruncated = true }
            return false
        }
        return true
    }

    /// Appends the OPT record with what EDNS has to say (RFC 6891).
    @_lifetime(self: copy self)
    public mutating func append(_ edns: EDNS) throws(DNSError) {
        var data: [UInt8] = []
        for option in edns.options {
            data.append(uint16: option.code)
            data.append(uint16: UInt16(truncatingIfNeeded: option.data.count))
            data += option.data
        }
        guard data.count <= 65_535 else { throw DNSError(.badOption, at: count) }
        let root: [UInt8] = [0]
        try append(
            owner: RawSpan(root.span), DNSType.opt.rawValue, edns.payloadSize, edns.ttl,
            RawSpan(data.span), to: .additional)
    }
}

// MARK: - What the server uses: names and data as they lie in its tables

extension DNSWriter {
    /// Where a message can be taken back to.
    struct Mark {
        let count: Int
        let header: DNSHeader
        let section: Int
    }

    var mark: Mark { Mark(count: count, header: header, section: section) }

    /// Takes back all that has been written since.
    @_lifetime(self: copy self)
    mutating func restore(_ mark: Mark) {
        takeBack(to: mark.count)
        header = mark.header
        section = mark.section
    }

    /// Appends a record of its parts; owner and data are uncompressed and valid.
    @_lifetime(self: copy self)
    mutating func append(
        owner: RawSpan, _ type: UInt16, _ recordClass: UInt16, _ ttl: UInt32, _ data: RawSpan, to target: DNSSection
    ) throws(DNSError) {
        guard target.index >= section else { throw DNSError(.badSection, at: count) }
        let start = count
        do throws(DNSError) {
            try append(name: owner)
            try check(10)
            output.append(bigEndian: type)
            output.append(bigEndian: recordClass)
            output.append(bigEndian: ttl)
            output.append(bigEndian: UInt16(0))
            let dataStart = count
            try append(data: data, of: type)
            let length = count - dataStart
            output.change16(at: self.start + dataStart - 2) { _ in UInt16(truncatingIfNeeded: length) }
            try countRecord(target)
        } catch {
            takeBack(to: start)
            throw error
        }
        section = target.index
    }

    @_lifetime(self: copy self)
    private mutating func countRecord(_ target: DNSSection) throws(DNSError) {
        guard header.count(of: target) < .max else { throw DNSError(.badSection, at: count) }
        header.add(1, to: target)
    }

    @_lifetime(self: copy self)
    private mutating func append(data: RawSpan, of type: UInt16) throws(DNSError) {
        let prefix: Int
        var names = 1
        switch type {
        case 2, 5, 12: prefix = 0
        case 6: (prefix, names) = (0, 2)
        case 15: prefix = 2
        default: return try append(raw: data)
        }
        guard data.byteCount > prefix else { return try append(raw: data) }
        try append(raw: data.extracting(0..<prefix))
        var offset = prefix
        while names > 0 {
            let end = try WireName.end(in: data, at: offset)
            try append(name: data.extracting(offset..<end))
            (offset, names) = (end, names - 1)
        }
        try append(raw: data.extracting(offset..<data.byteCount))
    }

    /// Appends the OPT record of a response.
    @_lifetime(self: copy self)
    mutating func append(_ opt: ServerOPT, identifier: [UInt8]) throws(DNSError) {
        guard opt.isPresent else { return }
        try check(opt.byteCount)
        opt.write(to: &output, identifier: identifier)
        header.additionalCount += 1
    }

    /// Appends a valid name without compression pointers, with a pointer to as much of it as has been written before.
    @_lifetime(self: copy self)
    mutating func append(name: RawSpan) throws(DNSError) {
        var offset = 0
        while offset < name.byteCount {
            let length = try Int(name.uint8(at: offset))
            if length == 0 { return try append(raw: name.extracting(offset..<offset + 1)) }
            if let target = names.find(name, from: offset, in: output, start) {
                return try append(uint16: 0xc000 | UInt16(target))
            }
            let label = try name.slice(at: offset, count: 1 + length)
            let place = count
            try append(raw: label)
            names.note(name, from: offset, at: place)
            offset += 1 + length
        }
        throw DNSError(.endOfMessage, at: offset)
    }

    @_lifetime(self: copy self)
    mutating func append(raw bytes: RawSpan) throws(DNSError) {
        try check(bytes.byteCount)
        output.append(copying: bytes)
    }

    @_lifetime(self: copy self)
    private mutating func append(uint16 value: UInt16) throws(DNSError) {
        try check(2)
        output.append(bigEndian: value)
    }

    private func check(_ size: Int) throws(DNSError) {
        guard size <= remaining else { throw DNSError(.outOfCapacity, at: count) }
    }

    @_lifetime(self: copy self)
    private mutating func takeBack(to offset: Int) {
        output.removeLast(count - offset)
        names.forget(from: offset)
    }
}

extension OutputRawSpan {
    /// Appends a DNS message that `body` writes, at most `limit` octets of it.
    ///
    /// When `body` throws, what it has written is taken back: the span is as it was.
    ///
    /// - Parameters:
    ///   - limit: the most octets of the message; never more than this span has room for, nor than 65,535.
    ///   - header: id and flags; the counts are those of what is written.
    ///   - body: appends questions and records.
    /// - Throws: what `body` throws; ``DNSError`` when there is no room for the header.
    @_lifetime(self: copy self)
    public mutating func writeDNS(
        limit: Int = 65_535, header: DNSHeader, _ body: (inout DNSWriter) throws(DNSError) -> Void
    ) throws(DNSError) {
        let before = byteCount
        var writer = DNSWriter(self, limit: limit, header: header)
        do throws(DNSError) {
            try writer.begin()
            try body(&writer)
            writer.end()
            self = writer.finish()
        } catch {
            self = writer.finish()
            removeLast(byteCount - before)
            throw error
        }
    }
}
