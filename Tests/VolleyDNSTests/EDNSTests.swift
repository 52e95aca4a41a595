import Testing
import VolleyCore

@testable import VolleyDNS

@Suite("EDNS")
struct EDNSTests {
    private func ask(_ edns: EDNS, _ change: (inout TestServer) -> Void = { _ in }) throws -> DNSMessage {
        var server = try AnswerTests.server()
        change(&server)
        return try server.ask(DNSMessage(query: DNSQuestion(name("www.example.com."), .a), id: 9, edns: edns))
    }

    @Test("an OPT record is answered with one: version 0, our payload size, DO as asked")
    func plain() throws {
        let answer = try ask(EDNS(payloadSize: 4096))
        #expect(answer.edns == EDNS(payloadSize: 1232))
        #expect(answer.answers.count == 2)
        #expect(try ask(EDNS(isDNSSECWanted: true)).edns?.isDNSSECWanted == true)
    }

    @Test("version 1 is BADVERS, with version 0, no answer and no AA", arguments: [0, 0x40, 0x8000] as [UInt16])
    func version(_ flags: UInt16) throws {
        var edns = EDNS(options: [EDNSOption(code: 100, data: [1, 2])])
        edns.version = 1
        edns.flags = flags
        let answer = try ask(edns)
        #expect(answer.responseCode == .badVersion)
        #expect(answer.edns?.version == 0 && answer.edns?.options == [])
        #expect(answer.answers.isEmpty && !answer.header.isAuthoritative)
    }

    @Test("unknown options and flags are ignored and not echoed")
    func unknown() throws {
        var edns = EDNS(options: [
            EDNSOption(code: 100, data: [1]), .padding(20), .clientSubnet(IPAddress(v4: 1), prefix: 24),
        ])
        edns.flags = 0x40
        let answer = try ask(edns)
        #expect(answer.responseCode == .noError && answer.answers.count == 2)
        #expect(answer.edns?.options == [] && answer.edns?.flags == 0)
    }

    @Test("NSID is given to who asks, if there is one")
    func identifier() throws {
        #expect(try ask(EDNS(options: [.nsid()])).edns?.options == [])
        let answer = try ask(EDNS(options: [.nsid()])) { $0.answerer.options.identifier = Array("ns1".utf8) }
        #expect(answer.edns?.options == [.nsid(Array("ns1".utf8))])
    }

    /// The secret, client and time of RFC 9018 appendix A.1.
    private static let cookies = ServerCookies(secret: (0x3fa4_b2a6_e573_e9e5, 0xcfbf_379e_84dc_e748))
    private static let client = DNSAnswerer.Client(IPAddress(v4: 0xc633_6464), now: 1_559_731_985)
    private static let clientCookie: UInt64 = 0x2464_c4ab_cf10_c957

    @Test("the server's cookie is that of RFC 9018 appendix A.1, and known again")
    func cookies() throws {
        var server = try AnswerTests.server()
        server.answerer.options.cookies = Self.cookies
        func ask(_ option: EDNSOption, _ client: DNSAnswerer.Client) throws -> (DNSMessage, Bool) {
            let query = try DNSMessage(
                query: DNSQuestion(name("www.example.com."), .a), id: 9, edns: EDNS(options: [option])
            ).encoded()
            var outcome = DNSAnswerer.Outcome()
            let bytes = try [UInt8](encoding: 1232) { output throws(DNSError) in
                outcome = server.answerer.answer(RawSpan(query.span), from: client, into: &output)
            }
            return (try DNSMessage(bytes: bytes), outcome.hasValidCookie)
        }
        let (first, isKnown) = try ask(.cookie(client: Self.clientCookie), Self.client)
        let cookie = try #require(first.edns?.options.first?.cookie)
        #expect(!isKnown)
        #expect(cookie.client == Self.clientCookie)
        #expect(cookie.server == hex("010000005cf79f111f8130c3eee29480"))
        let again = EDNSOption.cookie(client: Self.clientCookie, server: cookie.server)
        #expect(try ask(again, Self.client).1)
        var other = Self.client
        other.address = IPAddress(v4: 0xc633_6465)
        #expect(try !ask(again, other).1)
        for (seconds, isValid) in [(UInt32(3600), true), (3601, false), (.max - 299, true), (.max - 300, false)] {
            var later = Self.client
            later.now &+= seconds
            #expect(try ask(again, later).1 == isValid, "\(seconds)")
        }
        let wrong = EDNSOption.cookie(client: Self.clientCookie ^ 1, server: cookie.server)
        #expect(try !ask(wrong, Self.client).1)
        #expect(try ask(EDNSOption(code: 10, data: [1, 2, 3]), Self.client).0.responseCode == .formatError)
    }

    @Test("options are read as they are made")
    func options() throws {
        let subnet = EDNSOption.clientSubnet(IPAddress(v4: 0xc000_02ff), prefix: 20)
        #expect(subnet.data == hex("0001 14 00 c00000"))
        #expect(subnet.clientSubnet?.prefix == 20 && subnet.clientSubnet?.address == IPAddress(v4: 0xc000_0000))
        #expect(subnet.description == "CLIENT-SUBNET 192.0.0.0/20/0")
        let wide = EDNSOption.clientSubnet(IPAddress(v6High: 0x2001_0db8_ffff_ffff, low: 0), prefix: 33, scope: 5)
        #expect(wide.data == hex("0002 21 05 20010db880"))
        #expect(EDNSOption(code: 8, data: hex("0001 21 00 c0000201")).clientSubnet == nil)
        #expect(EDNSOption(code: 8, data: hex("0001 10 00 c0")).clientSubnet == nil)
        let error = EDNSOption.extendedError(18, "no")
        #expect(error.extendedError?.info == 18 && error.description == "EDE 18 (no)")
        #expect(EDNSOption.padding(3).data == [0, 0, 0])
        #expect(EDNSOption.cookie(client: 1, server: [UInt8](repeating: 2, count: 7)).cookie == nil)
        let edns = EDNS(payloadSize: 1400, isDNSSECWanted: true, options: [subnet, error, .padding(3)])
        let message = DNSMessage(query: DNSQuestion(.root, .ns), id: 1, edns: edns)
        #expect(try DNSMessage(bytes: message.encoded()).edns == edns)
    }
}
