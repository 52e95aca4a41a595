import Foundation
import Testing
import Volley
import VolleyDNS

/// Programs of others as clients of our DNS responder, and zones signed by others.
struct DNSPeerTests {
    private static let zone = """
        $ORIGIN example.com.
        $TTL 3600
        @       300 IN SOA ns1 admin 2026010101 7200 3600 1209600 120
                IN NS ns1
                IN MX 10 mail
        ns1     IN A 192.0.2.53
                IN AAAA 2001:db8::53
        mail    IN A 192.0.2.25
        www     IN A 192.0.2.80
        alias   IN CNAME www
        deep.empty IN TXT "below an empty name"
        *.wild  IN TXT "from the wildcard"
        odd     IN TXT "quote \\" backslash \\\\ octet \\007"
                IN SRV 0 5 5060 mail
                IN CAA 0 issue "ca.example"
                IN HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.80
                IN NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp
                IN TLSA 3 1 1 ABCD
                IN SSHFP 2 1 123456789ABCDEF67890123456789ABCDEF67890
                IN TYPE65280 \\# 3 ABCDEF
        sub     IN NS ns.sub
        ns.sub  IN A 192.0.2.54

        """

    private struct Server {
        let loop: LiveEventLoop
        let port: UInt16

        init(_ contents: [UInt8], options: DNSServerOptions = DNSServerOptions()) async throws {
            let zone = try Zone(parsing: contents, file: "zone", apex: DomainName(parsing: "example.com."))
            let authority = Authority([zone])
            loop = try LiveEventLoop()
            let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) {
                DNSResponder(authority, options: options)
            }
            port = try #require(endpoint.localAddress).port
        }
    }

    @Test("dig shows every type as it stands in the zone", .needs(.dig))
    func types() async throws {
        let server = try await Server(Array(Self.zone.utf8))
        defer { server.loop.stop() }
        for (type, expected) in [
            ("TXT", #""quote \" backslash \\ octet \007""#), ("SRV", "0 5 5060 mail.example.com."),
            ("CAA", #"0 issue "ca.example""#), ("HTTPS", #"1 . alpn="h2,h3" port=8443 ipv4hint=192.0.2.80"#),
            ("NAPTR", #"100 50 "s" "SIP+D2U" "" _sip._udp.example.com."#), ("TLSA", "3 1 1 ABCD"),
            ("SSHFP", "2 1 123456789ABCDEF67890123456789ABCDEF67890"), ("TYPE65280", "\\# 3 ABCDEF"),
        ] {
            let output = try await Tool.dig.run(
                ["@127.0.0.1", "-p", "\(server.port)", "+short", "+nosplit", "+tries=1", "odd.example.com", type])
            #expect(output.lines == [expected])
        }
    }

    @Test("dig agrees on status, flags and sections", .needs(.dig))
    func statuses() async throws {
        var options = DNSServerOptions()
        options.version = "volley"
        options.identifier = Array("ns-1".utf8)
        let server = try await Server(Array(Self.zone.utf8), options: options)
        defer { server.loop.stop() }
        let cases: [(arguments: [String], parts: [String])] = [
            (
                ["wWw.eXample.com", "A"],
                [
                    "status: NOERROR", "flags: qr aa rd;", "ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1", "wWw.eXample.com.",
                    "COOKIE: ", "(good)", "udp: 1232",
                ]
            ),
            (["nothing.example.com", "A"], ["status: NXDOMAIN", "AUTHORITY: 1", "\t120\tIN\tSOA"]),
            (["empty.example.com", "A"], ["status: NOERROR", "ANSWER: 0, AUTHORITY: 1"]),
            (["x.wild.example.com", "TXT"], ["status: NOERROR", "from the wildcard"]),
            (
                ["x.sub.example.com", "A"],
                ["status: NOERROR", "flags: qr rd;", "ns.sub.example.com.\t3600\tIN\tA\t192.0.2.54"]
            ),
            (["alias.example.com", "A"], ["ANSWER: 2", "CNAME\twww.example.com."]),
            (["example.org", "A"], ["status: REFUSED"]),
            (["example.com", "ANY", "+notcp"], ["status: NOERROR", "ANSWER: 1"]),
            (["+edns=1", "+noednsneg", "www.example.com"], ["status: BADVERS", "EDNS: version: 0"]),
            (["+ednsopt=100", "+ednsflags=0x40", "www.example.com"], ["status: NOERROR", "ANSWER: 1"]),
            (["+opcode=15", "www.example.com"], ["status: NOTIMP", "opcode: RESERVED15"]),
            (["+nsid", "www.example.com"], [#"NSID: 6e 73 2d 31 ("ns-1")"#]),
            (["version.bind", "CH", "TXT"], [#""volley""#]),
        ]
        for (arguments, parts) in cases {
            let output = try await Tool.dig.run(["@127.0.0.1", "-p", "\(server.port)", "+tries=1"] + arguments)
            for part in parts { #expect(output.text.contains(part), "\(arguments): \(output.text)") }
            #expect(!output.text.contains("WARNING: Message"), "\(output.text)")
        }
    }

    @Test(
        "delv validates what we serve of zones that dnssec-signzone has signed, what is there and what is not",
        .needs(.delv, .dnssecKeygen, .dnssecSignzone), arguments: [false, true])
    func validation(_ nsec3: Bool) async throws {
        let folder = try TemporaryFolder()
        let keys = folder.path("")
        let signing = try await Tool.dnssecKeygen.run(
            ["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K", keys, "example.com"])
        _ = try await Tool.dnssecKeygen.run(["-q", "-a", "ECDSAP256SHA256", "-K", keys, "example.com"])
        try Data(Self.zone.utf8).write(to: folder.url("zone"))
        _ = try await Tool.dnssecSignzone.run(
            ["-S", "-K", keys, "-d", keys, "-o", "example.com"] + (nsec3 ? ["-3", "AABBCCDD", "-H", "3"] : [])
                + ["-f", folder.path("signed"), folder.path("zone")])
        let key = try String(contentsOf: folder.url("\(try #require(signing.lines.first)).key"), encoding: .utf8)
        let fields = try #require(key.split(separator: "\n").first { !$0.hasPrefix(";") }).split(separator: " ")
        let start = try #require(fields.firstIndex(of: "DNSKEY")) + 1
        let anchor =
            "trust-anchors { example.com. static-key \(fields[start..<start + 3].joined(separator: " ")) "
            + "\"\(fields[(start + 3)...].joined())\"; };\n"
        try Data(anchor.utf8).write(to: folder.url("anchor"))

        let server = try await Server(Array(try Data(contentsOf: folder.url("signed"))))
        defer { server.loop.stop() }
        for (question, expected) in [
            (["www.example.com", "A"], "; fully validated"), (["example.com", "DNSKEY"], "; fully validated"),
            (["example.com", "MX"], "; fully validated"), (["alias.example.com", "A"], "; fully validated"),
            (["a.b.wild.example.com", "TXT"], "; fully validated"),
            (["nothing.example.com", "A"], "; negative response, fully validated"),
            (["a.b.c.example.com", "A"], "; negative response, fully validated"),
            (["www.example.com", "MX"], "; negative response, fully validated"),
            (["empty.example.com", "A"], "; negative response, fully validated"),
            (["x.wild.example.com", "MX"], "; negative response, fully validated"),
            (["sub.example.com", "DS"], "; negative response, fully validated"),
        ] {
            let output = try await Tool.delv.run(
                ["@127.0.0.1", "-p", "\(server.port)", "-a", folder.path("anchor"), "+root=example.com"] + question)
            #expect(output.text.contains(expected), "\(question): \(output.text) \(output.errors)")
        }
    }
}
