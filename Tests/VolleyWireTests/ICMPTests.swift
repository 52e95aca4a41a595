import Testing
import VolleyWire

@Suite struct ICMPTests {
    static func icmp(type: String, quoted: String) -> [UInt8] {
        let message = "\(type)03 0000 00000000" + quoted
        let length = Packet.number(20 + hex(message).count, digits: 4)
        return hex("4500 \(length) 0001 0000 4001 0000 c6336402 c0000201" + message)
    }

    static func icmpv6(type: String, quoted: String) -> [UInt8] {
        let message = "\(type)04 0000 00000000" + quoted
        return hex(Packet.ipv6Header(length: hex(message).count, next: 58) + message)
    }

    @Test(arguments: ["03", "04", "0b", "0c"])
    func errorsThatQuoteUDPAreAClassOfTheirOwn(type: String) {
        #expect(decode(Self.icmp(type: type, quoted: Packet.ipv4), .rawIP).recordClass == .icmpError)
    }

    @Test(arguments: ["01", "02", "03", "04"])
    func errorsOfICMPv6ThatQuoteUDPToo(type: String) {
        #expect(decode(Self.icmpv6(type: type, quoted: Packet.ipv6), .rawIP).recordClass == .icmpError)
    }

    @Test func theQuotedHeaderIsEnough() {
        let header = String(Packet.ipv4.replacing(" ", with: "").prefix(56))
        #expect(decode(Self.icmp(type: "03", quoted: header), .rawIP).recordClass == .icmpError)
        #expect(decode(Self.icmp(type: "03", quoted: String(header.dropLast(2))), .rawIP).recordClass == .notUDP)
    }

    @Test func aQuoteBehindExtensionHeadersIsFound() {
        let quoted = Packet.ipv6Header(length: 20, next: 0) + "1100 000000000000" + Packet.udp
        #expect(decode(Self.icmpv6(type: "01", quoted: quoted), .rawIP).recordClass == .icmpError)
    }

    @Test func anErrorCutBehindTheQuotedHeaderStillSaysAll() {
        let whole = Self.icmp(type: "03", quoted: Packet.ipv4)
        #expect(decode(Array(whole.dropLast(4)), .rawIP, originalLength: whole.count).recordClass == .icmpError)
    }

    @Test(arguments: ["00", "05", "08"])
    func echoAndRedirectAreNoErrors(type: String) {
        #expect(decode(Self.icmp(type: type, quoted: Packet.ipv4), .rawIP).recordClass == .notUDP)
    }

    @Test func errorsAboutOtherThanUDPAreNotUDP() {
        let tcp = Packet.ipv4.replacing("4011", with: "4006")
        #expect(decode(Self.icmp(type: "03", quoted: tcp), .rawIP).recordClass == .notUDP)
        #expect(decode(Self.icmpv6(type: "80", quoted: Packet.ipv6), .rawIP).recordClass == .notUDP)
    }
}
