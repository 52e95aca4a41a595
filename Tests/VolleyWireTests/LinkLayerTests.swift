import Testing
import VolleyWire

@Suite struct LinkLayerTests {
    static let macs = "020000000001 020000000002"

    @Test(arguments: [
        ("Ethernet", LinkType.ethernet, macs + "0800"),
        ("802.1Q", .ethernet, macs + "8100 000b 0800"),
        ("802.1ad", .ethernet, macs + "88a8 0064 8100 000b 0800"),
        ("QinQ before 802.1ad", .ethernet, macs + "9100 0064 8100 000b 0800"),
        ("three tags", .ethernet, macs + "88a8 0001 88a8 0002 8100 0003 0800"),
        ("SNAP", .ethernet, macs + "0028 aaaa03 000000 0800"),
        ("SAP of IP", .ethernet, macs + "0023 060603"),
        ("SLL", .linuxSLL, "0000 0001 0006 0200000000010000 0800"),
        ("SLL, tagged", .linuxSLL, "0000 0001 0006 0200000000010000 8100 0001 0800"),
        ("SLL2", .linuxSLL2, "0800 0000 00000002 0001 00 06 0200000000010000"),
        ("NULL, little-endian", .null, "02000000"),
        ("NULL, big-endian", .null, "00000002"),
        ("LOOP", .loop, "00000002"),
        ("raw", .rawIP, ""),
        ("DLT_RAW", LinkType(rawValue: 12), ""),
        ("DLT_RAW of OpenBSD", LinkType(rawValue: 14), ""),
        ("IPV4", .ipv4, ""),
    ])
    func deliversIPv4(name: String, linkType: LinkType, header: String) {
        let frame = hex(header + Packet.ipv4)
        let decoded = decode(frame, linkType)
        #expect(decoded.recordClass == .delivered)
        #expect(decoded.ipOffset == hex(header).count)
        #expect(decoded.source == Packet.source4)
        #expect(decoded.destination == Packet.destination4)
        #expect(payload(frame, linkType) == Packet.payload)
    }

    @Test(arguments: [
        ("Ethernet", LinkType.ethernet, macs + "86dd"),
        ("802.1Q", .ethernet, macs + "8100 000b 86dd"),
        ("SNAP", .ethernet, macs + "0040 aaaa03 000000 86dd"),
        ("SLL", .linuxSLL, "0000 0001 0006 0200000000010000 86dd"),
        ("SLL2", .linuxSLL2, "86dd 0000 00000002 0001 00 06 0200000000010000"),
        ("NULL of Linux", .null, "0a000000"),
        ("NULL of NetBSD", .null, "18000000"),
        ("NULL of FreeBSD", .null, "1c000000"),
        ("NULL of macOS", .null, "1e000000"),
        ("NULL of macOS, big-endian", .null, "0000001e"),
        ("LOOP", .loop, "00000018"),
        ("raw", .rawIP, ""),
        ("IPV6", .ipv6, ""),
    ])
    func deliversIPv6(name: String, linkType: LinkType, header: String) {
        let frame = hex(header + Packet.ipv6)
        let decoded = decode(frame, linkType)
        #expect(decoded.recordClass == .delivered)
        #expect(decoded.source == Packet.source6)
        #expect(decoded.destination == Packet.destination6)
        #expect(payload(frame, linkType) == Packet.payload)
    }

    @Test(arguments: [
        ("ARP", LinkType.ethernet, macs + "0806", RecordClass.notUDP),
        ("spanning tree", .ethernet, macs + "0026 424203", .notUDP),
        ("SNAP of another organisation", .ethernet, macs + "0028 aaaa03 00000c 0800", .notUDP),
        ("NULL with AppleTalk", .null, "10000000", .notUDP),
        ("PPPoE session", .ethernet, macs + "8864 1100 0001 0022 0021", .unknownLinkType),
        ("MPLS", .ethernet, macs + "8847 0001 01ff", .unknownLinkType),
        ("802.11", LinkType(rawValue: 105), macs, .unknownLinkType),
    ])
    func otherThanIPIsNotDelivered(name: String, linkType: LinkType, header: String, expected: RecordClass) {
        #expect(decode(hex(header + Packet.ipv4), linkType).recordClass == expected)
    }

    @Test(arguments: [
        (LinkType.ethernet, 13), (.linuxSLL, 15), (.linuxSLL2, 19), (.null, 3), (.loop, 0),
    ])
    func aLinkHeaderThatEndsTooSoonIsCutOrMalformed(linkType: LinkType, length: Int) {
        let frame = [UInt8](repeating: 0, count: length)
        let whole = decode(frame, linkType)
        #expect(whole.recordClass == .malformed)
        #expect(whole.reason == .shortLinkHeader)
        #expect(decode(frame, linkType, originalLength: 60).recordClass == .cut)
    }

    @Test func aVLANTagThatEndsTooSoonIsMalformed() {
        let decoded = decode(hex(Self.macs + "8100 00"), .ethernet)
        #expect(decoded.reason == .shortLinkHeader)
    }

    @Test func linkTypesOfOneFamilyTakeNoOther() {
        #expect(decode(hex(Packet.ipv6), .ipv4).reason == .ipVersion)
        #expect(decode(hex(Packet.ipv4), .ipv6).reason == .ipVersion)
        #expect(decode(hex("ff" + Packet.ipv4), .rawIP).reason == .ipVersion)
        #expect(decode([], .rawIP).reason == .shortIPHeader)
    }

    @Test func linkTypesHaveTheirNames() {
        #expect("\(LinkType.ethernet)" == "ETHERNET")
        #expect("\(LinkType(rawValue: 12))" == "RAW (12)")
        #expect("\(LinkType(rawValue: 127))" == "LINKTYPE 127")
        #expect(LinkType.linuxSLL2.isDecoded)
        #expect(!LinkType(rawValue: 127).isDecoded)
    }
}
