import VolleyCore

/// A query as a server sees it: what it has to know to answer, as numbers and places in the datagram.
struct ServerQuery {
    /// What is to be done with the datagram.
    enum Verdict {
        case answer
        /// Malformed: twelve octets say so.
        case formatError
        /// An opcode that is not served: twelve octets say so.
        case notImplemented
        /// No query, or not even a header.
        case ignore
    }

    private(set) var id: UInt16 = 0
    private(set) var bits: UInt16 = 0
    /// How many octets the name of the question has.
    private(set) var nameCount = 0
    private(set) var type: UInt16 = 0
    private(set) var questionClass: UInt16 = 0
    private(set) var hasEDNS = false
    private(set) var payloadSize: UInt16 = 512
    private(set) var version: UInt8 = 0
    private(set) var isDNSSECWanted = false
    private(set) var wantsNSID = false
    /// Where the cookie lies, and how many octets it has; 0 if there is none.
    private(set) var cookieOffset = 0
    private(set) var cookieCount = 0

    var opcode: DNSOpcode { DNSOpcode(rawValue: UInt8(truncatingIfNeeded: bits >> 11)) }

    /// How many octets the question has; 0 if it has not been read.
    var questionCount: Int { nameCount == 0 ? 0 : nameCount &+ 4 }

    /// Reads a datagram.
    mutating func read(_ message: RawSpan) -> Verdict {
        guard message.byteCount >= DNSHeader.byteCount else { return .ignore }
        do throws(DNSError) {
            id = try message.uint16(at: 0)
            bits = try message.uint16(at: 2)
            // Never an answer to an answer: two servers would send them to each other for ever.
            guard bits & 0x8000 == 0 else { return .ignore }
            guard opcode == .query || opcode == .notify else { return .notImplemented }
            guard try message.uint16(at: 4) == 1 else { return .formatError }
            let offset = try readQuestion(message)
            let counts = try message.uint32(at: 6)
            let additional = try message.uint16(at: 10)
            if counts == 0, additional == 0, offset == message.byteCount { return .answer }
            return try readRecords(message, offset, counts, additional) ? .answer : .formatError
        } catch {
            nameCount = 0
            return .formatError
        }
    }

    private mutating func readQuestion(_ message: RawSpan) throws(DNSError) -> Int {
        var offset = DNSHeader.byteCount
        while true {
            let length = try Int(message.uint8(at: offset))
            offset &+= 1 &+ length
            if length == 0 { break }
            // There is nothing before it that a pointer could lead to.
            guard length < 64 else { throw DNSError(.badLabelType, at: offset) }
        }
        guard offset &- DNSHeader.byteCount <= WireName.byteCountMax else { throw DNSError(.nameTooLong, at: 12) }
        type = try message.uint16(at: offset)
        questionClass = try message.uint16(at: offset &+ 2)
        nameCount = offset &- DNSHeader.byteCount
        return offset &+ 4
    }

    /// Reads what follows the question; `false` if it is malformed.
    private mutating func readRecords(
        _ message: RawSpan, _ start: Int, _ counts: UInt32, _ additional: UInt16
    ) throws(DNSError) -> Bool {
        var offset = start
        // A transfer's question brings a SOA record (RFC 1995 section 3), a NOTIFY may (RFC 1996 section 3.7).
        if counts != 0 {
            guard counts == 1 && type == 251 || counts == 0x1_0000 && opcode == .notify else { return false }
            offset = try skipRecord(message, offset)
        }
        var index = 0
        while index < Int(additional) {
            // Almost always it is one OPT record, whose owner is the root.
            if try message.uint8(at: offset) == 0, try message.uint16(at: offset + 1) == 41 {
                guard !hasEDNS, try readOPT(message, &offset) else { return false }
            } else {
                offset = try skipRecord(message, offset)
            }
            index += 1
        }
        return offset == message.byteCount
    }

    private func skipRecord(_ message: RawSpan, _ start: Int) throws(DNSError) -> Int {
        let end = try WireName.end(in: message, at: start)
        let count = try Int(message.uint16(at: end + 8))
        // An OPT record with an owner is malformed (RFC 6891 section 6.1.2).
        guard try message.uint16(at: end) != 41 else { throw DNSError(.badOption, at: start) }
        try message.require(count, at: end + 10)
        return end + 10 + count
    }

    private mutating func readOPT(_ message: RawSpan, _ offset: inout Int) throws(DNSError) -> Bool {
        let count = try Int(message.uint16(at: offset &+ 9))
        // Type, payload size, code, version, flags.
        let fields = try message.word(at: offset &+ 1).bigEndian
        payloadSize = UInt16(truncatingIfNeeded: fields >> 32)
        version = UInt8(truncatingIfNeeded: fields >> 16)
        isDNSSECWanted = fields & 0x8000 != 0
        hasEDNS = true
        offset &+= 11
        try message.require(count, at: offset)
        let end = offset &+ count
        while offset < end {
            guard end &- offset >= 4 else { return false }
            let (code, length) = try (message.uint16(at: offset), Int(message.uint16(at: offset &+ 2)))
            offset &+= 4
            guard end &- offset >= length else { return false }
            switch code {
            case 3: wantsNSID = true
            case 10:
                // RFC 7873 section 5.2.2: any other length is malformed; of two cookies the first counts.
                guard length == 8 || 16...40 ~= length else { return false }
                if cookieCount == 0 { (cookieOffset, cookieCount) = (offset, length) }
            default: break
            }
            offset &+= length
        }
        return true
    }
}
