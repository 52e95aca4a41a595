import Testing
import VolleyCore

@testable import VolleyDNS

@Suite("Messages")
struct MessageTests {
    static func sample() throws -> DNSMessage {
        var message = DNSMessage(query: DNSQuestion(name("www.example.com."), .mx), id: 0x1234, edns: EDNS())
        message.header.isResponse = true
        for (type, text, section) in [
            ("MX", "10 mail.example.com.", 0), ("MX", "20 mail2.example.com.", 0), ("NS", "ns.example.com.", 1),
            ("SOA", "ns.example.com. admin.example.com. 1 2 3 4 5", 1), ("A", "192.0.2.1", 2),
            ("SRV", "1 2 3 www.example.com.", 2),
        ] {
            let type = try #require(DNSType(type))
            let record = DNSRecord(name("www.example.com."), ttl: 60, try RecordData(parsing: text, type: type))
            switch section {
            case 0: message.answers.append(record)
            case 1: message.authorities.append(record)
            default: message.additionals.append(record)
            }
        }
        return message
    }

    @Test("what is written is read again, in compressed form")
    func roundTrip() throws {
        let message = try Self.sample()
        let bytes = try message.encoded()
        var again = try DNSMessage(bytes: bytes)
        #expect(again.header.answerCount == 2 && again.header.authorityCount == 2 && again.header.additionalCount == 3)
        again.header = message.header
        #expect(again == message)
        // Of www.example.com only the first is written out, in data only where RFC 1035 defines the type.
        let occurrences = bytes.indices.filter { bytes[$0...].starts(with: [7] + Array("example".utf8)) }.count
        #expect(occurrences == 2)
    }

    @Test("the letters of compressed names may be of the other case")
    func compressedCase() throws {
        var message = DNSMessage(query: DNSQuestion(name("WWW.example."), .a), id: 1)
        message.answers = [DNSRecord(name("www.EXAMPLE."), ttl: 1, RecordData(IPAddress(v4: 1)))]
        let again = try DNSMessage(bytes: message.encoded())
        #expect(again.answers[0].owner.description == "WWW.example.")
    }

    @Test("what does not fit is left out by whole RRsets, OPT stays, TC says so")
    func limits() throws {
        let message = try Self.sample()
        let whole = try message.encoded().count
        var seen: Set<Int> = []
        for limit in 60...whole {
            guard let bytes = try? message.encoded(limit: limit) else { continue }
            #expect(bytes.count <= limit)
            let part = try DNSMessage(bytes: bytes)
            #expect(part.edns != nil)
            #expect(part.answers.count == 0 || part.answers.count == 2)
            #expect(part.header.isTruncated == (part.answers.count + part.authorities.count < 4), "\(limit)")
            seen.insert(part.answers.count + part.authorities.count)
        }
        #expect(seen == [0, 2, 3, 4])
        #expect(throws: DNSError.self) { try message.encoded(limit: 20) }
        #expect(throws: DNSError.self) { try message.encoded(limit: 0) }
    }

    @Test("a reader looks into records only where it is asked to")
    func reader() throws {
        let bytes = try Self.sample().encoded()
        var reader = try DNSReader(RawSpan(bytes.span))
        #expect(try reader.nextQuestion()?.type == .mx)
        var types: [DNSType] = []
        while let record = try reader.nextRecord() {
            types.append(record.type)
            if record.type == .a {
                let address = try record.data().address
                #expect(address == IPAddress(v4: 0xc000_0201))
                let isWWW = record.owner.isEqual(to: name("WWW.example.com."))
                #expect(isWWW)
                #expect(record.section == .additional)
            }
        }
        #expect(types == [.mx, .mx, .ns, .soa, .a, .srv, .opt])
        try reader.finish()
    }

    @Test("sections are written in their order, questions first")
    func order() throws {
        let bytes = try [UInt8](encoding: 512) { output throws(DNSError) in
            try output.writeDNS(header: DNSHeader(id: 1)) { writer throws(DNSError) in
                let record = DNSRecord(.root, ttl: 1, RecordData(IPAddress(v4: 1)))
                try writer.append(record, to: .authority)
                try writer.append(record, to: .additional)
            }
        }
        #expect(try DNSMessage(bytes: bytes).authorities.count == 1)
        #expect(throws: DNSError.self) {
            try [UInt8](encoding: 512) { output throws(DNSError) in
                try output.writeDNS(header: DNSHeader()) { writer throws(DNSError) in
                    let record = DNSRecord(.root, ttl: 1, RecordData(IPAddress(v4: 1)))
                    try writer.append(record, to: .additional)
                    try writer.append(record, to: .answer)
                }
            }
        }
    }

    @Test("a failed writing leaves the span as it was")
    func failure() throws {
        let bytes = try [UInt8](encoding: 40) { output throws(DNSError) in
            output.append(7)
            let question = DNSQuestion(name("a.much.longer.name.than.fits.example."), .a)
            let error = Result { () throws(DNSError) in
                try output.writeDNS(header: DNSHeader()) { writer throws(DNSError) in try writer.append(question) }
            }
            if case .success = error { throw DNSError(.badSection, at: 0) }
        }
        #expect(bytes == [7])
    }

    @Test("mutated messages: no trap, and what is read can be written and read again")
    func mutations() throws {
        var generator = SplitMix64(seed: FuzzRounds.seed)
        let seed = try Self.sample().encoded()
        var read = 0
        for _ in 0..<FuzzRounds.count(50_000) {
            var bytes = seed
            Mutation.apply(&bytes, &generator)
            guard var message = try? DNSMessage(bytes: bytes) else { continue }
            read += 1
            _ = message.description
            guard let written = try? message.encoded() else { continue }
            guard var again = try? DNSMessage(bytes: written) else {
                Issue.record("cannot be read again: \(bytes)")
                continue
            }
            if again.header.isTruncated, !message.header.isTruncated { continue }
            message.header = DNSHeader()
            again.header = DNSHeader()
            if message != again { Issue.record("differs: \(bytes)") }
        }
        #expect(read > 100)
    }
}
