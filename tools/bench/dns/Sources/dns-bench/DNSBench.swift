// Measures an answer and the loading of a zone:
//
//   swift run -c release --package-path tools/bench/dns dns-bench load [NAMES]
//   swift run -c release --package-path tools/bench/dns dns-bench answer KIND COUNT [NAMES]
//
// KIND is one of those below. Instructions a query come from two runs under callgrind, with different COUNT:
//   valgrind --tool=callgrind --toggle-collect='*measured*' …, or the difference of the totals divided by that of COUNT.

import Glibc
import Volley
import VolleyDNS

@main
enum DNSBench {
    static let kinds: [(String, String, DNSType, Bool?)] = [
        ("a", "n%.example.com.", .a, nil), ("edns", "n%.example.com.", .a, false), ("mx", "example.com.", .mx, nil),
        ("nodata", "n%.example.com.", .mx, nil), ("nxdomain", "x%.nothing.example.com.", .a, false),
        ("referral", "www.d%.sub.example.com.", .a, false), ("alias", "c%.alias.example.com.", .a, false),
        ("wildcard", "x%.wild.example.com.", .txt, false), ("refused", "x%.example.org.", .a, false),
    ]

    static func zone(_ names: Int) -> [UInt8] {
        var text = """
            $ORIGIN example.com.
            $TTL 3600
            @ SOA ns1 admin 1 7200 3600 1209600 300
            @ NS ns1
            @ NS ns2
            @ MX 10 mail
            ns1 A 192.0.2.1
            ns2 A 192.0.2.2
            mail A 192.0.2.3
            *.wild TXT "from a wildcard"

            """
        for number in 0..<1000 {
            text +=
                "d\(number).sub NS ns.d\(number).sub\nns.d\(number).sub A 192.0.2.4\nc\(number).alias CNAME n\(number)\n"
        }
        for number in 0..<names {
            text += "n\(number) IN A 10.\(number >> 16 & 255).\(number >> 8 & 255).\(number & 255)\n"
        }
        return Array(text.utf8)
    }

    static func main() throws {
        let arguments = CommandLine.arguments
        guard let apex = DomainName("example.com.") else { return }
        if arguments.dropFirst().first == "load" {
            let names = arguments.dropFirst(2).first.flatMap { Int($0) } ?? 1_000_000
            let contents = zone(names)
            let clock = ContinuousClock()
            let start = clock.now
            let loaded = try Zone(parsing: contents, apex: apex)
            let elapsed = clock.now - start
            print("\(loaded.nameCount) names, \(loaded.recordCount) records, \(contents.count) octets: \(elapsed)")
            return
        }
        guard arguments.count > 3, let kind = kinds.first(where: { $0.0 == arguments[2] }),
            let count = Int(arguments[3])
        else {
            print("usage: dns-bench load [NAMES] | answer KIND COUNT [NAMES], KIND one of \(kinds.map(\.0))")
            exit(64)
        }
        let names = arguments.dropFirst(4).first.flatMap { Int($0) } ?? 1000
        let answerer = DNSAnswerer(Authority([try Zone(parsing: zone(names), apex: apex)]))
        let queries = try (0..<min(names, 1000)).map { number in
            let text = kind.1.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "\(number)")
            let edns = kind.3.map { EDNS(payloadSize: 1232, isDNSSECWanted: $0) }
            guard let name = DomainName(text) else { return [UInt8]() }
            return try DNSMessage(query: DNSQuestion(name, kind.2), id: UInt16(number), edns: edns).encoded()
        }
        let clock = ContinuousClock()
        let start = clock.now
        let octets = measured(answerer, queries, count)
        let elapsed = clock.now - start
        print("\(kind.0): \(count) queries, \(octets) octets, \(elapsed / max(1, count)) each")
    }

    @inline(never)
    static func measured(_ answerer: DNSAnswerer, _ queries: [[UInt8]], _ count: Int) -> Int {
        let client = DNSAnswerer.Client(IPAddress(v4: 0x7f00_0001))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1232, alignment: 8)
        defer { memory.deallocate() }
        var (octets, index) = (0, 0)
        for _ in 0..<count {
            var output = OutputRawSpan(buffer: memory, initializedCount: 0)
            let query = queries[index]
            let outcome = answerer.answer(RawSpan(query.span), from: client, into: &output)
            if outcome.isAnswered { octets &+= output.byteCount }
            index = index + 1 == queries.count ? 0 : index + 1
        }
        return octets
    }
}
