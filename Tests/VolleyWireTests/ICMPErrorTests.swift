import Testing
import VolleyCore
import VolleyWire

@Suite struct ICMPErrorTests {
    /// An ICMP message from 203.0.113.9 to 192.0.2.1.
    static func icmp(_ head: String, _ quoted: String) -> [UInt8] {
        let length = Packet.number(28 + hex(quoted).count, digits: 4)
        return hex("4500 \(length) 0001 0000 4001 0000 cb007109 c0000201" + head + quoted)
    }

    /// An ICMPv6 message from 2001:db8::1 to 2001:db8::2.
    static func icmpv6(_ head: String, _ quoted: String) -> [UInt8] {
        hex(Packet.ipv6Header(length: 8 + hex(quoted).count, next: 58) + head + quoted)
    }

    private func read(_ frame: [UInt8], originalLength: Int? = nil) -> ICMPError? {
        ICMPError(decode(frame, .rawIP, originalLength: originalLength), in: RawSpan(frame.span))
    }

    @Test func anICMPErrorTellsWhatASocketLearns() throws {
        let frame = Self.icmp("0304 0000 0000 0578", Packet.ipv4)
        let error = try #require(read(frame))
        #expect(error.family == .ipv4)
        #expect(error.type == 3)
        #expect(error.code == 4)
        #expect(error.offender == IPAddress(v4: 0xcb00_7109))
        #expect(error.receiver == IPAddress(v4: 0xc000_0201))
        #expect(error.source == Packet.source4)
        #expect(error.destination == Packet.destination4)
        #expect(error.info == 1_400)
        #expect(error.errno?.name == "EMSGSIZE")
        #expect(Array(copying: error.payload(in: RawSpan(frame.span))) == Packet.payload)
        #expect(error.hasGoodChecksum == false)
    }

    @Test func anICMPv6ErrorTellsWhatASocketLearns() throws {
        let frame = Self.icmpv6("0200 0000 00000500", Packet.ipv6)
        let error = try #require(read(frame))
        #expect(error.family == .ipv6)
        #expect(error.offender == Packet.source6.ip)
        #expect(error.source == Packet.source6)
        #expect(error.destination == Packet.destination6)
        #expect(error.info == 1_280)
        #expect(error.errno?.isMessageSize == true)
        #expect(Array(copying: error.payload(in: RawSpan(frame.span))) == Packet.payload)
    }

    @Test(arguments: [
        ("0303 0000 0000 0578", 0), ("0c00 0000 14ffffff", 20), ("0b00 0000 ffffffff", 0), ("0400 0000 ffffffff", 0),
    ])
    func infoIsTheMTUOrThePointerOrNothing(head: String, info: UInt32) {
        #expect(read(Self.icmp(head, Packet.ipv4))?.info == info)
    }

    @Test func infoOfICMPv6IsTheWordThatIsThere() {
        #expect(read(Self.icmpv6("0104 0000 12345678", Packet.ipv6))?.info == 0x1234_5678)
    }

    @Test func everyTypeBelow128OfICMPv6IsAnError() {
        for type in UInt8.min...UInt8.max {
            let frame = Self.icmpv6(Packet.number(Int(type), digits: 2) + "00 0000 00000000", Packet.ipv6)
            #expect((read(frame) != nil) == (type < 128))
        }
    }

    @Test func theQuoteIsReadAsTheKernelReadsIt() {
        // Its version, its lengths and its fragment offset are not looked at.
        let quote = "6500 ffff 0001 1fff 4011 0000 c0000201 c6336402 1388 0035 ffff 0000"
        #expect(read(Self.icmp("0303 0000 00000000", quote))?.source == Packet.source4)
        #expect(read(Self.icmp("0303 0000 00000000", quote))?.payloadLength == 0)
        // A header shorter than 20 bytes, another protocol, or fewer than 8 bytes behind it: nothing.
        for wrong in [
            quote.replacing("6500", with: "6400"), quote.replacing("4011", with: "4088"), String(quote.dropLast(2)),
        ] {
            #expect(read(Self.icmp("0303 0000 00000000", wrong)) == nil)
        }
        let options = "4600 0024 0001 0000 4011 0000 c0000201 c6336402 01010101" + Packet.udp
        #expect(read(Self.icmp("0303 0000 00000000", options))?.destination == Packet.destination4)
    }

    @Test(arguments: [
        (0, "1100 0000 00000000", true), (43, "1100 0001 00000000", true), (60, "1100 0104 00000000", true),
        (51, "1101 0000 00000000 00000000", true), (44, "1100 0001 00000007", true),
        (44, "1100 0008 00000007", false), (59, "1100 0000 00000000", false), (50, "1100 0000 00000000", false),
    ])
    func extensionHeadersInTheQuoteAreWalked(next: UInt8, header: String, isFound: Bool) {
        let quoted = Packet.ipv6Header(length: 12 + hex(header).count, next: next) + header + Packet.udp
        #expect((read(Self.icmpv6("0104 0000 00000000", quoted)) != nil) == isFound)
    }

    @Test func theChecksumIsThatOfTheWholeMessage() {
        let quote = "4500 0020 0001 0000 4011 0000 c0000201 c6336402" + Packet.udp
        var good = 0
        for sum in 0...0xffff {
            let head = "0303" + Packet.number(sum, digits: 4) + "00000000"
            if read(Self.icmp(head, quote))?.hasGoodChecksum == true { good += 1 }
        }
        // Exactly one value is right.
        #expect(good == 1)
    }

    @Test func aCutMessageHasNoChecksum() throws {
        let frame = Self.icmp("0303 0000 00000000", Packet.ipv4)
        let cut = try #require(read(Array(frame.dropLast(2)), originalLength: frame.count))
        #expect(cut.hasGoodChecksum == nil)
        #expect(cut.payloadLength == 2)
        // So it is when the record is shorter than the packet ever was.
        #expect(read(Array(frame.dropLast(2)))?.hasGoodChecksum == nil)
    }

    @Test func whatIsNoErrorIsNone() {
        #expect(read(hex(Packet.ipv4)) == nil)
        #expect(read(Self.icmp("0800 0000 00000000", Packet.ipv4)) == nil)
        #expect(read([]) == nil)
    }
}
