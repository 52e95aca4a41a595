import VolleyCore

/// Takes in the records of a zone file, one after the other.
protocol ZoneRecordSink {
    /// Takes in a record; a thrown text becomes an error at its place.
    mutating func add(owner: RawSpan, type: DNSType, ttl: UInt32, data: RawSpan) throws(ZoneRecordFault)
}

/// Why a sink does not take a record.
struct ZoneRecordFault: Error {
    let reason: String
}

/// Reads zone files (RFC 1035 section 5, RFC 2308 section 4).
struct ZoneFileParser<Sink: ZoneRecordSink> {
    private let loader: (String) throws -> [UInt8]
    private var sink: Sink
    private var owner: [UInt8] = []
    private var data: [UInt8] = []
    private var defaultTTL: UInt32?
    private var lastTTL: UInt32?
    private var depth = 0
    /// Files within files: a file that includes itself is an error, not the end of memory.
    private static var depthMax: Int { 10 }

    init(sink: Sink, loader: @escaping (String) throws -> [UInt8]) {
        self.sink = sink
        self.loader = loader
    }

    /// Gives away what has taken in the records.
    func takeSink() -> Sink { sink }

    mutating func parse(_ bytes: [UInt8], file: String, origin: [UInt8]) throws(ZoneFileError) {
        var scanner = ZoneScanner(bytes)
        var origin = origin
        while true {
            do throws(PresentationFault) {
                guard try scanner.nextEntry() else { return }
                let first = scanner.tokens[0]
                if scanner.startsBlank || first.isQuoted || bytes[first.start] != UInt8(ascii: "$") {
                    try parseRecord(scanner, origin)
                    continue
                }
                let isInclude = try parseDirective(scanner, &origin)
                if !isInclude { continue }
            } catch {
                throw ZoneFileError(error, file: file, text: bytes)
            }
            try include(scanner, file: file, origin)
        }
    }

    /// `$ORIGIN` and `$TTL`; `true` for an `$INCLUDE`, whose errors are of another file.
    private mutating func parseDirective(_ scanner: ZoneScanner, _ origin: inout [UInt8]) throws(PresentationFault)
        -> Bool
    {
        let (text, tokens) = (scanner.bytes, scanner.tokens)
        let name = String(decoding: text[tokens[0].range], as: UTF8.self).uppercased()
        guard name == "$ORIGIN" || name == "$TTL" || name == "$INCLUDE" else {
            throw PresentationFault(
                "there is no directive \(name); there are $ORIGIN, $TTL and $INCLUDE", at: tokens[0].start)
        }
        let most = name == "$INCLUDE" ? 3 : 2
        guard 2...most ~= tokens.count else {
            let offset = tokens.count > most ? tokens[most].start : tokens[0].end
            throw PresentationFault(
                "\(name) takes \(most == 3 ? "a file and perhaps an origin" : "one value")", at: offset)
        }
        switch name {
        case "$ORIGIN":
            var name: [UInt8] = []
            try Presentation.parse(name: text, tokens[1].range, origin: origin, into: &name)
            origin = name
        case "$TTL": defaultTTL = try TimeToLive.parse(text, tokens[1].range)
        default: return true
        }
        return false
    }

    private mutating func include(_ scanner: ZoneScanner, file: String, _ origin: [UInt8]) throws(ZoneFileError) {
        let (text, tokens) = (scanner.bytes, scanner.tokens)
        var inner: [UInt8] = []
        var path: [UInt8] = []
        do throws(PresentationFault) {
            try Presentation.parse(string: text, tokens[1].range, into: &path)
            if tokens.count > 2 {
                try Presentation.parse(name: text, tokens[2].range, origin: origin, into: &inner)
            } else {
                inner = origin
            }
            guard depth < Self.depthMax else {
                throw PresentationFault("files include each other more than \(Self.depthMax) deep", at: tokens[0].start)
            }
        } catch {
            throw ZoneFileError(error, file: file, text: text)
        }
        let name = String(decoding: path, as: UTF8.self)
        let bytes: [UInt8]
        do {
            bytes = try loader(name)
        } catch {
            throw ZoneFileError(
                PresentationFault("cannot include \(name): \(error)", at: tokens[1].start), file: file, text: text)
        }
        // Neither the origin nor the last owner of a file outlives it (RFC 1035 section 5.1).
        let outer = owner
        depth += 1
        try parse(bytes, file: name, origin: inner)
        depth -= 1
        owner = outer
    }

    private mutating func parseRecord(_ scanner: ZoneScanner, _ origin: [UInt8]) throws(PresentationFault) {
        var index = 0
        let first = scanner.tokens[0]
        if !scanner.startsBlank {
            owner.removeAll(keepingCapacity: true)
            try Presentation.parse(name: scanner.bytes, first.range, origin: origin, into: &owner)
            index = 1
        } else if owner.isEmpty {
            throw PresentationFault("the first record has to name its owner", at: first.start)
        }
        let (explicitTTL, type) = try parsePrefix(scanner, &index)
        data.removeAll(keepingCapacity: true)
        var fields = FieldParser(scanner, from: index, origin: origin)
        try fields.parse(type, into: &data)
        if let explicitTTL { lastTTL = explicitTTL }
        // RFC 2308 section 4: $TTL; before that, RFC 1035 has the last one given, and a SOA its own minimum.
        let minimum = type == .soa ? try? RawSpan(data.span).uint32(at: data.count - 4) : nil
        guard let ttl = explicitTTL ?? defaultTTL ?? lastTTL ?? minimum else {
            throw PresentationFault("neither this record nor $TTL gives a time to live", at: first.start)
        }
        if lastTTL == nil { lastTTL = minimum }
        let (owner, data) = (owner, data)
        do throws(ZoneRecordFault) {
            try sink.add(owner: RawSpan(owner.span), type: type, ttl: ttl, data: RawSpan(data.span))
        } catch {
            throw PresentationFault(error.reason, at: first.start)
        }
    }

    /// Time to live and class, in either order, and the type.
    private func parsePrefix(
        _ scanner: ZoneScanner, _ index: inout Int
    ) throws(PresentationFault) -> (ttl: UInt32?, DNSType) {
        let (text, tokens) = (scanner.bytes, scanner.tokens)
        var (ttl, hasClass) = (UInt32?.none, false)
        while index < tokens.count {
            let token = tokens[index]
            index += 1
            if let known = Self.type(text, token) { return (ttl, known) }
            if ttl == nil, text[token.start] &- 0x30 < 10, let value = TimeToLive.seconds(text, token.range) {
                ttl = value
                continue
            }
            let word = String(decoding: text[token.range], as: UTF8.self)
            if !hasClass, let named = DNSClass(word) {
                guard named == .in else { throw PresentationFault("only class IN is served", at: token.start) }
                hasClass = true
            } else if let type = DNSType(word) {
                guard !type.isMeta else { throw PresentationFault("\(type) is no type of a record", at: token.start) }
                return (ttl, type)
            } else if text[token.start] &- 0x30 < 10 {
                throw PresentationFault("this is neither a time to live, a class nor a type", at: token.start)
            } else {
                throw PresentationFault(
                    "there is no type \(word); types without a name are written TYPE123 (RFC 3597)", at: token.start)
            }
        }
        throw PresentationFault("the type is missing", at: tokens[tokens.count - 1].end)
    }

    /// The types of most records, without making a string.
    private static func type(_ text: [UInt8], _ token: ZoneScanner.Token) -> DNSType? {
        switch token.count {
        case 1: return text[token.start] | 0x20 == UInt8(ascii: "a") ? .a : nil
        case 2:
            switch (text[token.start] | 0x20, text[token.start + 1] | 0x20) {
            case (UInt8(ascii: "n"), UInt8(ascii: "s")): return .ns
            case (UInt8(ascii: "m"), UInt8(ascii: "x")): return .mx
            case (UInt8(ascii: "d"), UInt8(ascii: "s")): return .ds
            default: return nil
            }
        case 4:
            let isQuadA = (0..<4).allSatisfy { text[token.start + $0] | 0x20 == UInt8(ascii: "a") }
            return isQuadA ? .aaaa : nil
        default: return nil
        }
    }
}
