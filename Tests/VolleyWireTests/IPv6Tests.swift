import Testing
import VolleyWire

@Suite struct IPv6Tests {
    @Test(arguments: [0, 43, 60, 135] as [UInt8])
    func extensionHeadersAreWalked(header: UInt8) {
        let frame = hex(Packet.ipv6Header(length: 20, next: header) + "1100 000000000000" + Packet.udp)
        #expect(payload(frame, .rawIP) == Packet.payload)
    }

    @Test func longExtensionHeadersAndChainsAreWalked() {
        let headers = "3c01 000000000000 0000000000000000" + "2b00 000000000000" + "1100 000000000000"
        let frame = hex(Packet.ipv6Header(length: 44, next: 0) + headers + Packet.udp)
        #expect(payload(frame, .rawIP) == Packet.payload)
    }

    @Test func aChainOfAHundredHeadersIsWalked() {
        let headers = String(repeating: "3c00 000000000000", count: 99) + "1100 000000000000"
        let frame = hex(Packet.ipv6Header(length: 812, next: 60) + headers + Packet.udp)
        #expect(payload(frame, .rawIP) == Packet.payload)
    }

    @Test func anAtomicFragmentIsWhole() {
        let frame = hex(Packet.ipv6Header(length: 20, next: 44) + "1100 0000 00000001" + Packet.udp)
        #expect(payload(frame, .rawIP) == Packet.payload)
    }

    @Test(arguments: ["0001", "0008", "0009"])
    func fragmentsThatMayHoldUDPAreAClassOfTheirOwn(offsetAndFlag: String) {
        let packet = { (next: String) in
            hex(Packet.ipv6Header(length: 20, next: 44) + "\(next)00 \(offsetAndFlag) 00000001" + Packet.udp)
        }
        #expect(decode(packet("11"), .rawIP).recordClass == .pendingFragment)
        #expect(decode(packet("3c"), .rawIP).recordClass == .pendingFragment)
        #expect(decode(packet("06"), .rawIP).recordClass == .notUDP)
        #expect(decode(packet("11").dropLast(), .rawIP, originalLength: 60).recordClass == .cut)
    }

    @Test(arguments: [50, 51, 6, 59, 136] as [UInt8])
    func securityHeadersAndOtherProtocolsAreNotUDP(next: UInt8) {
        let frame = hex(Packet.ipv6Header(length: 20, next: next) + "1100 000000000000" + Packet.udp)
        #expect(decode(frame, .rawIP).recordClass == .notUDP)
    }

    @Test func anExtensionHeaderPastTheEndIsMalformed() {
        let tooLong = hex(Packet.ipv6Header(length: 12, next: 0) + "1102 0000 00000000 00000000")
        #expect(decode(tooLong, .rawIP).reason == .ipv6ExtensionHeader)
        let tooShort = hex(Packet.ipv6Header(length: 4, next: 0) + "1100 0000")
        #expect(decode(tooShort, .rawIP).reason == .ipv6ExtensionHeader)
    }

    @Test func aPayloadLengthBeyondTheOriginalPacketIsBad() {
        let frame = hex(Packet.ipv6Header(length: 13, next: 17) + Packet.udp)
        #expect(decode(frame, .rawIP).recordClass == .badIPLength)
    }

    @Test(arguments: 0..<60)
    func everyCutIsCut(length: Int) {
        let packet = hex(Packet.ipv6Header(length: 20, next: 0) + "1100 000000000000" + Packet.udp)
        #expect(decode(Array(packet[..<length]), .rawIP, originalLength: 60).recordClass == .cut)
    }

    @Test func paddingBehindTheIPLengthIsCutOff() {
        #expect(payload(hex(Packet.ipv6 + "00000000"), .rawIP) == Packet.payload)
    }

    @Test func aJumbogramHasTheLengthOfItsOption() {
        let packet = Packet.ipv6Header(length: 0, next: 0) + "1100 c204 00000014" + "1388 0035 0000 0000 deadbeef"
        #expect(decode(hex(packet), .rawIP).recordClass == .refused)
        #expect(decode(hex(packet), .rawIP).reason == .jumbogram)
        let tooLong = Packet.ipv6Header(length: 0, next: 0) + "1100 c204 ffffffff" + Packet.udp
        #expect(decode(hex(tooLong), .rawIP).recordClass == .badIPLength)
    }

    private func decode(_ frame: some Sequence<UInt8>, _ linkType: LinkType, originalLength: Int? = nil) -> DecodedFrame
    {
        VolleyWireTests.decode(Array(frame), linkType, originalLength: originalLength)
    }
}
