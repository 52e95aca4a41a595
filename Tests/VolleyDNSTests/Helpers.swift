import Testing
import VolleyCore
import VolleyDNS

/// A name of a literal.
func name(_ text: String, _ location: SourceLocation = #_sourceLocation) -> DomainName {
    guard let name = DomainName(text) else {
        Issue.record("no name: \(text)", sourceLocation: location)
        return .root
    }
    return name
}

/// The octets that hexadecimal digits stand for; blanks do not matter.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension DNSMessage {
    init(bytes: [UInt8]) throws(DNSError) { try self.init(RawSpan(bytes.span)) }

    /// The records of a section, as lines, in an order of their own.
    func lines(_ path: KeyPath<DNSMessage, [DNSRecord]>) -> [String] { self[keyPath: path].map(\.description).sorted() }

    /// Owner and type of the records of a section.
    func kinds(_ path: KeyPath<DNSMessage, [DNSRecord]>) -> [String] {
        self[keyPath: path].map { "\($0.owner) \($0.type)" }.sorted()
    }
}

/// A server over some zones, asked in memory.
struct TestServer {
    var answerer: DNSAnswerer

    init(_ zones: (String, String)...) throws {
        answerer = DNSAnswerer(
            Authority(
                try zones.map { try Zone(parsing: Array($0.1.utf8), file: $0.0, apex: name($0.0)) }))
        answerer.options.cookies = nil
    }

    init(_ zone: Zone) {
        answerer = DNSAnswerer(Authority([zone]))
        answerer.options.cookies = nil
    }

    static let client = DNSAnswerer.Client(IPAddress(v4: 0xc000_0201))

    /// The octets of the answer.
    func raw(_ query: [UInt8], isStream: Bool = false) -> [UInt8]? {
        var client = Self.client
        client.isStream = isStream
        return answerer.answer(RawSpan(query.span), from: client)
    }

    func ask(_ query: DNSMessage, isStream: Bool = false) throws -> DNSMessage {
        let bytes = try #require(raw(query.encoded(), isStream: isStream))
        return try DNSMessage(bytes: bytes)
    }

    /// Asks one question; with EDNS if `wantsSignatures` is not `nil`.
    func ask(
        _ text: String, _ type: DNSType, _ questionClass: DNSClass = .in, wantsSignatures: Bool? = nil,
        isStream: Bool = false
    ) throws -> DNSMessage {
        let edns = wantsSignatures.map { EDNS(payloadSize: 4096, isDNSSECWanted: $0) }
        return try ask(
            DNSMessage(query: DNSQuestion(name(text), type, questionClass), id: 0x1234, edns: edns), isStream: isStream)
    }
}

/// Random numbers that are the same each time.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
