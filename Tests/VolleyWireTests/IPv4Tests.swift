import Testing
import VolleyWire

@Suite struct IPv4Tests {
    @Test func optionsAreStepOver() {
        let frame = hex("4600 0024 0001 0000 4011 0000 c0000201 c6336402 01010101" + Packet.udp)
        #expect(payload(frame, .rawIP) == Packet.payload)
    }

    @Test func paddingBehindTheIPLengthIsCutOff() {
        let frame = hex(Packet.ipv4 + "0000 0000 0000 0000")
        #expect(payload(frame, .rawIP) == Packet.payload)
    }

    @Test func aTotalLengthBelowTheHeaderIsBad() {
        let frame = hex("4500 0013 0001 0000 4011 0000 c0000201 c6336402" + Packet.udp)
        #expect(decode(frame, .rawIP).recordClass == .badIPLength)
    }

    @Test func aTotalLengthBeyondTheOriginalPacketIsBad() {
        let frame = hex("4500 0021 0001 0000 4011 0000 c0000201 c6336402" + Packet.udp)
        #expect(decode(frame, .rawIP).recordClass == .badIPLength)
        #expect(decode(frame, .rawIP, originalLength: 1).recordClass == .badIPLength)
    }

    @Test func aPacketLongerThanWhatWasCapturedIsCut() {
        let frame = hex("4500 0028 0001 0000 4011 0000 c0000201 c6336402 1388 0035 0014 0000 deadbeef")
        #expect(decode(frame, .rawIP, originalLength: 40).recordClass == .cut)
    }

    @Test func aDatagramThatIsWholeInACutPacketIsDelivered() {
        let frame = hex("4500 0028 0001 0000 4011 0000 c0000201 c6336402" + Packet.udp)
        #expect(payload(frame, .rawIP, originalLength: 40) == Packet.payload)
    }

    @Test(arguments: 0..<32)
    func everyCutIsCut(length: Int) {
        let frame = Array(hex(Packet.ipv4)[..<length])
        #expect(decode(frame, .rawIP, originalLength: 32).recordClass == .cut)
    }

    @Test func aHeaderShorterThanItsMinimumIsMalformed() {
        let frame = hex("4400 0020 0001 0000 4011 0000 c0000201 c6336402" + Packet.udp)
        #expect(decode(frame, .rawIP).reason == .ipv4HeaderLength)
        #expect(decode(hex("4500 0020"), .rawIP).reason == .shortIPHeader)
    }

    @Test func aVersionOtherThanAnnouncedIsMalformed() {
        #expect(decode(hex(LinkLayerTests.macs + "0800" + Packet.ipv6), .ethernet).reason == .ipVersion)
    }

    @Test(arguments: ["2000", "2001", "0001", "1fff"])
    func fragmentsOfUDPAreAClassOfTheirOwn(flagsAndOffset: String) {
        let frame = hex("4500 0020 0001 \(flagsAndOffset) 4011 0000 c0000201 c6336402" + Packet.udp)
        #expect(decode(frame, .rawIP).recordClass == .pendingFragment)
        #expect(decode(Array(frame.dropLast()), .rawIP, originalLength: 32).recordClass == .cut)
    }

    @Test func dontFragmentIsNoFragment() {
        let frame = hex("4500 0020 0001 4000 4011 0000 c0000201 c6336402" + Packet.udp)
        #expect(decode(frame, .rawIP).recordClass == .delivered)
    }

    @Test func otherProtocolsAndTheirFragmentsAreNotUDP() {
        for (protocolNumber, flags) in [("06", "0000"), ("06", "2000"), ("01", "2000"), ("2f", "0000"), ("88", "0000")]
        {
            let frame = hex("4500 0020 0001 \(flags) 40\(protocolNumber) 0000 c0000201 c6336402" + Packet.udp)
            #expect(decode(frame, .rawIP).recordClass == .notUDP)
        }
    }
}
