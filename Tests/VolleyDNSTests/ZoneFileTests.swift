import Testing
import VolleyCore

@testable import VolleyDNS

@Suite("Zone files")
struct ZoneFileTests {
    private static func records(
        _ text: String, origin: String = "example.", include: @escaping (String) throws -> [UInt8] = { _ in [] }
    ) throws -> [String] {
        try ZoneFile.records(parsing: Array(text.utf8), file: "zone", origin: name(origin), include: include)
            .map(\.description)
    }

    @Test("owners, times, classes in any order, comments, parentheses and strings")
    func syntax() throws {
        let text = """
            ; a comment
            $TTL 1h
            @ IN SOA ns (
                admin.mail ; of the person
                1 2h 30m
                1w ) 60

            www 60 IN A 192.0.2.1
                IN 60 AAAA 2001:db8::1
            \tTXT "semicolon ; inside" plain ( "several"
            lines )
            $ORIGIN sub
            a MX 10 b
            $ORIGIN .
            c.example. 1w1d CNAME a.sub.example.
            d TYPE65280 \\# 2 ABCD
            """
        #expect(
            try Self.records(text) == [
                "example. 3600 IN SOA ns.example. admin.mail.example. 1 7200 1800 604800 60",
                "www.example. 60 IN A 192.0.2.1", "www.example. 60 IN AAAA 2001:db8::1",
                #"www.example. 3600 IN TXT "semicolon ; inside" "plain" "several" "lines""#,
                "a.sub.example. 3600 IN MX 10 b.sub.example.", "c.example. 691200 IN CNAME a.sub.example.",
                "d. 3600 IN TYPE65280 \\# 2 ABCD",
            ])
    }

    @Test("no end of line at the end, Windows' line ends, a byte order mark")
    func lineEnds() throws {
        #expect(try Self.records("\u{feff}a 1 A 192.0.2.1\r\nb 1 A 192.0.2.2\r\n\r\n  1 AAAA ::").count == 3)
    }

    @Test("the time to live: given, $TTL, the last one given, the SOA's minimum")
    func times() throws {
        let soa = "@ SOA a b 1 2 3 4 99\n"
        #expect(try Self.records(soa + "a A 192.0.2.1").map { $0.split(separator: " ")[1] } == ["99", "99"])
        #expect(
            try Self.records(soa + "a 7 A 192.0.2.1\nb A 192.0.2.1").map { $0.split(separator: " ")[1] }
                == ["99", "7", "7"])
        #expect(
            try Self.records("$TTL 5\n" + soa + "a 7 A 192.0.2.1\nb A 192.0.2.1").map { $0.split(separator: " ")[1] }
                == ["5", "7", "5"])
    }

    @Test("$INCLUDE reads another file with an origin of its own, which ends with it")
    func include() throws {
        let text = "$TTL 1\na A 192.0.2.1\n$INCLUDE other sub\n A 192.0.2.3\nb A 192.0.2.4\n"
        let found = try Self.records(text) { path in
            #expect(path == "other")
            return Array("$ORIGIN x\nc A 192.0.2.2\n".utf8)
        }
        #expect(
            found.map { $0.split(separator: " ")[0] } == ["a.example.", "c.x.sub.example.", "a.example.", "b.example."])
    }

    private struct NoSuchFile: Error, CustomStringConvertible {
        var description: String { "no such file" }
    }

    @Test(
        "errors name file, line and column",
        arguments: [
            ("a 1 A 192.0.2.1\nb 1 A 192.0.2.x\n", "zone:2:7: this is no IPv4 address"),
            ("a 1 A 192.0.2.1\n\n  b..c 1 A 192.0.2.1\n", "zone:3:3:"),
            ("a..b 1 A 192.0.2.1\n", "zone:1:3: a label is empty"),
            ("a 1 SOA a b (\n 1 2\n 3 x 5 )\n", "zone:3:4:"),
            ("a 1 A (192.0.2.1\n", "zone:1:7: this parenthesis is never closed"),
            ("a 1 A 192.0.2.1 )\n", "zone:1:17: no parenthesis is open"),
            ("a 1 TXT ((\"a\"))\n", "zone:1:10:"),
            ("a 1 TXT \"abc\n\"\n", "zone:1:9: this string is not closed"),
            ("a 1 A\n", "zone:1:6:"), ("a 1\n", "zone:1:4: the type is missing"),
            ("a 1 NOPE x\n", "zone:1:5: there is no type NOPE"), ("a 1 LOC 1\n", "zone:1:5:"),
            ("a 1 CH TXT x\n", "zone:1:5: only class IN"), ("a 1 AXFR x\n", "zone:1:5: AXFR is no type of a record"),
            ("a 99999999999 A 192.0.2.1\n", "zone:1:3:"), ("  1 A 192.0.2.1\n", "zone:1:3: the first record"),
            ("a A 192.0.2.1\n", "zone:1:1: neither this record nor $TTL"),
            ("$TTL\n", "zone:1:5: $TTL takes one value"), ("$TTL 1 2\n", "zone:1:8:"), ("$TTL x\n", "zone:1:6:"),
            ("$GENERATE 1-2 a A 192.0.2.$\n", "zone:1:1: there is no directive $GENERATE"),
            ("$ORIGIN a..\n", "zone:1:11:"),
            ("\n$INCLUDE missing\n", "zone:2:10: cannot include missing: no such file"),
            ("$INCLUDE broken\n", "broken:1:7: this is no IPv4 address"),
            ("$INCLUDE self\n", "self:1:1: files include each other"),
            ("a 1 A 192.0.2.1 extra\n", "zone:1:17: data of A ends before this"), ("a 1 TXT \\", "zone:1:9:"),
        ])
    func errors(_ text: String, _ beginning: String) throws {
        let error = try #require(throws: ZoneFileError.self) {
            try ZoneFile.records(parsing: Array(text.utf8), file: "zone", origin: name("example.")) { path in
                switch path {
                case "broken": return Array("a 1 A x\n".utf8)
                case "self": return Array("$INCLUDE self\n".utf8)
                default: throw NoSuchFile()
                }
            }
        }
        #expect(error.description.hasPrefix(beginning), "\(error)")
    }

    @Test(
        "zones that cannot be served are refused",
        arguments: [
            ("@ 1 NS a\n", "no SOA"), ("@ 1 SOA a b 1 2 3 4 5\n", "no NS"),
            ("@ 1 SOA a b 1 2 3 4 5\n@ 1 SOA a b 2 2 3 4 5\n@ 1 NS a\n", "more than one SOA"),
            (
                "@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\nx 1 CNAME a\nx 1 A 192.0.2.1\n",
                "x.example. has a CNAME and other records"
            ),
            ("@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\nx 1 CNAME a\nx 1 CNAME b\n", "x.example. has a CNAME"),
            ("@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\nx 1 SOA a b 1 2 3 4 5\n", "x.example. has a SOA"),
            (
                "@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\nother. 1 A 192.0.2.1\n",
                "zone:3:1: the owner is not within the zone example."
            ),
            ("@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\n@ 1 NSEC3PARAM 1 0 2000 -\n", "2000 iterations"),
        ])
    func zones(_ text: String, _ reason: String) throws {
        let error = try #require(throws: ZoneFileError.self) {
            try Zone(parsing: Array(text.utf8), file: "zone", apex: name("example."))
        }
        #expect(error.description.contains(reason), "\(error)")
        #expect(error.description.hasPrefix("zone:"))
    }

    @Test("the records of a zone are those of its file, duplicates once, of one set with one time to live")
    func contents() throws {
        let zone = try Zone(parsing: Array(AnswerTests.zone.utf8), apex: name("example.com."))
        var found: [DNSRecord] = []
        zone.forEachRecord { found.append($0) }
        let expected = try ZoneFile.records(parsing: Array(AnswerTests.zone.utf8), origin: name("example.com."))
        #expect(Set(found) == Set(expected) && found.count == expected.count)
        #expect(found.first?.type == .soa)
        #expect(zone.recordCount == found.count && zone.serial == 2_026_010_101 && zone.denial == .none)
        let twice = "@ 1 SOA a b 1 2 3 4 5\n@ 9 NS a\n@ 1 NS a\n@ 5 NS b\n"
        var servers: [String] = []
        try Zone(parsing: Array(twice.utf8), apex: name("example.")).forEachRecord {
            if $0.type == .ns { servers.append($0.description) }
        }
        #expect(servers == ["example. 1 IN NS a.example.", "example. 1 IN NS b.example."])
    }

    @Test("names of all kinds are found among many")
    func many() throws {
        var text = "@ 1 SOA a b 1 2 3 4 5\n@ 1 NS a\n"
        for number in 0..<3000 { text += "n\(number).d\(number % 7).e 1 A 192.0.2.\(number % 256)\n" }
        let server = try TestServer(("example.", text))
        for number in 0..<3000 {
            let answer = try server.ask("N\(number).d\(number % 7).E.example.", .a)
            #expect(answer.answers.first?.data.address == IPAddress(v4: 0xc000_0200 + UInt32(number % 256)))
        }
        #expect(try server.ask("n3000.d0.e.example.", .a).responseCode == .nameError)
        #expect(try server.ask("d3.e.example.", .a).responseCode == .noError)
    }

    @Test("mutated zone files: no trap, and what is read has texts that read the same")
    func mutations() throws {
        var generator = SplitMix64(seed: FuzzRounds.seed)
        let samples = RecordDataTests.samples.map { "x 1 \($0.0) \($0.1)\n" }
        for _ in 0..<FuzzRounds.count(20_000) {
            var bytes = Array((samples[Int(generator.next() % UInt64(samples.count))]).utf8)
            Mutation.apply(&bytes, &generator)
            guard let records = try? ZoneFile.records(parsing: bytes, origin: name("example.")) else { continue }
            for record in records {
                let again = try? ZoneFile.records(parsing: Array(record.description.utf8))
                if again != [record] { Issue.record("\(record) reads as \(again ?? []), of \(bytes)") }
            }
        }
    }
}
