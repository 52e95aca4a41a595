import Testing
import VolleyCore
import VolleyDNS

@Suite("Record data")
struct RecordDataTests {
    /// Type, text as it is written, and its octets.
    static let samples: [(String, String, String)] = [
        ("A", "192.0.2.1", "c0000201"),
        ("AAAA", "2001:db8::1", "20010db8000000000000000000000001"),
        ("NS", "ns1.example.", "036e7331076578616d706c6500"),
        ("CNAME", "www.example.", "03777777076578616d706c6500"),
        ("PTR", "host.example.", "04686f7374076578616d706c6500"),
        ("DNAME", "other.", "056f7468657200"),
        (
            "SOA", "ns. admin. 2026010101 7200 3600 1209600 300",
            "026e7300 0561646d696e00 78c275f5 00001c20 00000e10 00127500 0000012c"
        ),
        ("MX", "10 mail.example.", "000a046d61696c076578616d706c6500"),
        ("TXT", #""v=spf1 -all" "" "a\"b\\c\007""#, "0b763d73706631202d616c6c 00 06612262 5c6307"),
        ("SPF", #""x""#, "0178"),
        ("HINFO", #""RFC8482" """#, "0752464338343832 00"),
        ("RP", "a. b.", "016100 016200"),
        ("AFSDB", "1 a.", "0001 016100"),
        ("KX", "1 a.", "0001 016100"),
        ("SRV", "0 5 5060 sip.example.", "0000 0005 13c4 03736970076578616d706c6500"),
        (
            "NAPTR", #"100 50 "s" "SIP+D2U" "" _sip._udp."#,
            "0064 0032 0173 075349502b443255 00 045f736970045f75647000"
        ),
        (
            "DS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
            "ec45 05 01 2bb183af5f22588179a53b0a98631fad1a292118"
        ),
        ("CDS", "0 0 0 00", "0000 00 00 00"),
        ("SSHFP", "2 1 123456789ABCDEF67890123456789ABCDEF67890", "0201123456789abcdef67890123456789abcdef67890"),
        (
            "RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 example. AQID",
            "0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52 076578616d706c6500 010203"
        ),
        (
            "NSEC", "host.example. A MX RRSIG NSEC TYPE1234",
            "04686f7374076578616d706c6500 0006400100000003 041b 000000000000000000000000000000000000000000000000000020"
        ),
        ("DNSKEY", "257 3 8 AQIDBA==", "0101 03 08 01020304"),
        ("CDNSKEY", "0 3 0 AA==", "0000 03 00 00"),
        (
            "NSEC3", "1 1 12 AABBCCDD 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX RRSIG",
            "01 01 000c 04aabbccdd 14 174eb2409fe28bcb4887a1836f957f0a8425e27b 000600010000 0002"
        ),
        ("NSEC3PARAM", "1 0 0 -", "01 00 0000 00"),
        ("TLSA", "3 1 1 ABCD", "030101abcd"),
        ("SMIMEA", "3 1 1 ABCD", "030101abcd"),
        ("OPENPGPKEY", "AQID", "010203"),
        ("CSYNC", "66 3 A NS AAAA", "00000042 0003 000460000008"),
        ("ZONEMD", "2026010101 1 1 ABCDEF", "78c275f5 01 01 abcdef"),
        ("CAA", #"0 issue "ca.example; policy=ev""#, "00 056973737565 63612e6578616d706c653b20706f6c6963793d6576"),
        ("URI", #"10 1 "https://example/""#, "000a 0001 68747470733a2f2f6578616d706c652f"),
        ("SVCB", "0 alias.", "0000 05616c69617300"),
        (
            "HTTPS",
            #"1 . mandatory=alpn alpn="h2,h3" no-default-alpn port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1"#,
            """
            0001 00 0000 0002 0001 0001 0006 026832026833 0002 0000 0003 0002 20fb 0004 0004 c0000201
            0006 0010 20010db8000000000000000000000001
            """
        ),
        (
            "SVCB", #"16 foo. alpn="f\\\\oo\\,bar,h2" key667="hello""#,
            "0010 03666f6f00 0001 000c 08665c6f6f2c626172026832 029b 0005 68656c6c6f"
        ),
        ("TYPE731", ##"\# 3 ABCDEF"##, "abcdef"),
        ("TYPE731", ##"\# 0"##, ""),
    ]

    @Test("text and octets of every type, both ways", arguments: samples)
    func roundTrip(_ type: String, _ text: String, _ octets: String) throws {
        let type = try #require(DNSType(type))
        let data = try RecordData(parsing: text, type: type)
        #expect(data.bytes == hex(octets))
        #expect(data.type == type)
        let bytes = hex(octets)
        let read = try RecordData(RawSpan(bytes.span), type: type)
        #expect(read == data)
        #expect(try RecordData(parsing: read.description, type: type) == data)
        // CAA's tag is a string that needs no quotes, and stands without them in texts.
        if type != .caa { #expect(read.description == (type == .hinfo ? #""RFC8482" """# : text)) }
        // RFC 3597's form is understood for every type.
        let generic =
            "\\# \(bytes.count) " + bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(try RecordData(parsing: generic, type: type) == data)
    }

    @Test("no octet less, none more, for types with a fixed end", arguments: samples)
    func lengths(_ type: String, _ text: String, _ octets: String) throws {
        let type = try #require(DNSType(type))
        let bytes = hex(octets)
        for count in 0..<bytes.count {
            // Whatever it is, it is no trap; and what is read has a text that reads the same.
            let part = Array(bytes[..<count])
            guard let data = try? RecordData(RawSpan(part.span), type: type) else { continue }
            #expect(try RecordData(parsing: data.description, type: type) == data)
        }
        let fixed: Set<String> = ["A", "AAAA", "NS", "SOA", "MX", "SRV", "NSEC3PARAM", "NAPTR", "HINFO", "RP"]
        if fixed.contains(type.description) {
            let (short, long) = (Array(bytes.dropLast()), bytes + [0])
            #expect(throws: DNSError.self) { try RecordData(RawSpan(short.span), type: type) }
            #expect(throws: DNSError.self) { try RecordData(RawSpan(long.span), type: type) }
        }
    }

    @Test(
        "texts that are no data are refused with the place",
        arguments: [
            ("A", "192.0.2.256", 10), ("A", "192.0.2", 0), ("A", "192.0.2.1.1", 0), ("A", "1.2.3.04", 0), ("A", "", 0),
            ("A", "192.0.2.1 x", 10), ("AAAA", "192.0.2.1", 0), ("MX", "65536 a.", 0), ("MX", "1", 1),
            ("MX", "x a.", 0),
            ("SOA", "a. b. 1 2 3 4", 13), ("TXT", "", 0), ("DS", "1 2 3", 5), ("DS", "1 2 3 ABC", 6),
            ("DNSKEY", "1 2 3 A*==", 6), ("NSEC", "a. NOTYPE", 3), ("RRSIG", "A 5 3 1 20039922173103 1 1 a. AA==", 8),
            ("NSEC3PARAM", "1 0 0 AB1", 6), ("SVCB", "1 . port=x", 4), ("SVCB", "1 . port=1 port=2", 11),
            ("SVCB", "1 . nokey=1", 4), ("TYPE731", "AB", 0), ("A", ##"\# 3 AABBCC"##, 0), ("TXT", ##"\# 2 AA"##, 0),
            ("TXT", "(\"a\" ", 0), ("TXT", "\"a", 0), ("SRV", "1 2 3", 5),
        ])
    func textErrors(_ type: String, _ text: String, _ offset: Int) throws {
        let type = try #require(DNSType(type))
        let error = try #require(throws: PresentationError.self) { try RecordData(parsing: text, type: type) }
        #expect(error.offset == offset, "\(error)")
    }

    @Test("a string of 255 octets is one, of 256 is none")
    func longStrings() throws {
        let longest = String(repeating: "x", count: 255)
        #expect(try RecordData(parsing: longest, type: .txt).bytes.count == 256)
        #expect(throws: PresentationError.self) { try RecordData(parsing: longest + "x", type: .txt) }
        #expect(RecordData(text: [longest + "xyz"]).strings?.map(\.count) == [255, 3])
    }

    @Test(
        "malformed octets of records with structure inside",
        arguments: [
            ("NSEC", "00 0000"), ("NSEC", "00 0021" + String(repeating: "00", count: 33)), ("NSEC", "00 0101ff 0001ff"),
            ("HTTPS", "0001 00 0003 0001 00"), ("HTTPS", "0001 00 0003 0002 0050 0001 0003 026832"),
            ("HTTPS", "0001 00 0001 0002 0568"),
            ("HTTPS", "0001 00 0004 0003 010203"), ("HTTPS", "0001 00 ffff 0000"), ("TXT", "0561"), ("TXT", ""),
            ("CAA", "00 09 61"),
        ])
    func malformed(_ type: String, _ octets: String) throws {
        let type = try #require(DNSType(type))
        let bytes = hex(octets)
        #expect(throws: DNSError.self) { try RecordData(RawSpan(bytes.span), type: type) }
    }

    @Test("what programs need of data")
    func accessors() throws {
        #expect(RecordData(IPAddress(v4: 0xc000_0201)).address?.description == "192.0.2.1")
        #expect(RecordData(IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)).type == .aaaa)
        #expect(try RecordData(parsing: "10 mail.", type: .mx).name == name("mail."))
        #expect(try RecordData(parsing: "0 5 1 sip.", type: .srv).name == name("sip."))
        #expect(try RecordData(parsing: "a. b. 77 1 1 1 1", type: .soa).serial == 77)
        #expect(RecordData(name("x."), type: .cname).name == name("x."))
        #expect(RecordData(name("x."), type: .cname).address == nil)
    }

    @Test("types and classes have names, and numbers where they have none")
    func mnemonics() {
        #expect(DNSType("aaaa") == .aaaa && DNSType("TYPE28") == .aaaa && DNSType("type65534")?.rawValue == 65_534)
        #expect(DNSType("TYPE65536") == nil && DNSType("TYPE+1") == nil && DNSType("NOPE") == nil)
        #expect(DNSType(rawValue: 4711).description == "TYPE4711")
        #expect(DNSClass("ch") == .ch && DNSClass("CLASS32")?.rawValue == 32 && DNSClass("X") == nil)
        #expect(DNSClass(rawValue: 32).description == "CLASS32")
        #expect(
            DNSResponseCode.badVersion.description == "BADVERS" && DNSOpcode(rawValue: 15).description == "OPCODE15")
    }
}
