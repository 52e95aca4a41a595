import Testing
import VolleyCapture
import VolleyCore
import VolleyDNS
import VolleyReplay

@Suite("Golden answers")
struct ComparisonTests {
    private func masked(_ message: DNSMessage) throws -> [UInt8] {
        var bytes = try message.encoded()
        DNSComparison.mask(&bytes)
        return bytes
    }

    @Test("id, case, order and times may differ, and nothing else")
    func mask() throws {
        let message = try MessageTests.sample()
        var other = message
        other.header.id ^= 0xffff
        other.answers.reverse()
        other.answers[0].ttl = 1
        other.answers[1].owner = name("WWW.Example.COM.")
        other.answers[1].data = try RecordData(parsing: "10 MAIL.example.com.", type: .mx)
        other.questions[0].name = name("wWw.example.com.")
        #expect(try message.encoded() != other.encoded())
        #expect(try masked(message) == masked(other))
        let changes: [(inout DNSMessage) throws -> Void] = [
            { $0.header.isTruncated = true }, { $0.answers.removeLast() },
            { $0.answers[0].data = try RecordData(parsing: "11 mail.example.com.", type: .mx) },
            { $0.header.responseCode = .nameError }, { $0.edns = nil }, { $0.questions[0].type = .a },
            { $0.authorities.append($0.answers[0]) },
        ]
        for change in changes {
            var different = message
            try change(&different)
            #expect(try masked(message) != masked(different))
        }
        var junk: [UInt8] = [1, 2, 3]
        DNSComparison.mask(&junk)
        #expect(junk == [1, 2, 3])
    }

    @Test("cookies of the server may differ, those of the client may not")
    func cookies() throws {
        var (one, other) = (try MessageTests.sample(), try MessageTests.sample())
        one.edns?.options = [.cookie(client: 1, server: [UInt8](repeating: 1, count: 16))]
        other.edns?.options = [.cookie(client: 1, server: [UInt8](repeating: 2, count: 16))]
        #expect(try masked(one) == masked(other))
        other.edns?.options = [.cookie(client: 2)]
        #expect(try masked(one) != masked(other))
    }

    @Test("id and question pair, whatever the case; what cannot be read has no key")
    func key() throws {
        let (one, other) = try (
            MessageTests.sample().encoded(),
            {
                var message = try MessageTests.sample()
                message.questions[0].name = name("WWW.EXAMPLE.com.")
                return try message.encoded()
            }()
        )
        #expect(DNSComparison.key(RawSpan(one.span)) == DNSComparison.key(RawSpan(other.span)))
        let short: [UInt8] = [1, 2, 3]
        #expect(DNSComparison.key(RawSpan(short.span)) == nil)
        #expect(DNSComparison.describe(RawSpan(short.span)).hasPrefix("no DNS message"))
        #expect(
            DNSComparison.describe(RawSpan(one.span)).contains("answer: www.example.com. 60 IN MX 10 mail.example.com.")
        )
    }

    @Test("a captured service's answers are those of our responder on the same zone, and differences are told in words")
    func replay() throws {
        let server = try TestServer(("example.com.", AnswerTests.zone))
        let responder = DNSResponder(server.answerer.authority)
        let writer = CaptureWriter(inMemory: .pcapng)
        let (client, local) = (
            SocketAddress(IPAddress(v4: 0xc633_6407), port: 40_000), SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
        )
        for (number, text) in ["www.example.com.", "chain.example.com.", "sub.example.com.", "nothing.example.com."]
            .enumerated()
        {
            let query = DNSMessage(query: DNSQuestion(name(text), .a), id: UInt16(number))
            let bytes = try query.encoded()
            let time = Int64(1_700_000_000_000_000_000 + number * 1_000_000)
            try writer.writeDatagram(RawSpan(bytes.span), from: client, to: local, at: time)
            // The other server has its records in another order, and its caches have aged.
            var answer = try server.ask(query)
            answer.answers.reverse()
            answer.authorities.reverse()
            for index in answer.answers.indices { answer.answers[index].ttl /= 2 }
            if number == 2 { answer.additionals.removeLast() }
            let captured = try answer.encoded()
            try writer.writeDatagram(RawSpan(captured.span), from: local, to: client, at: time + 1000)
        }
        var options = ReplayOptions()
        options.replyRules.key = DNSComparison.key
        options.replyRules.mask = DNSComparison.mask
        options.replyRules.describe = DNSComparison.describe
        let report = try Replay(bytes: writer.bytes, as: .server(port: 53), options: options).run { responder }
        let replies = try #require(report.replies)
        #expect(replies.equalUnderMask + replies.identical == 3 && replies.different == 1)
        #expect(replies.missing == 0 && replies.extra == 0)
        let difference = try #require(replies.differences.first)
        #expect(difference.details.count == 2)
        #expect(difference.details[1].contains("additional: ns1.example.com. 3600 IN AAAA 2001:db8::53"))
        #expect(!difference.details[0].contains("2001:db8::53"))
    }
}
