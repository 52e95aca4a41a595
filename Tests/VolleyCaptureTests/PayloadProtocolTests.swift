import Testing
import VolleyCore

@testable import VolleyCapture

@Suite struct PayloadProtocolTests {
    /// Payload in hexadecimal, source port, destination port, and what it is taken for.
    static let cases: [(payload: String, source: UInt16, destination: UInt16, expected: PayloadProtocol)] = [
        (DNS.query, 40_000, 53, .dns), (DNS.answer, 53, 40_000, .dns), (DNS.query, 40_000, 9_999, .dns),
        (DNS.query, 5_353, 5_353, .mdns), (DNS.query, 40_000, 5_355, .llmnr), (DNS.query, 137, 137, .netbiosNames),
        ("1b" + zeros(47), 40_000, 123, .ntp), ("1604" + zeros(10), 40_000, 123, .ntp),
        ("0101" + zeros(234) + "63825363" + "ff", 68, 67, .dhcp),
        ("01 000001" + "0008 0002 0000", 546, 547, .dhcpv6),
        ("0001 66 6f 6f 00 6f 63 74 65 74 00", 40_000, 69, .tftp),
        ("3c 33 34 3e 4f 63 74", 40_000, 514, .syslog), ("3c 33 34 3e 4f 63 74", 40_000, 10_514, .syslog),
        ("61 2e 62 3a 31 7c 63", 40_000, 8_125, .statsd),
        ("0005 0001" + zeros(68), 40_000, 2_055, .netflow), ("0009 0001" + zeros(40), 40_000, 9_995, .netflow),
        ("000a 0014" + zeros(16), 40_000, 4_739, .ipfix), ("000a 0014" + zeros(16), 40_000, 30_000, .ipfix),
        ("00000005 00000001" + zeros(20), 40_000, 6_343, .sflow),
        ("01 2a 0014" + zeros(16), 40_000, 1_812, .radius),
        ("30 1a 020101 0406 7075626c6963" + zeros(13), 40_000, 161, .snmp),
        ("30 1a 020103" + zeros(20), 40_000, 50_000, .snmp),
        ("c3 00000001 08 0102030405060708 00" + zeros(10), 40_000, 443, .quic),
        ("40" + zeros(30), 443, 40_000, .quic),
        ("0001 0000 2112a442" + zeros(12), 40_000, 40_002, .stun), ("0001 0000" + zeros(16), 40_000, 3_478, .stun),
        ("80 00 0001 00000001 00000002", 40_000, 5_004, .rtp), ("80 c8 0001 00000001", 40_000, 40_003, .rtcp),
        (ascii("OPTIONS sip:a@b SIP/2.0"), 5_060, 5_060, .sip), (ascii("SIP/2.0 200 OK"), 40_000, 7_000, .sip),
        (ascii("M-SEARCH * HTTP/1.1"), 40_000, 1_900, .ssdp),
        ("08000000 00007b00" + zeros(20), 40_000, 4_789, .vxlan), ("0000 6558 00000100", 40_000, 6_081, .geneve),
        ("30ff 0004 00000001 45000000", 2_152, 2_152, .gtpU), ("4820 0008" + zeros(8), 2_123, 2_123, .gtpC),
        ("60000000" + zeros(40), 40_000, 3_544, .teredo),
        (zeros(16) + "00 20 22 08 00000000 0000001c", 500, 500, .ike),
        ("00000000" + zeros(16) + "00 20 22 08 00000000 0000001c", 4_500, 4_500, .ike),
        ("12345678 00000001" + zeros(20), 4_500, 4_500, .esp), ("ff", 4_500, 4_500, .ike),
        ("16 feff 0000 000000000001 0000", 40_000, 4_433, .dtls),
        (ascii("d1:ad2:id20:"), 40_000, 40_001, .bittorrentDHT),
        ("01000000" + zeros(144), 40_000, 40_001, .wireguard), ("04000000" + zeros(28), 40_000, 51_820, .wireguard),
        ("40 01 0001", 40_000, 5_683, .coap), ("20c0 03 18" + zeros(20), 49_152, 3_784, .bfd),
        ("0202 0000" + zeros(20), 520, 520, .rip), ("0201 0000" + zeros(20), 521, 521, .ripng),
        ("0000 0103 0a78 0100" + zeros(12), 1_985, 1_985, .hsrp), ("0001 0006" + zeros(6), 646, 646, .ldp),
        ("6a 08" + zeros(8), 40_000, 88, .kerberos), ("1002" + zeros(42), 319, 319, .ptp),
        ("38" + zeros(13), 40_000, 1_194, .openvpn), ("c802 000c 0000", 1_701, 1_701, .l2tp),
        ("0001 0000 0001 0000 73", 40_000, 11_211, .memcached), ("1002" + zeros(10), 138, 138, .netbiosDatagrams),
        ("810a 0004", 47_808, 47_808, .bacnet),
    ]

    static func zeros(_ count: Int) -> String { String(repeating: "00", count: count) }

    static func ascii(_ text: String) -> String {
        text.utf8.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    }

    static func recognise(
        _ payload: [UInt8], _ source: UInt16, _ destination: UInt16
    ) -> (protocol: PayloadProtocol, basis: PayloadProtocol.Basis) {
        PayloadProtocol.recognise(RawSpan(payload.span), from: source, to: destination)
    }

    @Test(arguments: cases.indices)
    func isTakenForWhatItIs(index: Int) {
        let (payload, source, destination, expected) = Self.cases[index]
        let (found, basis) = Self.recognise(hex(payload), source, destination)
        #expect(found == expected, "\(payload)")
        #expect(basis == .portAndContent || basis == .content)
    }

    @Test func everyProtocolIsInTheList() {
        let listed = Set(Self.cases.map(\.expected))
        #expect(listed.union([.unknown]) == Set(PayloadProtocol.allCases))
        #expect(Set(PayloadProtocol.allCases.map(\.name)).count == PayloadProtocol.allCases.count)
    }

    @Test func thePortAloneIsSaidToBeThat() {
        for (payload, port, expected) in [
            ("ffff", 53, .dns), ("", 123, .ntp), ("00", 161, .snmp), ("ff", 5_060, .sip),
        ] as [(String, UInt16, PayloadProtocol)] {
            #expect(Self.recognise(hex(payload), 40_000, port) == (expected, .port))
            #expect(Self.recognise(hex(payload), port, 40_000) == (expected, .port))
        }
        #expect(Self.recognise([1, 2, 3], 40_000, 50_000) == (.unknown, .nothing))
        // What the content cannot be mistaken for counts more than a port.
        #expect(Self.recognise(hex(DNS.query), 40_000, 123) == (.dns, .content))
    }

    /// Whatever the bytes are and however few, nothing traps.
    @Test func everyPrefixAndEveryChangeIsTakenForSomething() {
        var random = SplitMix64(seed: 11)
        for (payload, source, destination, _) in Self.cases {
            let whole = hex(payload)
            for length in 0...whole.count { _ = Self.recognise(Array(whole[..<length]), source, destination) }
            for _ in 0..<200 where !whole.isEmpty {
                var changed = whole
                changed[random.next(below: changed.count)] = UInt8(truncatingIfNeeded: random.next())
                for port in [destination, UInt16(random.next(below: 65_536))] {
                    let (found, basis) = Self.recognise(changed, source, port)
                    #expect((found == .unknown) == (basis == .nothing))
                }
            }
        }
    }
}

/// DNS messages for the tests, in hexadecimal: a query for the address of `www.example`, and its answer.
enum DNS {
    static let question = "03777777 076578616d706c65 00 0001 0001"
    static let query = "beef 0100 0001 0000 0000 0000" + question
    static let answer = "beef 8180 0001 0001 0000 0000" + question + "c00c 0001 0001 0000003c 0004 c0000201"
}
