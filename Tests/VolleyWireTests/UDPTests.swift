import Testing
import VolleyWire

@Suite struct UDPTests {
    static func packet(udpLength: String, ipLength: String = "0020") -> [UInt8] {
        hex("4500 \(ipLength) 0001 0000 4011 0000 c0000201 c6336402 1388 0035 \(udpLength) 0000 deadbeef")
    }

    @Test func aLengthBelowTheIPPayloadTrims() {
        #expect(payload(Self.packet(udpLength: "000a"), .rawIP) == hex("dead"))
    }

    @Test func aLengthOfEightIsAnEmptyDatagram() {
        let decoded = decode(Self.packet(udpLength: "0008"), .rawIP)
        #expect(decoded.recordClass == .delivered)
        #expect(decoded.payloadLength == 0)
        #expect(payload(Self.packet(udpLength: "0008"), .rawIP) == [])
    }

    @Test(arguments: ["0000", "0007", "000d", "ffff"])
    func aLengthOutsideItsPacketIsBad(udpLength: String) {
        #expect(decode(Self.packet(udpLength: udpLength), .rawIP).recordClass == .badUDPLength)
    }

    @Test func anIPPayloadTooShortForTheHeaderIsBad() {
        #expect(decode(Self.packet(udpLength: "000c", ipLength: "001b"), .rawIP).recordClass == .badUDPLength)
    }

    @Test func badLengthsOverIPv6AreBadToo() {
        let frame = hex(Packet.ipv6Header(length: 12, next: 17) + "1388 0035 000d 0000 deadbeef")
        #expect(decode(frame, .rawIP).recordClass == .badUDPLength)
    }

    @Test func checksumsAreNoCriterion() {
        let frame = hex("4500 0020 0001 0000 4011 ffff c0000201 c6336402 1388 0035 000c 1234 deadbeef")
        #expect(payload(frame, .rawIP) == Packet.payload)
    }
}
