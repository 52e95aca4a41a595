import Testing
import VolleyCore

@testable import VolleyDNS

@Suite("Domain names")
struct DomainNameTests {
    @Test(
        "text and wire form, both ways",
        arguments: [
            (".", "00"), ("example.", "07 6578616d706c65 00"), ("a.b.", "0161 0162 00"),
            (#"a\.b.c."#, "03612e62 0163 00"),
            (#"\000\255\"x."#, "0400ff2278 00"), (#"sp\032ace."#, "06737020616365 00"),
            (#"\@.\$.\;."#, "0140 0124 013b 00"),
            ("*.w.", "012a 0177 00"),
        ])
    func text(_ text: String, _ wire: String) throws {
        let parsed = try DomainName(parsing: text)
        #expect(parsed.wire == hex(wire))
        #expect(parsed.description == text)
        let bytes = hex(wire)
        #expect(try DomainName(wire: RawSpan(bytes.span)) == parsed)
    }

    @Test("a name without a final dot ends with the origin; @ is the origin")
    func origin() throws {
        let origin = name("example.com.")
        #expect(try DomainName(parsing: "www", origin: origin) == name("www.example.com."))
        #expect(try DomainName(parsing: "@", origin: origin) == origin)
        #expect(try DomainName(parsing: "www.", origin: origin) == name("www."))
        #expect(try DomainName(parsing: "www") == name("www."))
    }

    @Test(
        "what is no name is told with its place",
        arguments: [
            ("", 0, "missing"), ("a..b", 2, "empty"), (".a", 0, "empty"), (#"a\"#, 1, "backslash"),
            (#"\25"#, 0, "digits"),
            (#"\256"#, 0, "255"), (String(repeating: "x", count: 64), 63, "63"),
            ((0..<5).map { _ in String(repeating: "x", count: 60) + "." }.joined(), 0, "255 octets"),
        ])
    func textErrors(_ text: String, _ offset: Int, _ reason: String) throws {
        let error = try #require(throws: PresentationError.self) { try DomainName(parsing: text) }
        #expect(error.offset == offset)
        #expect(error.reason.contains(reason))
    }

    @Test("a name of 255 octets is one, of 256 is none")
    func longest() throws {
        let label = String(repeating: "x", count: 63)
        let longest = "\(label).\(label).\(label)." + String(repeating: "y", count: 61) + "."
        #expect(try DomainName(parsing: longest).wire.count == 255)
        #expect(DomainName("z" + longest) == nil)
    }

    @Test("letter case is kept and does not count")
    func letterCase() {
        let (mixed, lower) = (name("WwW.ExAmPlE."), name("www.example."))
        #expect(mixed == lower)
        #expect(mixed.hashValue == lower.hashValue)
        #expect(mixed.description == "WwW.ExAmPlE.")
        #expect(mixed.lowercased.description == "www.example.")
        // Only letters have a case: [ is not { in upper case.
        #expect(name("[.") != name("{."))
        #expect(name("@.") != name("`."))
    }

    @Test("eight letters at once are lowered as one by one")
    func lowering() {
        for octet in UInt8.min...UInt8.max {
            let word = UInt64(octet) << 56 | UInt64(octet) << 24 | 0x41
            let lowered = LetterCase.lower(word)
            #expect(UInt8(lowered >> 56) == LetterCase.lower(octet))
            #expect(UInt8(truncatingIfNeeded: lowered >> 24) == LetterCase.lower(octet))
            #expect(UInt8(truncatingIfNeeded: lowered) == 0x61)
            #expect(UInt8(truncatingIfNeeded: lowered >> 32) == 0)
        }
    }

    @Test("the canonical order of RFC 4034 section 6.1")
    func canonicalOrder() {
        let ordered = [
            "example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.",
            #"\001.z.example."#, "*.z.example.", #"\200.z.example."#,
        ].map { name($0) }
        #expect(ordered.reversed().sorted() == ordered)
        for (one, other) in zip(ordered, ordered.dropFirst()) {
            #expect(one < other)
            #expect(!(other < one))
        }
        #expect(!(ordered[0] < ordered[0]))
    }

    @Test("parents, labels and what is within what")
    func structure() throws {
        let www = name("www.example.com.")
        #expect(www.labelCount == 3)
        #expect(www.labels.map { String(decoding: $0, as: UTF8.self) } == ["www", "example", "com"])
        #expect(www.parent == name("example.com."))
        #expect(DomainName.root.parent == nil)
        #expect(www.isWithin(name("Example.Com.")) && www.isWithin(www) && www.isWithin(.root))
        #expect(!www.isWithin(name("ample.com.")) && !name("com.").isWithin(www))
        #expect(name("com.").prepending(label: Array("x".utf8)) == name("x.com."))
        #expect(www.prepending(label: []) == nil)
    }

    @Test("compression pointers are followed; those that do not lead backwards are refused")
    func pointers() throws {
        // At 0 "b.", at 3 "a" and a pointer to it, at 7 a pointer to that.
        let message = hex("016200 0161c000 c003")
        var offset = 7
        #expect(try DomainName(reading: RawSpan(message.span), at: &offset) == name("a.b."))
        #expect(offset == 9)
        let cases: [(String, DNSError.Code)] = [
            ("c000", .badPointer), ("0161c000", .badPointer), ("c002 c000", .badPointer), ("c0ff", .badPointer),
            ("4161", .badLabelType), ("8161", .badLabelType), ("0361", .endOfMessage), ("0161", .endOfMessage),
            ("c0", .endOfMessage), ("", .endOfMessage),
        ]
        for (text, code) in cases {
            let bytes = hex(text)
            let error = #expect(throws: DNSError.self) {
                var start = 0
                _ = try DomainName(reading: RawSpan(bytes.span), at: &start)
            }
            #expect(error?.code == code, "\(text)")
        }
    }

    @Test("names longer than 255 octets are refused, also those that pointers make so")
    func tooLong() {
        let label = [UInt8(63)] + [UInt8](repeating: 0x61, count: 63)
        // Four labels and a root are 257 octets.
        let long = label + label + label + label + [0]
        #expect(throws: DNSError.self) { try DomainName(wire: RawSpan(long.span)) }
        let chained = label + label + [0] + label + label + [0xc0, 0x00]
        let error = #expect(throws: DNSError.self) {
            var offset = 129
            _ = try DomainName(reading: RawSpan(chained.span), at: &offset)
        }
        #expect(error?.code == .nameTooLong)
    }

    @Test("keys: every suffix has the hash of the name that it is")
    func keys() {
        for text in ["www.example.com.", "a.", ".", "x23456.", "x234567.", "x2345678.", "A.B.C.D.E.F.G.H.I.J.", "*.w."]
        {
            let wire = name(text).wire
            let key = NameKey(RawSpan(wire.span))
            #expect(Array(copying: key.bytes) == wire.map { LetterCase.lower($0) })
            var offset = 0
            while offset < key.byteCount - 1 {
                let suffix = Array(wire[offset...])
                let other = NameKey(RawSpan(suffix.span))
                #expect(key.hash(from: offset) == other.hash())
                offset = key.next(offset)
            }
        }
        // A shorter name in the place of a longer one leaves nothing behind, zero octets or not.
        let long = [UInt8(63)] + [UInt8](repeating: 0, count: 40) + [UInt8](repeating: 9, count: 23) + [0]
        var reused = NameKey(RawSpan(long.span))
        let wire = name("abc.").wire
        reused.assign(RawSpan(wire.span))
        #expect(reused.hash() == NameKey(RawSpan(wire.span)).hash())
    }
}
