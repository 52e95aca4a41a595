import Testing
import VolleyCore

@testable import VolleyDNS

/// What an authoritative server has to show: RFC 8906's behaviours and those around them.
@Suite("Answers")
struct AnswerTests {
    static let zone = """
        $ORIGIN example.com.
        $TTL 3600
        @       300 IN SOA ns1 admin 2026010101 7200 3600 1209600 120
                IN NS ns1
                IN NS ns2.example.net.
                IN MX 10 mail
        ns1     IN A 192.0.2.53
                IN AAAA 2001:db8::53
        mail    IN A 192.0.2.25
        www     IN A 192.0.2.80
                IN A 192.0.2.81
        alias   IN CNAME www
        outside IN CNAME www.example.org.
        chain   IN CNAME alias
        loop1   IN CNAME loop2
        loop2   IN CNAME loop1
        dangling IN CNAME nothing
        deep.empty IN TXT "below an empty name"
        *.wild  IN TXT "from the wildcard"
                IN MX 5 mail
        sub     IN NS ns.sub
                IN NS ns1
        ns.sub  IN A 192.0.2.54
        below.sub IN A 192.0.2.55
        old     IN DNAME renewed.example.net.
        here    IN DNAME wild
        """
    static let big =
        "$ORIGIN big.test.\n@ 60 SOA ns admin 1 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.1\n"
        + (0..<12).map { "many 60 TXT \"\(String(repeating: "x", count: 100))\($0)\"\n" }.joined()

    static func server() throws -> TestServer { try TestServer(("example.com.", zone), ("big.test.", big)) }

    static let soa = "example.com. 120 IN SOA ns1.example.com. admin.example.com. 2026010101 7200 3600 1209600 120"

    @Test("a record that is there: AA, the question as asked, id and RD of the query, nothing else")
    func positive() throws {
        var query = DNSMessage(query: DNSQuestion(name("wWw.eXaMpLe.CoM."), .a), id: 0xbeef)
        query.header.recursionDesired = true
        query.header.checkingDisabled = true
        query.header.isAuthenticData = true
        query.header.bits |= 0x40
        let server = try Self.server()
        let bytes = try #require(server.raw(query.encoded()))
        let answer = try DNSMessage(bytes: bytes)
        #expect(answer.header.id == 0xbeef)
        #expect(answer.header.flagText == "qr aa rd")
        #expect(answer.questions == query.questions)
        #expect(answer.questions[0].name.description == "wWw.eXaMpLe.CoM.")
        #expect(answer.answers.allSatisfy { $0.owner.description == "wWw.eXaMpLe.CoM." })
        #expect(answer.lines(\.answers).map { $0.split(separator: " ").last } == ["192.0.2.80", "192.0.2.81"])
        #expect(answer.authorities.isEmpty && answer.additionals.isEmpty && answer.edns == nil)
        // A pointer to the question for each owner: 2 + 10 + 4 octets each.
        #expect(bytes.count == 12 + 17 + 4 + 2 * 16)
    }

    @Test("names in answers are compressed", arguments: ["example.com.", "EXAMPLE.com."])
    func compression(_ apex: String) throws {
        let server = try Self.server()
        let bytes = try #require(server.raw(DNSMessage(query: DNSQuestion(name(apex), .mx), id: 1).encoded()))
        #expect(bytes.count == 12 + 13 + 4 + 12 + 2 + 5 + 2)
        let answer = try DNSMessage(bytes: bytes)
        #expect(answer.answers.first?.data.name == name("mail.example.com."))
        let soa = try server.ask(apex, .soa)
        #expect(soa.answers.first?.data.serial == 2_026_010_101)
        #expect(try server.ask(apex, .ns).answers.count == 2)
    }

    @Test(
        "no such type: NOERROR and the SOA with the least of its TTL and minimum",
        arguments: [
            "www.example.com.", "empty.example.com.", "wild.example.com.", "x.wild.example.com.", "ns1.example.com.",
        ])
    func noData(_ text: String) throws {
        let answer = try Self.server().ask(text, DNSType(rawValue: 1000))
        #expect(answer.responseCode == .noError && answer.header.isAuthoritative)
        #expect(answer.answers.isEmpty)
        #expect(answer.lines(\.authorities) == [Self.soa])
    }

    @Test(
        "no such name: NXDOMAIN and the SOA",
        arguments: ["nothing.example.com.", "a.b.c.d.example.com.", "x.www.example.com."])
    func nameError(_ text: String) throws {
        let answer = try Self.server().ask(text, .a)
        #expect(answer.responseCode == .nameError && answer.header.isAuthoritative)
        #expect(answer.lines(\.authorities) == [Self.soa])
        // Composed as for a signed zone, it is the same.
        let composed = try Self.server().ask(text, .a, wantsSignatures: true)
        #expect(composed.lines(\.authorities) == [Self.soa] && composed.responseCode == .nameError)
    }

    @Test("wildcards answer for what does not exist, with the name asked for")
    func wildcards() throws {
        let server = try Self.server()
        let answer = try server.ask("Q.WiLd.example.com.", .txt)
        #expect(answer.answers.map(\.description) == [#"Q.WiLd.example.com. 3600 IN TXT "from the wildcard""#])
        #expect(answer.header.isAuthoritative)
        #expect(try server.ask("a.b.wild.example.com.", .txt).answers.count == 1)
        #expect(try server.ask("*.wild.example.com.", .txt).answers.count == 1)
        #expect(try server.ask("q.wild.example.com.", .mx).answers.first?.data.name == name("mail.example.com."))
    }

    @Test(
        "below a delegation: NS and glue, no AA",
        arguments: ["sub.example.com.", "a.b.sub.example.com.", "ns.sub.example.com."])
    func delegation(_ text: String) throws {
        for wantsSignatures in [nil, true] as [Bool?] {
            let answer = try Self.server().ask(text, .a, wantsSignatures: wantsSignatures)
            #expect(answer.responseCode == .noError && !answer.header.isAuthoritative)
            #expect(answer.answers.isEmpty)
            #expect(
                answer.lines(\.authorities) == [
                    "sub.example.com. 3600 IN NS ns.sub.example.com.", "sub.example.com. 3600 IN NS ns1.example.com.",
                ])
            #expect(
                answer.lines(\.additionals) == [
                    "ns.sub.example.com. 3600 IN A 192.0.2.54", "ns1.example.com. 3600 IN A 192.0.2.53",
                    "ns1.example.com. 3600 IN AAAA 2001:db8::53",
                ])
        }
    }

    @Test("the DS type at a delegation is the parent's to answer")
    func delegationSigner() throws {
        let answer = try Self.server().ask("sub.example.com.", .ds)
        #expect(answer.header.isAuthoritative && answer.answers.isEmpty)
        #expect(answer.lines(\.authorities) == [Self.soa])
        #expect(try Self.server().ask("x.sub.example.com.", .ds).kinds(\.authorities).contains("sub.example.com. NS"))
        // With the child here too, all but DS is the child's.
        let child = "@ 60 SOA ns admin 7 2 3 4 5\n@ 60 NS ns\nns 60 A 192.0.2.54\n"
        let both = try TestServer(("example.com.", Self.zone), ("sub.example.com.", child))
        #expect(try both.ask("sub.example.com.", .soa).answers.first?.data.serial == 7)
        #expect(try both.ask("sub.example.com.", .ds).lines(\.authorities) == [Self.soa])
        let alone = try TestServer(("sub.example.com.", child))
        #expect(try alone.ask("sub.example.com.", .ds).kinds(\.authorities) == ["sub.example.com. SOA"])
    }

    @Test("aliases are followed as far as this server knows")
    func aliases() throws {
        let server = try Self.server()
        let chain = try server.ask("chain.example.com.", .a)
        #expect(
            chain.answers.map { "\($0.owner) \($0.type)" }.prefix(2) == [
                "chain.example.com. CNAME", "alias.example.com. CNAME",
            ])
        #expect(chain.kinds(\.answers).filter { $0 == "www.example.com. A" }.count == 2)
        #expect(chain.authorities.isEmpty && chain.header.isAuthoritative)
        #expect(try server.ask("alias.example.com.", .cname).answers.count == 1)
        let outside = try server.ask("outside.example.com.", .a)
        #expect(outside.kinds(\.answers) == ["outside.example.com. CNAME"] && outside.responseCode == .noError)
        let dangling = try server.ask("dangling.example.com.", .a)
        #expect(dangling.responseCode == .nameError && dangling.kinds(\.answers) == ["dangling.example.com. CNAME"])
        #expect(dangling.lines(\.authorities) == [Self.soa])
        let noData = try server.ask("alias.example.com.", .mx)
        #expect(noData.responseCode == .noError && noData.lines(\.authorities) == [Self.soa])
    }

    @Test("a circle of aliases ends")
    func aliasCircle() throws {
        let answer = try Self.server().ask("loop1.example.com.", .a)
        #expect(answer.kinds(\.answers) == ["loop1.example.com. CNAME", "loop2.example.com. CNAME"])
    }

    @Test("DNAME redirects what is below it, and not itself")
    func redirection() throws {
        let server = try Self.server()
        let answer = try server.ask("a.b.old.example.com.", .a)
        #expect(
            answer.lines(\.answers) == [
                "a.b.old.example.com. 3600 IN CNAME a.b.renewed.example.net.",
                "old.example.com. 3600 IN DNAME renewed.example.net.",
            ])
        #expect(try server.ask("old.example.com.", .a).lines(\.authorities) == [Self.soa])
        #expect(try server.ask("old.example.com.", .dname).answers.count == 1)
        let followed = try server.ask("x.here.example.com.", .txt)
        #expect(followed.answers.count == 3 && followed.answers.last?.owner == name("x.wild.example.com."))
        let long = String(repeating: "x", count: 63)
        let tooLong = try server.ask(
            "\(long).\(long).\(long).\(String(repeating: "y", count: 44)).old.example.com.", .a)
        #expect(tooLong.responseCode == .nameTooLong)
    }

    @Test("ANY is answered with one RRset (RFC 8482)")
    func any() throws {
        let server = try Self.server()
        #expect(Set(try server.ask("ns1.example.com.", .any).kinds(\.answers)) == ["ns1.example.com. A"])
        #expect(try server.ask("alias.example.com.", .any).kinds(\.answers) == ["alias.example.com. CNAME"])
        #expect(try server.ask("empty.example.com.", .any).lines(\.authorities) == [Self.soa])
        #expect(try server.ask("nothing.example.com.", .any).responseCode == .nameError)
    }

    @Test("somebody else's names are refused, without a word about who has them")
    func refused() throws {
        for text in ["example.org.", ".", "com.", "xexample.com."] {
            let answer = try Self.server().ask(text, .a)
            #expect(answer.responseCode == .refused && !answer.header.isAuthoritative)
            #expect(answer.authorities.isEmpty && answer.questions.count == 1)
        }
        #expect(try Self.server().ask("www.example.com.", .a, .hs).responseCode == .refused)
        #expect(try Self.server().ask("www.example.com.", .a, .any).answers.count == 2)
    }

    @Test("zones are not transferred by datagrams, and OPT is no type to ask for")
    func metaTypes() throws {
        let server = try Self.server()
        #expect(try server.ask("example.com.", .axfr).responseCode == .refused)
        #expect(try server.ask("example.com.", .ixfr).responseCode == .refused)
        #expect(try server.ask("example.com.", .tsig).responseCode == .notImplemented)
        #expect(try server.ask("example.com.", .opt).responseCode == .formatError)
    }

    @Test("version.bind and id.server say what they are told to, otherwise they are refused")
    func chaos() throws {
        var server = try Self.server()
        #expect(try server.ask("version.bind.", .txt, .ch).responseCode == .refused)
        server.answerer.options.version = "volley"
        server.answerer.options.hostname = "host-1"
        let answer = try server.ask("VERSION.bind.", .txt, .ch)
        #expect(answer.lines(\.answers) == [#"VERSION.bind. 0 CH TXT "volley""#])
        #expect(answer.header.isAuthoritative)
        #expect(try server.ask("id.server.", .txt, .ch).lines(\.answers) == [#"id.server. 0 CH TXT "host-1""#])
        #expect(try server.ask("example.com.", .txt, .ch).responseCode == .refused)
    }

    @Test("what does not fit is truncated: TC, no records, OPT kept; a stream has room")
    func truncation() throws {
        let server = try Self.server()
        for size in [nil, 0, 512, 1000, 4096] as [UInt16?] {
            let query = DNSMessage(
                query: DNSQuestion(name("many.big.test."), .txt), id: 1, edns: size.map { EDNS(payloadSize: $0) })
            let bytes = try #require(server.raw(query.encoded()))
            let answer = try DNSMessage(bytes: bytes)
            #expect(answer.header.isTruncated && answer.answers.isEmpty && answer.header.isAuthoritative)
            #expect((answer.edns != nil) == (size != nil))
            let whole = try server.ask(query, isStream: true)
            #expect(!whole.header.isTruncated && whole.answers.count == 12)
        }
    }

    @Test("a referral of which the glue does not fit is truncated (RFC 9471)")
    func referralTruncation() throws {
        let servers = (0..<20).map {
            "sub 60 NS ns\($0).sub\nns\($0).sub 60 A 192.0.2.\($0)\nns\($0).sub 60 AAAA 2001:db8::\($0)\n"
        }
        let server = try TestServer(("t.", "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\n" + servers.joined()))
        let plain = try server.ask("x.sub.t.", .a)
        #expect(plain.header.isTruncated && !plain.header.isAuthoritative && plain.authorities.isEmpty)
        let whole = try server.ask("x.sub.t.", .a, isStream: true)
        #expect(whole.authorities.count == 20 && whole.additionals.count == 40)
    }
}
