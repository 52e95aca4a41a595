/// What a server has been asked and what it has answered.
public struct DNSStatistics: Hashable, Sendable {
    /// Datagrams and messages that came, whatever they were.
    public var received: UInt64 = 0
    /// Responses.
    public var answered: UInt64 = 0
    /// Not answered because they are no queries: shorter than a header, or responses themselves.
    public var ignored: UInt64 = 0
    /// Not answered, because of response-rate limiting.
    public var dropped: UInt64 = 0
    /// Answered with TC alone, because of response-rate limiting.
    public var slipped: UInt64 = 0
    /// What would have been dropped or slipped if limiting were not a dry run.
    public var limitedDry: UInt64 = 0
    /// Responses that say TC, slipped ones included.
    public var truncated: UInt64 = 0
    /// Queries with EDNS.
    public var edns: UInt64 = 0
    /// Queries with a valid cookie.
    public var cookies: UInt64 = 0
    /// Queries by type, those up to 257; what is beyond is in ``otherTypes``.
    var types = [UInt64](repeating: 0, count: 258)
    /// Queries of types beyond 257.
    public var otherTypes: UInt64 = 0
    /// Responses by code, those up to 23.
    var codes = [UInt64](repeating: 0, count: 24)

    /// Nothing yet.
    public init() {}

    /// How many queries there were of each type that was asked for.
    public var queriesByType: [DNSType: UInt64] {
        var counts: [DNSType: UInt64] = [:]
        for (type, count) in types.enumerated() where count > 0 { counts[DNSType(UInt16(type))] = count }
        return counts
    }

    /// How many responses there were of each code that was given.
    public var responsesByCode: [DNSResponseCode: UInt64] {
        var counts: [DNSResponseCode: UInt64] = [:]
        for (code, count) in codes.enumerated() where count > 0 {
            counts[DNSResponseCode(rawValue: UInt16(code))] = count
        }
        return counts
    }

    /// Counts what has become of a query.
    mutating func note(_ outcome: DNSAnswerer.Outcome) {
        guard outcome.isAnswered else {
            ignored &+= 1
            return
        }
        answered &+= 1
        truncated &+= outcome.isTruncated ? 1 : 0
        edns &+= outcome.hasEDNS ? 1 : 0
        cookies &+= outcome.hasValidCookie ? 1 : 0
        let code = Int(outcome.responseCode.rawValue)
        if code < codes.count { codes[code] &+= 1 }
        let type = Int(outcome.type.rawValue)
        if type < types.count { types[type] &+= 1 } else { otherTypes &+= 1 }
    }

    /// The sums of two statistics, as of two shards.
    public static func + (left: DNSStatistics, right: DNSStatistics) -> DNSStatistics {
        var sum = left
        for path: WritableKeyPath<DNSStatistics, UInt64> in [
            \.received, \.answered, \.ignored, \.dropped, \.slipped, \.limitedDry, \.truncated, \.edns, \.cookies,
            \.otherTypes,
        ] { sum[keyPath: path] &+= right[keyPath: path] }
        for index in sum.types.indices { sum.types[index] &+= right.types[index] }
        for index in sum.codes.indices { sum.codes[index] &+= right.codes[index] }
        return sum
    }
}
