import Testing
import VolleyCore

@testable import VolleyDNS

/// What must never make a server fail, answer an answer, or send more than it got.
@Suite("Malformed datagrams")
struct MalformedTests {
    private static let header = "abcd 0100 0001 0000 0000 0000"
    private static let question = "03777777 076578616d706c65 03636f6d 00 0001 0001"
    private static let opt = "00 0029 1000 00000000 0000"

    enum Expected: Equatable { case silence, formatError, answer }

    @Test(
        "each is met with silence, twelve octets of FORMERR, or an answer",
        arguments: [
            ("nothing", "", Expected.silence),
            ("one octet", "ab", .silence),
            ("eleven octets", "abcd 0100 0001 0000 0000 00", .silence),
            ("a header without question", "abcd 0100 0000 0000 0000 0000", .formatError),
            ("a header that promises one", header, .formatError),
            ("a response", "abcd 8100 0001 0000 0000 0000" + question, .silence),
            ("a response that is malformed", "abcd 8180 0007 0001 0000 0000", .silence),
            ("a truncated name", header + "03777777 0765", .formatError),
            ("a name without type", header + "03777777 00", .formatError),
            ("a pointer to itself", header + "c00c 0001 0001", .formatError),
            ("a pointer into the header", header + "03777777 c000 0001 0001", .formatError),
            ("a label of type 01", header + "4061 00 0001 0001", .formatError),
            ("a label of type 10", header + "8061 00 0001 0001", .formatError),
            (
                "a name of 256 octets",
                header + String(repeating: "3f" + String(repeating: "61", count: 63), count: 4) + "00 0001 0001",
                .formatError
            ),
            ("two questions", "abcd 0100 0002 0000 0000 0000" + question + question, .formatError),
            ("an answer that is not there", "abcd 0100 0001 0001 0000 0000" + question, .formatError),
            ("an additional record that is not there", "abcd 0100 0001 0000 0000 0001" + question, .formatError),
            ("65,535 additional records", "abcd 0100 0001 0000 0000 ffff" + question + opt, .formatError),
            ("two OPT records", "abcd 0100 0001 0000 0000 0002" + question + opt + opt, .formatError),
            (
                "OPT data longer than the datagram",
                "abcd 0100 0001 0000 0000 0001" + question + "00 0029 1000 00000000 0001", .formatError
            ),
            (
                "half an option", "abcd 0100 0001 0000 0000 0001" + question + "00 0029 1000 00000000 0003 000a00",
                .formatError
            ),
            (
                "an option longer than OPT",
                "abcd 0100 0001 0000 0000 0001" + question + "00 0029 1000 00000000 0004 000a0001", .formatError
            ),
            (
                "a cookie of nine octets",
                "abcd 0100 0001 0000 0000 0001" + question + "00 0029 1000 00000000 000d 000a0009 010203040506070809",
                .formatError
            ),
            (
                "OPT with an owner", "abcd 0100 0001 0000 0000 0001" + question + "0161 00 0029 1000 00000000 0000",
                .formatError
            ),
            ("junk behind the question", header + question + "00", .formatError),
            ("junk behind OPT", "abcd 0100 0001 0000 0000 0001" + question + opt + "ff", .formatError),
            ("class ANY", header + "03777777 076578616d706c65 03636f6d 00 0001 00ff", .answer),
            (
                "a record beside OPT",
                "abcd 0100 0001 0000 0000 0002" + question + "00 0001 0001 00000000 0004 01020304" + opt, .answer
            ),
        ])
    func table(_ what: String, _ text: String, _ expected: Expected) throws {
        let server = try AnswerTests.server()
        let query = hex(text)
        let answer = server.raw(query)
        switch expected {
        case .silence: #expect(answer == nil)
        case .formatError: #expect(answer == hex("abcd 8101 0000 0000 0000 0000"))
        case .answer:
            let message = try DNSMessage(bytes: #require(answer))
            #expect(message.responseCode == .noError && message.answers.count == 2)
        }
        // Over a stream it is the same.
        #expect((server.raw(query, isStream: true) == nil) == (expected == .silence))
    }

    @Test("opcodes that are not served: NOTIMP in twelve octets, the opcode as asked", arguments: [1, 2, 3, 5, 6, 15])
    func opcodes(_ opcode: UInt8) throws {
        let server = try AnswerTests.server()
        let bits = UInt16(opcode) << 11 | 0x0100
        let head = [0xab, 0xcd, UInt8(bits >> 8), UInt8(bits & 0xff)]
        let answer = hex("abcd") + [UInt8(bits >> 8) | 0x80, 4] + [UInt8](repeating: 0, count: 8)
        #expect(server.raw(head + [UInt8](repeating: 0, count: 8)) == answer)
        #expect(server.raw(head + [0, 1, 0, 0, 0, 0, 0, 0] + hex(Self.question)) == answer)
    }

    @Test("NOTIFY from whoever is refused, with its question and opcode")
    func notify() throws {
        var query = DNSMessage(query: DNSQuestion(name("example.com."), .soa), id: 7)
        query.header.opcode = .notify
        let answer = try AnswerTests.server().ask(query)
        #expect(answer.responseCode == .refused && answer.header.opcode == .notify)
        #expect(answer.questions == query.questions)
        query.answers = [
            DNSRecord(name("example.com."), ttl: 0, try RecordData(parsing: "a. b. 1 2 3 4 5", type: .soa))
        ]
        #expect(try AnswerTests.server().ask(query).responseCode == .refused)
    }

    @Test("a server never answers what a server says")
    func noPingPong() throws {
        let server = try AnswerTests.server()
        for type in [DNSType.a, .any, .axfr, .mx] {
            let query = try DNSMessage(query: DNSQuestion(name("www.example.com."), type), id: 1).encoded()
            let answer = try #require(server.raw(query))
            #expect(server.raw(answer) == nil)
        }
    }

    @Test("mutated queries: no trap, no answer beyond the limit, and every answer is a message")
    func mutations() throws {
        let server = try AnswerTests.server()
        let signed = try DenialTests.server(nsec3: true)
        var seeds: [[UInt8]] = []
        for (text, type) in [
            ("www.example.com.", DNSType.a), ("x.wild.example.com.", .txt), ("a.sub.example.com.", .aaaa),
            ("chain.example.com.", .a), ("x.old.example.com.", .any), ("a.c.x.w.example.", .a), ("mc.c.example.", .mx),
            ("version.bind.", .txt),
        ] {
            for edns in [
                nil, EDNS(payloadSize: 4096, isDNSSECWanted: true, options: [.cookie(client: 1), .nsid()]),
            ] as [EDNS?] {
                seeds.append(try DNSMessage(query: DNSQuestion(name(text), type), id: 1, edns: edns).encoded())
            }
        }
        let rounds = FuzzRounds.count(100_000)
        var generator = SplitMix64(seed: FuzzRounds.seed)
        for round in 0..<rounds {
            var query = seeds[Int(generator.next() % UInt64(seeds.count))]
            Mutation.apply(&query, &generator)
            let answer = (round & 1 == 0 ? server : signed).raw(query)
            guard let answer else { continue }
            #expect(answer.count <= 1232)
            if query.count >= 4 { #expect(query[2] & 0x80 == 0, "an answer was answered: \(query)") }
            #expect(answer.count >= 12 && answer[2] & 0x80 != 0 && answer[0] == query[0] && answer[1] == query[1])
            if (try? DNSMessage(bytes: answer)) == nil { Issue.record("no message: \(answer) for \(query)") }
        }
    }
}
