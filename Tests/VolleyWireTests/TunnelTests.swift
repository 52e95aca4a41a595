import Testing
import VolleyCore

@testable import VolleyWire

@Suite struct TunnelTests {
    /// An IPv4 packet of some protocol from 192.0.2.9 to 198.51.100.9.
    static func outer4(_ protocolNumber: String, _ content: String) -> [UInt8] {
        let length = Packet.number(20 + hex(content).count, digits: 4)
        return hex("4500 \(length) 0001 0000 40\(protocolNumber) 0000 c0000209 c6336409" + content)
    }

    /// A UDP datagram from port 40000.
    static func udp(_ port: Int, _ content: String) -> String {
        "9c40" + Packet.number(port, digits: 4) + Packet.number(8 + hex(content).count, digits: 4) + "0000" + content
    }

    private func decode(_ frame: [UInt8], _ tunnels: Tunnels) -> (DecodedFrame, [UInt8]) {
        var options = DecodingOptions()
        options.tunnels = tunnels
        var decoder = RecordDecoder(options)
        let bytes = RawSpan(frame.span)
        let decoded = decoder.decode(bytes, originalLength: frame.count, linkType: .rawIP)
        #expect(decoder.accounting.total == 1)
        return (decoded, decoder.payload(of: decoded, in: bytes))
    }

    /// A tunnel and a packet of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let tunnels: Tunnels
        let protocolNumber: String
        let content: String

        init(_ name: String, _ tunnels: Tunnels, _ protocolNumber: String, _ content: String) {
            (testDescription, self.tunnels, self.protocolNumber, self.content) = (
                name, tunnels, protocolNumber, content
            )
        }
    }

    static let ipv4Cases: [Case] = [
        Case("GRE", .gre, "2f", "0000 0800" + Packet.ipv4),
        Case("GRE with checksum, key, sequence", .gre, "2f", "b000 0800 00000000 00000001 00000002" + Packet.ipv4),
        Case("GRE with Ethernet", .gre, "2f", "0000 6558" + LinkLayerTests.macs + "0800" + Packet.ipv4),
        Case("IP in IP", .ipInIP, "04", Packet.ipv4),
        Case("VXLAN", .vxlan, "11", udp(4_789, "08000000 00000100" + LinkLayerTests.macs + "0800" + Packet.ipv4)),
        Case(
            "Geneve", .geneve, "11",
            udp(6_081, "0100 6558 00000100 00000000" + LinkLayerTests.macs + "0800" + Packet.ipv4)
        ),
        Case("GTP-U", .gtpU, "11", udp(2_152, "30ff 0020 00000001" + Packet.ipv4)),
        Case("GTP-U, extended", .gtpU, "11", udp(2_152, "34ff 0028 00000001 0000 00 85 01 1000 00" + Packet.ipv4)),
        Case(
            "IP in IP in GRE", [.gre, .ipInIP], "2f",
            "0000 0800" + "4500 0034 0001 0000 4004 0000 c0000209 c6336409" + Packet.ipv4),
    ]

    @Test(arguments: ipv4Cases)
    func whatIsInsideIsDeliveredWhereAskedFor(tunnel: Case) {
        let (tunnels, protocolNumber, content) = (tunnel.tunnels, tunnel.protocolNumber, tunnel.content)
        let frame = Self.outer4(protocolNumber, content)
        let (inner, bytes) = decode(frame, tunnels)
        #expect(inner.source == Packet.source4)
        #expect(inner.destination == Packet.destination4)
        #expect(bytes == Packet.payload)
        let (outer, _) = decode(frame, [])
        #expect(outer.recordClass == (protocolNumber == "11" ? .delivered : .notUDP))
        #expect(outer.source != Packet.source4)
    }

    static let ipv6Cases: [Case] = [
        Case("6in4", .ipInIP, "29", Packet.ipv6),
        Case("GRE", .gre, "2f", "0000 86dd" + Packet.ipv6),
        Case("Teredo", .teredo, "11", udp(3_544, Packet.ipv6)),
        Case(
            "Teredo with indications", .teredo, "11",
            udp(3_544, "0001 0000 0000000000000000 00 0000 1234 01020304" + Packet.ipv6)),
    ]

    @Test(arguments: ipv6Cases)
    func ipv6InsideIsDelivered(tunnel: Case) {
        let (tunnels, protocolNumber, content) = (tunnel.tunnels, tunnel.protocolNumber, tunnel.content)
        let (inner, bytes) = decode(Self.outer4(protocolNumber, content), tunnels)
        #expect(inner.source == Packet.source6)
        #expect(bytes == Packet.payload)
    }

    static let lookalikes: [(Int, String)] = [
        (4_789, "00000000 00000100 0102030405060708"), (6_081, "c000 6558 00000100"), (2_152, "32ff 0004"),
        (3_544, "4500 0000 0000 0000"), (4_789, "0800"), (2_152, "34ff 0008 00000001 0000 00 85 00 000000"),
    ]

    @Test(arguments: lookalikes)
    func aDatagramThatOnlyHasThePortOfATunnelStaysWhatItIs(port: Int, content: String) {
        let (frame, bytes) = decode(Self.outer4("11", Self.udp(port, content)), .all)
        #expect(frame.isDelivered)
        #expect(frame.destination.port == UInt16(port))
        #expect(bytes == hex(content))
    }

    @Test func fragmentsInsideATunnelAreJoined() {
        let content = Fragments.datagram(payloadLength: 40)
        var options = DecodingOptions()
        options.tunnels = .gre
        var decoder = RecordDecoder(options)
        for range in [0..<24, 24..<48] {
            let inner = Fragments.frame(content, range, isIPv6: true)
            let frame =
                hex(
                    "4500" + Packet.number(24 + inner.count, digits: 4)
                        + "0001 0000 402f 0000 c0000209 c6336409 0000 86dd")
                + inner
            let decoded = decoder.decode(RawSpan(frame.span), originalLength: frame.count, linkType: .rawIP)
            #expect(decoded.isReassembled == (range.lowerBound > 0))
            guard decoded.isDelivered else { continue }
            #expect(decoder.payload(of: decoded, in: RawSpan(frame.span)) == Array(content[8...]))
        }
        #expect(decoder.accounting[.delivered] == 1)
        #expect(decoder.accounting[.joinedFragment] == 1)
        #expect(decoder.accounting.total == 2)
    }

    /// The bytes of `range` of what an outer packet carries, as a fragment of it.
    private static func outerFragment(
        _ content: [UInt8], _ range: Range<Int>, protocolNumber: String, identification: Int
    ) -> [UInt8] {
        let word = range.lowerBound / 8 | (range.upperBound < content.count ? 0x2000 : 0)
        return hex(
            "4500" + Packet.number(20 + range.count, digits: 4) + Packet.number(identification, digits: 4)
                + Packet.number(word, digits: 4) + "40\(protocolNumber) 0000 c0000209 c6336409") + content[range]
    }

    @Test(arguments: ["2f", "11"])
    func aTunnelInFragmentsIsJoinedBeforeItIsLookedInto(protocolNumber: String) {
        let inner = hex(Packet.ipv4)
        let header =
            protocolNumber == "2f"
            ? hex("0000 0800")
            : hex("9c40 12b5" + Packet.number(30 + inner.count, digits: 4) + "0000")
                + hex("08000000 00000100" + LinkLayerTests.macs + "0800")
        let content = header + inner
        var options = DecodingOptions()
        options.tunnels = [.gre, .vxlan]
        var decoder = RecordDecoder(options)
        for range in [0..<16, 16..<content.count] {
            let frame = Self.outerFragment(content, range, protocolNumber: protocolNumber, identification: 1)
            let decoded = decoder.decode(RawSpan(frame.span), originalLength: frame.count, linkType: .rawIP)
            guard range.lowerBound > 0 else {
                #expect(decoded.recordClass == .pendingFragment)
                continue
            }
            #expect(decoded.destination == Packet.destination4)
            #expect(decoder.payload(of: decoded, in: RawSpan(frame.span)) == Packet.payload)
        }
        #expect(decoder.accounting[.delivered] == 1 && decoder.accounting[.joinedFragment] == 1)
        #expect(decoder.accounting.total == 2)
        // Nobody looks into it unasked.
        var plain = RecordDecoder()
        let part = Self.outerFragment(content, 0..<16, protocolNumber: "2f", identification: 1)
        #expect(plain.decode(RawSpan(part.span), originalLength: 36, linkType: .rawIP).recordClass == .notUDP)
    }

    @Test func fragmentsOfATunnelThatComeInFragmentsAreJoinedTwice() {
        let content = Fragments.datagram(payloadLength: 40)
        var options = DecodingOptions()
        options.tunnels = .gre
        var decoder = RecordDecoder(options)
        var last: (frame: DecodedFrame, payload: [UInt8])?
        for (number, range) in [0..<24, 24..<48].enumerated() {
            let packet = hex("0000 86dd") + Fragments.frame(content, range, isIPv6: true)
            for part in [0..<32, 32..<packet.count] {
                let frame = Self.outerFragment(packet, part, protocolNumber: "2f", identification: number)
                let decoded = decoder.decode(RawSpan(frame.span), originalLength: frame.count, linkType: .rawIP)
                if decoded.isDelivered { last = (decoded, decoder.payload(of: decoded, in: RawSpan(frame.span))) }
            }
        }
        #expect(last?.payload == Array(content[8...]))
        #expect(decoder.accounting[.delivered] == 1 && decoder.accounting[.joinedFragment] == 3)
        #expect(decoder.accounting.total == 4)
    }

    @Test func tunnelsInTunnelsComeToAnEnd() {
        var frame = hex(Packet.ipv4)
        for _ in 0..<50 {
            frame =
                hex("4500" + Packet.number(20 + frame.count, digits: 4) + "0001 0000 4004 0000 c0000209 c6336409")
                + frame
        }
        #expect(decode(frame, .all).0.recordClass == .notUDP)
    }
}
