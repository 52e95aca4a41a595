import Testing
import VolleyWire

@Suite struct DamagedFrameTests {
    static let frames: [(LinkType, String)] = [
        (.ethernet, LinkLayerTests.macs + "88a8 0064 8100 000b 0800" + Packet.ipv4),
        (.linuxSLL2, "86dd 0000 00000002 0001 00 06 0200000000010000" + Packet.ipv6),
        (
            .null,
            "1e000000" + Packet.ipv6Header(length: 28, next: 0) + "2c00 000000000000 1100 0000 00000001" + Packet.udp
        ),
        (.ethernet, LinkLayerTests.macs + "0028 aaaa03 000000 0800" + Packet.ipv4),
    ]

    /// Whatever the bytes are, a class is found and a payload lies within the frame.
    private func expectSound(_ frame: [UInt8], _ linkType: LinkType, originalLength: Int) {
        let decoded = decode(frame, linkType, originalLength: originalLength)
        #expect(RecordClass.all.contains(decoded.recordClass))
        #expect([.malformed, .refused].contains(decoded.recordClass) == (decoded.reason != .none))
        #expect(decoded.payloadOffset + decoded.payloadLength <= frame.count)
    }

    @Test(arguments: frames.indices)
    func everyLengthEndsInAClass(index: Int) {
        let (linkType, text) = Self.frames[index]
        let whole = hex(text)
        #expect(decode(whole, linkType).isDelivered)
        for length in 0..<whole.count {
            let cut = Array(whole[..<length])
            #expect(decode(cut, linkType, originalLength: whole.count).recordClass == .cut)
            expectSound(cut, linkType, originalLength: length)
        }
    }

    @Test(arguments: frames.indices)
    func everyChangedByteEndsInAClass(index: Int) {
        let (linkType, text) = Self.frames[index]
        let whole = hex(text)
        for offset in whole.indices {
            for value in UInt8.min...UInt8.max {
                var frame = whole
                frame[offset] = value
                for length in [frame.count, offset + 1] {
                    expectSound(Array(frame[..<length]), linkType, originalLength: whole.count)
                }
            }
        }
    }

    @Test func everyLinkTypeTakesEveryLengthOfNoise() {
        var random = UInt64(2026)
        for number in (0...300) + [9999] as [UInt32] {
            for length in 0..<200 {
                let frame = (0..<length).map { _ in
                    random = random &* 6_364_136_223_846_793_005 &+ 1
                    return UInt8(truncatingIfNeeded: random >> 56)
                }
                expectSound(frame, LinkType(rawValue: number), originalLength: length * 2)
                expectSound(frame, LinkType(rawValue: number), originalLength: .max)
                expectSound(frame, LinkType(rawValue: number), originalLength: .min)
            }
        }
    }
}
