import Testing
import VolleyWire

@testable import VolleyCapture

@Suite struct CaptureFilterTests {
    static let ethernet = hex("020000000001 020000000002 0800") + DamagedCaptureTests.packet
    static let ipv6 = hex(
        "6000 0000 000c 1140 20010db8000000000000000000000001 20010db8000000000000000000000002"
            + "1388 0035 000c 0000 deadbeef")

    private func matches(
        _ filter: CaptureFilter, _ packet: [UInt8], _ linkType: LinkType, originalLength: Int? = nil
    ) throws -> Bool {
        // SAFETY: `bytes` is unsafe for the padding some element types have; a UInt8 has none.
        try unsafe filter.matches(
            packet.span.bytes, originalLength: originalLength ?? packet.count, linkType: linkType)
    }

    @Test(arguments: [
        ("Ethernet", LinkType.ethernet, "020000000001 020000000002 0800"),
        ("SLL", .linuxSLL, "0000 0001 0006 0200000000010000 0800"),
        ("SLL2", .linuxSLL2, "0800 0000 00000002 0001 00 06 0200000000010000"),
        ("NULL of this host", .null, "02000000"),
        ("NULL of another byte order", .null, "00000002"),
        ("LOOP", .loop, "00000002"),
        ("raw", .rawIP, ""),
        ("DLT_RAW", LinkType(rawValue: 12), ""),
        ("DLT_RAW of OpenBSD", LinkType(rawValue: 14), ""),
        ("IPV4", .ipv4, ""),
    ])
    func portsAreFoundOnEveryLinkType(name: String, linkType: LinkType, header: String) throws {
        let packet = hex(header) + DamagedCaptureTests.packet
        #expect(try matches(CaptureFilter("udp port 53", linkType: linkType), packet, linkType))
        #expect(try !matches(CaptureFilter("udp port 54", linkType: linkType), packet, linkType))
    }

    @Test func ipv6IsFoundBehindTheFamilyOfAnotherSystem() throws {
        let filter = try CaptureFilter("ip6 and udp dst port 53")
        #expect(try matches(filter, hex("1e000000") + Self.ipv6, .null))
        #expect(try matches(filter, Self.ipv6, .rawIP))
        #expect(try !matches(filter, Self.ethernet, .ethernet))
    }

    @Test func oneFilterServesSeveralLinkTypes() throws {
        let filter = try CaptureFilter("src host 192.0.2.1")
        for _ in 0..<3 {
            #expect(try matches(filter, Self.ethernet, .ethernet))
            #expect(try matches(filter, DamagedCaptureTests.packet, .rawIP))
            #expect(try !matches(filter, Self.ipv6, .rawIP))
        }
    }

    @Test func theOriginalLengthIsWhatCounts() throws {
        let filter = try CaptureFilter("greater 100")
        #expect(try !matches(filter, Self.ethernet, .ethernet))
        #expect(try matches(filter, Self.ethernet, .ethernet, originalLength: 100))
    }

    @Test func packetsTooShortForTheFilterDoNotMatch() throws {
        let filter = try CaptureFilter("udp port 53")
        for length in 0..<38 { #expect(try !matches(filter, Array(Self.ethernet[..<length]), .ethernet)) }
        for length in 0..<4 { #expect(try !matches(filter, Array(repeating: 2, count: length), .null)) }
    }

    @Test func anEmptyExpressionMatchesEverything() throws {
        #expect(try matches(CaptureFilter(""), [], .ethernet))
    }

    @Test func anExpressionLibpcapRefusesIsQuotedWithItsWords() {
        let error = #expect(throws: CaptureError.self) { try CaptureFilter("udp prot 53") }
        #expect(error?.code == .invalidFilter)
        #expect(error?.description.hasPrefix("filter 'udp prot 53': not a filter for link type ETHERNET: ") == true)
        #expect(error?.message.contains("syntax error") == true)
    }

    @Test func anExpressionWithoutMeaningOnARecordsLinkTypeIsAnErrorThen() throws {
        let filter = try CaptureFilter("ether host 02:00:00:00:00:01")
        #expect(try matches(filter, Self.ethernet, .ethernet))
        let error = #expect(throws: CaptureError.self) { try matches(filter, DamagedCaptureTests.packet, .rawIP) }
        #expect(error?.code == .invalidFilter)
    }
}
