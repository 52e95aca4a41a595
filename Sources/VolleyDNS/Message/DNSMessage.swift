import VolleyCore

/// A whole message as a value: for clients, tests and tools.
///
/// A server reads with ``DNSReader`` and does not copy.
public struct DNSMessage: Hashable, Sendable {
    /// Id and flags; the counts are those of the records.
    public var header: DNSHeader
    /// The questions.
    public var questions: [DNSQuestion] = []
    /// The answer section.
    public var answers: [DNSRecord] = []
    /// The authority section.
    public var authorities: [DNSRecord] = []
    /// The additional section, without the OPT record.
    public var additionals: [DNSRecord] = []
    /// What the OPT record says, if there is one.
    public var edns: EDNS?

    /// A message without records.
    public init(header: DNSHeader = DNSHeader()) { self.header = header }

    /// A query.
    ///
    /// - Parameters:
    ///   - question: what is asked.
    ///   - id: what the answer will have too.
    ///   - edns: what to say by EDNS, if anything.
    public init(query question: DNSQuestion, id: UInt16, edns: EDNS? = nil) {
        header = DNSHeader(id: id)
        questions = [question]
        self.edns = edns
    }

    /// The message that the bytes are, all of them.
    ///
    /// - Throws: ``DNSError`` with the place of what is malformed; two OPT records are too.
    public init(_ bytes: RawSpan) throws(DNSError) {
        var reader = try DNSReader(bytes)
        header = reader.header
        while let question = try reader.nextQuestion() { questions.append(question) }
        while let record = try reader.nextRecord() {
            if record.type == .opt {
                guard record.section == .additional, edns == nil else {
                    throw DNSError(.badOption, at: record.owner.offset)
                }
                edns = try EDNS(record)
                continue
            }
            switch record.section {
            case .answer: answers.append(try record.copy())
            case .authority: authorities.append(try record.copy())
            default: additionals.append(try record.copy())
            }
        }
        try reader.finish()
    }

    /// The whole response code, with the bits of EDNS.
    public var responseCode: DNSResponseCode {
        DNSResponseCode(rawValue: UInt16(edns?.extendedResponseCode ?? 0) << 4 | header.bits & 15)
    }

    /// The message in wire form.
    ///
    /// - Parameter limit: the most octets; what does not fit is left out, and TC says so.
    /// - Throws: ``DNSError`` if not even questions and EDNS fit.
    public func encoded(limit: Int = 65_535) throws(DNSError) -> [UInt8] {
        // The OPT record is to survive: its octets are kept aside.
        let reserve = edns.map { 11 + $0.options.reduce(0) { $0 + 4 + $1.data.count } } ?? 0
        let room = max(0, min(limit, 65_535))
        return try [UInt8](encoding: room) { output throws(DNSError) in
            try output.writeDNS(limit: room, header: header) { writer throws(DNSError) in
                for question in questions { try writer.append(question) }
                for (records, section) in [
                    (answers, DNSSection.answer), (authorities, .authority), (additionals, .additional),
                ] {
                    for set in Self.sets(of: records) where !writer.header.isTruncated || header.isTruncated {
                        let mark = writer.mark
                        try writer.append(set, to: section)
                        if writer.remaining < reserve {
                            writer.restore(mark)
                            if section != .additional { writer.header.isTruncated = true }
                        }
                    }
                }
                if let edns { try writer.append(edns) }
            }
        }
    }

    /// Records side by side of one owner and type.
    private static func sets(of records: [DNSRecord]) -> [[DNSRecord]] {
        var sets: [[DNSRecord]] = []
        for record in records {
            if let last = sets.last?.last, last.owner == record.owner, last.type == record.type {
                sets[sets.count - 1].append(record)
            } else {
                sets.append([record])
            }
        }
        return sets
    }
}

extension [UInt8] {
    /// The bytes that `body` appends to a span of at most `capacity`.
    init(
        encoding capacity: Int, _ body: (inout OutputRawSpan) throws(DNSError) -> Void
    ) throws(DNSError) {
        self = try unsafe Array(unsafeUninitializedCapacity: capacity) { buffer, count throws(DNSError) in
            let memory = UnsafeMutableRawBufferPointer(buffer)
            // SAFETY: the span lives only inside of this closure, where the array's buffer is ours alone.
            var output = unsafe OutputRawSpan(buffer: memory, initializedCount: 0)
            try body(&output)
            count = unsafe output.finalize(for: memory)
        }
    }
}

extension DNSMessage: CustomStringConvertible {
    /// Header, questions and records, a line each.
    public var description: String {
        var lines = ["\(header.opcode) \(responseCode), id \(header.id), flags \(header.flagText)"]
        if let edns { lines.append("\(edns)") }
        lines += questions.map { "question: \($0)" }
        lines += answers.map { "answer: \($0)" }
        lines += authorities.map { "authority: \($0)" }
        lines += additionals.map { "additional: \($0)" }
        return lines.joined(separator: "\n")
    }
}
