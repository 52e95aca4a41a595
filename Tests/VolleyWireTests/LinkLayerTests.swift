import Testing
import VolleyWire

@Suite struct LinkLayerTests {
    static let macs = "020000000001 020000000002"
    /// What of an 802.11 header is behind control and duration: three addresses and the sequence number.
    static let wireless = "020000000001 020000000002 020000000003 0010"

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
        ("802.1ad's other number", .ethernet, macs + "9200 0064 0800"),
        ("MPLS, two labels", .ethernet, macs + "8847 00010040 00011140"),
        ("MPLS multicast", .ethernet, macs + "8848 00011140"),
        ("MPLS alone", .mpls, "00011140"),
        ("PPPoE session", .ethernet, macs + "8864 1100 0001 0022 0021"),
        ("PPPoE alone", .pppoe, "1100 0001 0022 0021"),
        ("PPP", .ppp, "ff03 0021"),
        ("PPP without framing", .ppp, "0021"),
        ("PPP, compressed protocol", .ppp, "ff03 21"),
        ("PPP with MPLS", .ppp, "ff03 0281 00011140"),
        ("PPP with direction", .pppWithDirection, "01 0021"),
        ("PPP in HDLC framing", .pppHDLC, "ff03 0021"),
        ("Cisco HDLC for PPP", .pppHDLC, "0f00 0800"),
        ("Cisco HDLC", .ciscoHDLC, "0f00 0800"),
        ("frame relay", .frameRelay, "1841 03 cc"),
        ("frame relay, padded", .frameRelay, "1841 03 00 cc"),
        ("frame relay, SNAP", .frameRelay, "1841 03 80 000000 0800"),
        ("frame relay of Cisco", .frameRelay, "1841 0800"),
        ("SLIP", .slip, "0040 0000 0000 0000 0000 0000 0000 0000"),
        ("LLC", .logicalLinkControl, "aaaa03 000000 0800"),
        ("classical IP", .linuxClassicalIP, "aaaa03 000000 0800"),
        ("classical IP without LLC", .linuxClassicalIP, ""),
        ("IP over Fibre Channel", .ipOverFibreChannel, "0000000000000000 0000000000000000 aaaa03 000000 0800"),
        ("FDDI", .fddi, "50" + macs + "aaaa03 000000 0800"),
        ("token ring", .tokenRing, "1040 020000000001 020000000002 aaaa03 000000 0800"),
        ("token ring, source route", .tokenRing, "1040 020000000001 820000000002 0430 0011 aaaa03 000000 0800"),
        ("SLL, 802.2", .linuxSLL, "0000 0001 0006 0200000000010000 0004 aaaa03 000000 0800"),
        ("802.11", .ieee80211, "0800 0000" + wireless + "aaaa03 000000 0800"),
        ("802.11 QoS", .ieee80211, "8801 0000" + wireless + "0000 aaaa03 000000 0800"),
        ("802.11 QoS +HTC", .ieee80211, "8881 0000" + wireless + "0000 00000000 aaaa03 000000 0800"),
        ("802.11 four addresses", .ieee80211, "0803 0000" + wireless + "020000000004 aaaa03 000000 0800"),
        ("radiotap", .radiotap, "0000 0800 00000000 0800 0000" + wireless + "aaaa03 000000 0800"),
        (
            "radiotap, padded", .radiotap,
            "0000 0900 02000000 20 8801 0000" + wireless + "0000 0000 aaaa03 000000 0800"
        ),
        (
            "radiotap, padded, behind a time stamp", .radiotap,
            "0000 1900 03000080 00000000 00000000 0000000000000000 20 8801 0000" + wireless
                + "0000 0000 aaaa03 000000 0800"
        ),
        ("Prism", .prism, "44000000 10000000 0000000000000000 0800 0000" + wireless + "aaaa03 000000 0800"),
        ("AVS", .avs, "80211001 00000010 0000000000000000 0800 0000" + wireless + "aaaa03 000000 0800"),
        (
            "AVS of a Prism card", .prism,
            "80211001 00000010 0000000000000000 0800 0000" + wireless + "aaaa03 000000 0800"
        ),
        ("PPI with 802.11", .ppi, "0000 0800 69000000 0800 0000" + wireless + "aaaa03 000000 0800"),
        ("PPI with raw IP", .ppi, "0000 0c00 65000000 00000000"),
        ("NFLOG", .nflog, "0200 0000 0600 0a00 6162 0000 2400 0900"),
        ("NFLOG, big-endian", .nflog, "0200 0000 0006 000a 6162 0000 0024 0009"),
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
        ("MACsec", .ethernet, macs + "88e5 0000 00000001", .unknownLinkType),
        ("NSH", .ethernet, macs + "894f 0000", .unknownLinkType),
        ("PPPoE discovery", .ethernet, macs + "8864 1109 0001 0022 0021", .notUDP),
        ("PPP LCP", .ppp, "ff03 c021", .notUDP),
        ("MPLS pseudowire", .ethernet, macs + "8847 0001 01ff 0000 0000", .notUDP),
        ("802.11 beacon", .ieee80211, "8000 0000" + wireless, .notUDP),
        ("802.11 without data", .ieee80211, "4800 0000" + wireless + "aaaa03 000000 0800", .notUDP),
        ("802.11 protected", .ieee80211, "0840 0000" + wireless + "aaaa03 000000 0800", .notUDP),
        ("802.11 A-MSDU", .ieee80211, "8800 0000" + wireless + "8000 aaaa03 000000 0800", .unknownLinkType),
        ("802.11 more fragments", .ieee80211, "0804 0000" + wireless + "aaaa03 000000 0800", .unknownLinkType),
        ("PPI in PPI", .ppi, "0000 0800 c0000000", .unknownLinkType),
        ("NFLOG without a packet", .nflog, "0200 0000 0800 0100 00000000 0200 0200", .malformed),
        ("a switch tag", LinkType(rawValue: 281), macs + "2000 0003 0800", .unknownLinkType),
        ("ARCNET", LinkType(rawValue: 129), macs, .unknownLinkType),
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
        #expect("\(LinkType.radiotap)" == "IEEE802_11_RADIOTAP")
        #expect("\(LinkType(rawValue: 9999))" == "LINKTYPE 9999")
        #expect(LinkType.linuxSLL2.isDecoded)
        #expect(!LinkType(rawValue: 9999).isDecoded)
    }
}
