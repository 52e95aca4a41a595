import VolleyCore

/// How DNS messages are compared where they may differ in what says the same: for golden answers.
///
/// The functions are what the closures of a replay's rules want: a key for pairing, a mask for comparing, a description
/// for people. What they know of a message is the message alone.
///
/// ```swift
/// rules.key = DNSComparison.key
/// rules.mask = DNSComparison.mask
/// rules.describe = DNSComparison.describe
/// ```
public enum DNSComparison {
    /// What an answer shares with its question and with no other answer: id and question, in lower case.
    ///
    /// - Returns: `nil` for what has no question that can be read.
    public static func key(_ message: RawSpan) -> [UInt8]? {
        guard let header = try? DNSHeader(message), header.questionCount > 0,
            let end = try? WireName.end(in: message, at: DNSHeader.byteCount),
            let type = try? message.slice(at: end, count: 4)
        else { return nil }
        var key = Array(copying: message.extracting(0..<2))
        let name = message.extracting(DNSHeader.byteCount..<end).bytes
        for index in name.indices { key.append(LetterCase.lower(name[index])) }
        key.append(copying: type)
        return key
    }

    /// Sets what may differ to one value: the id, times to live, letter case and order of records, how names are
    /// compressed, and the server's part of cookies.
    ///
    /// What is no message stays as it is.
    public static func mask(_ bytes: inout [UInt8]) {
        guard var message = try? DNSMessage(RawSpan(bytes.span)) else { return }
        message.header.id = 0
        message.questions = message.questions.map {
            DNSQuestion($0.name.lowercased, $0.type, $0.questionClass)
        }
        message.answers = uniform(message.answers)
        message.authorities = uniform(message.authorities)
        message.additionals = uniform(message.additionals)
        if var edns = message.edns {
            edns.options = edns.options.map {
                $0.code == 10 ? EDNSOption(code: 10, data: Array($0.data.prefix(8))) : $0
            }
            message.edns = edns
        }
        if let uniform = try? message.encoded() { bytes = uniform }
    }

    /// The message in words, on one line; for what is none, why.
    public static func describe(_ message: RawSpan) -> String {
        do throws(DNSError) {
            return try DNSMessage(message).description.split(separator: "\n").joined(separator: " | ")
        } catch {
            return "no DNS message: \(error)"
        }
    }

    private static func uniform(_ records: [DNSRecord]) -> [DNSRecord] {
        let plain = records.map { record in
            DNSRecord(record.owner.lowercased, recordClass: record.recordClass, ttl: 0, record.data.lowercasingNames)
        }
        return plain.sorted { left, right in
            if left.owner != right.owner { return left.owner < right.owner }
            if left.type != right.type { return left.type.rawValue < right.type.rawValue }
            return left.data.bytes.lexicographicallyPrecedes(right.data.bytes)
        }
    }
}

extension RecordData {
    /// The same data with the names in it in lower case (RFC 4034 section 6.2).
    var lowercasingNames: RecordData {
        guard let fields = RecordField.fields(of: type) else { return self }
        var (changed, offset) = (bytes, 0)
        for field in fields {
            switch field {
            case .name:
                guard let end = try? WireName.end(in: RawSpan(bytes.span), at: offset) else { return self }
                for index in offset..<end { changed[index] = LetterCase.lower(bytes[index]) }
                offset = end
            case .uint8: offset += 1
            case .uint16, .type: offset += 2
            case .uint32, .period, .time, .ipv4: offset += 4
            case .string where offset < bytes.count: offset += 1 + Int(bytes[offset])
            // No type has a name behind one of these.
            default: return RecordData(unchecked: changed, type: type)
            }
        }
        return RecordData(unchecked: changed, type: type)
    }
}
