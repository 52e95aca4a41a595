import Glibc
import Testing
import VolleyCore

@Suite("IP addresses as text")
struct IPAddressTextTests {
    @Test(
        "IPv6 is written as RFC 5952 says",
        arguments: [
            // Section 4.1: no leading zeros.
            ("2001:0db8:0000:0000:0001:0000:0000:0001", "2001:db8::1:0:0:1"),
            ("2001:db8::0001", "2001:db8::1"),
            // Section 4.2.1: as short as possible.
            ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("1:0:0:0:0:0:0:0", "1::"),
            // Section 4.2.2: not for a single group.
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("0:1:1:1:1:1:1:1", "0:1:1:1:1:1:1:1"),
            ("1:1:1:1:1:1:1::", "1:1:1:1:1:1:1:0"),
            ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            // Section 4.2.3: the longest run, the first of equals.
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("0:0:1:1:1:1:0:0", "::1:1:1:1:0:0"),
            ("1:0:0:0:1:0:0:0", "1::1:0:0:0"),
            // Section 4.3: lower case.
            ("2001:DB8::ABCD:EF", "2001:db8::abcd:ef"),
            // Section 5: mixed notation where an IPv4 address is known to be inside.
            ("::ffff:c000:0201", "::ffff:192.0.2.1"),
            ("::FFFF:0.0.0.0", "::ffff:0.0.0.0"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("::192.0.2.1", "::c000:201"),
            ("1:2:3:4:5:6:255.255.255.255", "1:2:3:4:5:6:ffff:ffff"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ])
    func canonicalIPv6(text: String, canonical: String) throws {
        let address = try IPAddress(parsing: text)
        #expect(address.isIPv6)
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(
        "IPv4 is dotted decimal",
        arguments: [
            ("0.0.0.0", 0), ("127.0.0.1", 0x7f00_0001), ("192.0.2.10", 0xc000_020a), ("255.255.255.255", 0xffff_ffff),
            ("100.20.3.0", 0x6414_0300),
        ] as [(String, UInt32)])
    func dottedDecimal(text: String, bits: UInt32) throws {
        let address = try IPAddress(parsing: text)
        #expect(address.v4Bits == bits)
        #expect(address.description == text)
    }

    @Test(
        "Malformed text is refused with its reason and place",
        arguments: [
            ("", .unexpectedEnd, 0),
            ("1", .unexpectedEnd, 1),
            ("1.2.3", .unexpectedEnd, 5),
            ("1.2.3.", .unexpectedEnd, 6),
            ("1.2.3.4.5", .unexpectedCharacter, 7),
            ("1.2.3.4 ", .unexpectedCharacter, 7),
            (" 1.2.3.4", .unexpectedCharacter, 0),
            ("1..2.3", .unexpectedCharacter, 2),
            ("1.2.3.256", .numberTooLarge, 6),
            ("1.2.3.99999999999999999999999", .numberTooLarge, 6),
            ("1.2.3.04", .leadingZero, 6),
            ("00.2.3.4", .leadingZero, 0),
            ("0x7f.0.0.1", .unexpectedCharacter, 1),
            ("-1.2.3.4", .unexpectedCharacter, 0),
            ("1.2.3.4\0", .unexpectedCharacter, 7),
            ("1.2.3.٤", .unexpectedCharacter, 6),
            (":", .unexpectedEnd, 1),
            (":::", .unexpectedCharacter, 2),
            (":1:2:3:4:5:6:7", .unexpectedCharacter, 1),
            ("1:", .unexpectedEnd, 2),
            ("1:2:3:4:5:6:7", .unexpectedEnd, 13),
            ("1:2:3:4:5:6:7:", .unexpectedEnd, 14),
            ("1:2:3:4:5:6:7:8:", .tooManyGroups, 15),
            ("1:2:3:4:5:6:7:8:9", .tooManyGroups, 15),
            ("1:2:3:4:5:6:7:8::", .tooManyGroups, 17),
            ("::1:2:3:4:5:6:7:8", .tooManyGroups, 17),
            ("1::2::3", .repeatedCompression, 4),
            ("12345::", .numberTooLarge, 0),
            ("::g", .unexpectedCharacter, 2),
            ("::1%lo", .unexpectedCharacter, 3),
            ("[::1]", .unexpectedCharacter, 0),
            ("::1/64", .unexpectedCharacter, 3),
            ("::1.2.3", .unexpectedEnd, 7),
            ("::1.2.3.400", .numberTooLarge, 8),
            ("::01.2.3.4", .leadingZero, 2),
            ("::1.2.3.4:5", .unexpectedCharacter, 9),
            ("::a.2.3.4", .unexpectedCharacter, 2),
            ("1.2.3.4::", .unexpectedCharacter, 7),
            ("1:2:3:4:5:6:7:1.2.3.4", .unexpectedCharacter, 15),
            ("::1:2:3:4:5:6:1.2.3.4", .tooManyGroups, 21),
        ] as [(String, AddressError.Code, Int)])
    func malformed(text: String, code: AddressError.Code, offset: Int) {
        let error = #expect(throws: AddressError.self) { try IPAddress(parsing: text) }
        #expect(error == AddressError(code, text: text, offset: offset))
        #expect(IPAddress(text) == nil)
    }

    @Test("A refusal says what, where and what to do, and cannot tamper with a log")
    func message() {
        let error = #expect(throws: AddressError.self) { try IPAddress(parsing: "192.0.2.01") }
        #expect(
            error?.description
                == #"not an address: "192.0.2.01": number with a leading zero at offset 8; write it without"#)
        let hostile = #expect(throws: AddressError.self) { try IPAddress(parsing: "1\n\u{1b}[2J") }
        #expect(hostile?.description == #"not an address: "1\n\u{1B}[2J": unexpected character at offset 1"#)
    }

    @Test("10,000 random addresses agree with the C library in both directions")
    func agreesWithGlibc() throws {
        var random = SplitMix64(seed: 5952)
        for _ in 0..<10_000 {
            let address = random.nextAddress()
            let text = address.description
            #expect(try IPAddress(parsing: text) == address)
            let reference = try #require(Reference.text(of: address))
            #expect(try IPAddress(parsing: reference) == address)
            #expect(Reference.address(text) == address)
            // The C library shows the deprecated IPv4-compatible ::/96 in mixed notation; RFC 5952 does not ask for it.
            let isIPv4Compatible = address.isIPv6 && address.high == 0 && address.low >> 32 == 0
            if !isIPv4Compatible { #expect(text == reference) }
        }
    }

    @Test("What the C library accepts and refuses, so do we: 100,000 mangled texts")
    func acceptsWhatGlibcAccepts() throws {
        var random = SplitMix64(seed: 4291)
        let alphabet = Array("0123456789abcdefABCDEF::::....%g".utf8)
        var accepted = 0
        for _ in 0..<100_000 {
            var text = Array(random.nextAddress().description.utf8)
            for _ in 0..<random.next(below: 4) {
                let index = random.next(below: text.count)
                switch random.next(below: 3) {
                case 0: text[index] = alphabet[random.next(below: alphabet.count)]
                case 1: text.insert(alphabet[random.next(below: alphabet.count)], at: index)
                default: if text.count > 1 { text.remove(at: index) }
                }
            }
            let string = String(decoding: text, as: UTF8.self)
            let address = IPAddress(string)
            #expect(address == Reference.address(string), "\(string)")
            if address != nil { accepted += 1 }
        }
        // Both outcomes must be common, or the comparison shows little.
        #expect(accepted > 20_000 && accepted < 80_000)
    }
}

/// The C library's conversions.
private enum Reference {
    static func text(of address: IPAddress) -> String? {
        var octets = (0..<address.octetCount).map { address.octet($0) }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = address.isIPv6 ? AF_INET6 : AF_INET
        // SAFETY: both arrays outlive the call and are as large as inet_ntop(3) wants.
        guard unsafe inet_ntop(family, &octets, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func address(_ text: String) -> IPAddress? {
        var octets = [UInt8](repeating: 0, count: 16)
        // SAFETY: inet_pton(3) writes 16 bytes at most.
        if unsafe inet_pton(AF_INET, text, &octets) == 1 { return IPAddress(bytes: octets.span.extracting(first: 4)) }
        if unsafe inet_pton(AF_INET6, text, &octets) == 1 { return IPAddress(bytes: octets.span) }
        return nil
    }
}

extension SplitMix64 {
    /// IPv4 or IPv6, with many zero groups and some IPv4-mapped ones, so that every rule of RFC 5952 gets its turn.
    fileprivate mutating func nextAddress() -> IPAddress {
        switch next(below: 8) {
        case 0, 1: return IPAddress(v4: UInt32(truncatingIfNeeded: next()))
        case 2: return IPAddress(v4: UInt32(truncatingIfNeeded: next())).mappedToIPv6
        case 3: return IPAddress(v6High: next(), low: next())
        default:
            var halves: [UInt64] = [0, 0]
            for group in 0..<8 where next(below: 5) < 2 {
                let value = next() & (next(below: 2) == 0 ? 0xffff : 0xf)
                halves[group / 4] |= value << UInt64(16 * (group % 4))
            }
            return IPAddress(v6High: halves[0], low: halves[1])
        }
    }
}
