import Testing
import VolleyCore

@testable import VolleyDNS

/// Signed zones: those of RFC 4035 appendix A and RFC 5155 appendix A, with their questions of appendix B.
@Suite("DNSSEC")
struct DenialTests {
    private static let plain = """
        @ SOA ns1 bugs.x.w 1 3600 300 3600000 3600
        @ NS ns1
        @ NS ns2
        @ MX 1 xx
        @ DNSKEY 256 3 5 AQOy
        a NS ns1.a
        a DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
        ns1.a A 192.0.2.5
        ai A 192.0.2.9
        ai HINFO "KLH-10" "ITS"
        ai AAAA 2001:db8::f00:baa9
        ns1 A 192.0.2.1
        ns2 A 192.0.2.2
        *.w MX 1 ai
        x.w MX 1 xx
        x.y.w MX 1 xx
        xx A 192.0.2.10
        xx HINFO "KLH-10" "TOPS-20"
        xx AAAA 2001:db8::f00:baaa

        """

    private static let nsec = """
        b NS ns1.b
        ns1.b A 192.0.2.7
        @ NSEC a NS SOA MX RRSIG NSEC DNSKEY
        a NSEC ai NS DS RRSIG NSEC
        ai NSEC b A HINFO AAAA RRSIG NSEC
        b NSEC ns1 NS RRSIG NSEC
        ns1 NSEC ns2 A RRSIG NSEC
        ns2 NSEC *.w A RRSIG NSEC
        *.w NSEC x.w MX RRSIG NSEC
        x.w NSEC x.y.w MX RRSIG NSEC
        x.y.w NSEC xx MX RRSIG NSEC
        xx NSEC @ A HINFO AAAA RRSIG NSEC

        """

    /// Owner, hash and types, in the order of the hashes.
    static let hashes: [(String, String, String)] = [
        ("example.", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "MX DNSKEY NS SOA NSEC3PARAM RRSIG"),
        ("ns1.example.", "2t7b4g4vsa5smi47k61mv5bv1a22bojr", "A RRSIG"),
        ("x.y.w.example.", "2vptu5timamqttgl4luu9kg21e0aor3s", "MX RRSIG"),
        ("a.example.", "35mthgpgcu1qg68fab165klnsnk3dpvl", "NS DS RRSIG"),
        ("x.w.example.", "b4um86eghhds6nea196smvmlo4ors995", "MX RRSIG"),
        ("ai.example.", "gjeqe526plbf1g8mklp59enfd789njgi", "A HINFO AAAA RRSIG"),
        ("y.w.example.", "ji6neoaepv8b5o6k4ev33abha8ht9fgc", ""),
        ("w.example.", "k8udemvp1j2f7eg6jebps17vp3n8i58h", ""),
        ("ns2.example.", "q04jkcevqvmu85r014c7dkba38o0ji5r", "A RRSIG"),
        ("*.w.example.", "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "MX RRSIG"),
        ("xx.example.", "t644ebqk9bibcna874givr6joj62mlhv", "A HINFO AAAA RRSIG"),
    ]

    /// Every set of the zone's own gets a signature, whose octets nobody here checks.
    static func server(nsec3: Bool) throws -> TestServer {
        var text = "$ORIGIN example.\n$TTL 3600\n" + plain
        if nsec3 {
            text += "c NS ns1.c\nns1.c A 192.0.2.8\n@ NSEC3PARAM 1 0 12 aabbccdd\n"
            for (index, (_, hash, types)) in hashes.enumerated() {
                text += "\(hash) NSEC3 1 1 12 aabbccdd \(hashes[(index + 1) % hashes.count].1) \(types)\n"
            }
        } else {
            text += nsec
        }
        var records = try ZoneFile.records(parsing: Array(text.utf8), origin: .root)
        var signed: Set<DNSQuestion> = []
        for record in records {
            let isGlue = ["ns1.a.example.", "ns1.b.example.", "ns1.c.example."].contains { name($0) == record.owner }
            let isCut = record.type == .ns && record.owner != name("example.")
            guard !isGlue, !isCut, signed.insert(DNSQuestion(record.owner, record.type)).inserted else { continue }
            let data = try RecordData(
                parsing:
                    "\(record.type) 5 \(record.owner.labelCount) 3600 20050712112304 20050612112304 62699 example. AQID",
                type: .rrsig)
            records.append(DNSRecord(record.owner, ttl: 3600, data))
        }
        return TestServer(try Zone(name("example."), records: records))
    }

    /// Owner and type of a section, signatures with the type they cover.
    private func kinds(_ records: [DNSRecord]) -> [String] {
        records.map { record in
            let covered = record.type == .rrsig ? " \(record.data.description.prefix { $0 != " " })" : ""
            return "\(record.owner.description.split(separator: ".").first ?? "@") \(record.type)\(covered)"
        }.sorted()
    }

    private func expectation(_ names: [String], _ type: String) -> [String] {
        names.flatMap { ["\($0) \(type)", "\($0) RRSIG \(type)"] }
    }

    @Test("names hash as in RFC 5155 appendix A")
    func hashing() throws {
        let hashing = NameHashing(salt: hex("aabbccdd"), iterations: 12)
        for (owner, hash, _) in Self.hashes {
            let wire = name(owner).wire
            let octets = hashing.hash(RawSpan(wire.span)).octets
            var text: [UInt8] = []
            Base.append(base32: RawSpan(octets.span), to: &text)
            #expect(String(decoding: text, as: UTF8.self) == hash)
        }
    }

    @Test("SHA-1 of nothing, of abc, and of what fills a block")
    func digest() {
        func digest(_ text: String) -> SHA1.Digest {
            let bytes = Array(text.utf8)
            return SHA1.digest(RawSpan(bytes.span), RawSpan())
        }
        #expect(digest("") == SHA1.Digest(high: 0xda39_a3ee_5e6b_4b0d, middle: 0x3255_bfef_9560_1890, low: 0xafd8_0709))
        #expect(
            digest("abc") == SHA1.Digest(high: 0xa999_3e36_4706_816a, middle: 0xba3e_2571_7850_c26c, low: 0x9cd0_d89d))
        #expect(
            digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")
                == SHA1.Digest(high: 0x8498_3e44_1c3b_d26e, middle: 0xbaae_4aa1_f951_29e5, low: 0xe546_70f1))
    }

    @Test("without DO a signed zone looks like any other", arguments: [false, true])
    func withoutDO(_ nsec3: Bool) throws {
        let server = try Self.server(nsec3: nsec3)
        #expect(kinds(try server.ask("x.w.example.", .mx).answers) == ["x MX"])
        #expect(kinds(try server.ask("ml.example.", .a).authorities) == ["example SOA"])
        #expect(kinds(try server.ask("mc.a.example.", .mx).authorities) == ["a NS"])
        #expect(kinds(try server.ask("a.z.w.example.", .mx).answers) == ["a MX"])
        #expect(try server.ask("a.z.w.example.", .mx).authorities.isEmpty)
    }

    @Test("B.1: an answer comes with its signature", arguments: [false, true])
    func positive(_ nsec3: Bool) throws {
        let answer = try Self.server(nsec3: nsec3).ask("x.w.example.", .mx, wantsSignatures: true)
        #expect(kinds(answer.answers) == ["x MX", "x RRSIG MX"])
        #expect(answer.edns?.isDNSSECWanted == true)
        let signatures = try Self.server(nsec3: nsec3).ask("x.w.example.", .rrsig)
        #expect(kinds(signatures.answers).contains("x RRSIG MX"))
    }

    @Test(
        "NSEC: RFC 4035 appendix B",
        arguments: [
            ("ml.example.", "A", 3, ["b", "example"]), ("ns1.example.", "MX", 0, ["ns1"]),
            ("a.z.w.example.", "AAAA", 0, ["x", "*"]), ("example.", "DS", 0, ["example"]),
            ("y.w.example.", "A", 0, ["x"]),
            ("w.example.", "A", 0, ["ns2"]), ("a.a.xx.example.", "A", 3, ["xx"]),
            ("zz.example.", "A", 3, ["xx", "example"]),
        ])
    func nsec(_ text: String, _ type: String, _ code: UInt16, _ proofs: [String]) throws {
        let answer = try Self.server(nsec3: false).ask(text, #require(DNSType(type)), wantsSignatures: true)
        #expect(answer.responseCode.rawValue == code && answer.header.isAuthoritative)
        #expect(
            kinds(answer.authorities) == (expectation(proofs, "NSEC") + expectation(["example"], "SOA")).sorted())
    }

    @Test(
        "NSEC3: RFC 5155 appendix B",
        arguments: [
            ("a.c.x.w.example.", "A", 3, ["0p9m", "b4um", "35mt"]), ("ns1.example.", "MX", 0, ["2t7b"]),
            ("y.w.example.", "A", 0, ["ji6n"]), ("a.z.w.example.", "AAAA", 0, ["k8ud", "q04j", "r53b"]),
            ("example.", "DS", 0, ["0p9m"]),
        ])
    func nsec3(_ text: String, _ type: String, _ code: UInt16, _ proofs: [String]) throws {
        let answer = try Self.server(nsec3: true).ask(text, #require(DNSType(type)), wantsSignatures: true)
        #expect(answer.responseCode.rawValue == code && answer.header.isAuthoritative)
        let found = answer.authorities.filter { $0.type == .nsec3 }.map { String($0.owner.description.prefix(4)) }
        #expect(found.sorted() == proofs.sorted())
        #expect(answer.authorities.filter { $0.type == .rrsig }.count == proofs.count + 1)
    }

    @Test("an NSEC3 record's owner is no name (RFC 5155 section 7.2.8)")
    func hashedOwner() throws {
        let answer = try Self.server(nsec3: true).ask("2t7b4g4vsa5smi47k61mv5bv1a22bojr.example.", .nsec3)
        #expect(answer.responseCode == .nameError)
    }

    @Test("a signed delegation shows its DS, an unsigned one that there is none", arguments: [false, true])
    func delegations(_ nsec3: Bool) throws {
        let server = try Self.server(nsec3: nsec3)
        let signed = try server.ask("mc.a.example.", .mx, wantsSignatures: true)
        #expect(kinds(signed.authorities) == ["a DS", "a NS", "a RRSIG DS"])
        #expect(signed.kinds(\.additionals) == ["ns1.a.example. A"] && !signed.header.isAuthoritative)
        let unsigned = try server.ask(nsec3 ? "mc.c.example." : "mc.b.example.", .mx, wantsSignatures: true)
        if nsec3 {
            #expect(
                Set(unsigned.authorities.filter { $0.type == .nsec3 }.map { String($0.owner.description.prefix(4)) })
                    == ["0p9m", "35mt"])
        } else {
            #expect(kinds(unsigned.authorities) == ["b NS", "b NSEC", "b RRSIG NSEC"])
        }
        let signers = try server.ask("a.example.", .ds, wantsSignatures: true)
        #expect(kinds(signers.answers) == ["a DS", "a RRSIG DS"] && signers.header.isAuthoritative)
    }

    @Test("what a wildcard answers comes with the proof that nothing is closer", arguments: [false, true])
    func wildcard(_ nsec3: Bool) throws {
        let answer = try Self.server(nsec3: nsec3).ask("a.z.w.example.", .mx, wantsSignatures: true)
        #expect(kinds(answer.answers) == ["a MX", "a RRSIG MX"])
        #expect(answer.answers.allSatisfy { $0.owner == name("a.z.w.example.") })
        let proofs = answer.authorities.map { String($0.owner.description.prefix(4)) }
        #expect(Set(proofs) == [nsec3 ? "q04j" : "x.y."] && proofs.count == 2)
    }
}
