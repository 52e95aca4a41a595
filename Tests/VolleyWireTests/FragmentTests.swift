import Testing
import VolleyCore

@testable import VolleyWire

/// Packets cut into fragments, as bytes.
enum Fragments {
    /// One fragment of `content`: the bytes of `range`, behind a header of its own.
    static func frame(
        _ content: [UInt8], _ range: Range<Int>, isIPv6: Bool, identification: UInt16 = 7, hasMore: Bool? = nil
    ) -> [UInt8] {
        let more = hasMore ?? (range.upperBound < content.count)
        let bytes = Array(content[range])
        let number = { (value: Int, digits: Int) in Packet.number(value, digits: digits) }
        if isIPv6 {
            let word = range.lowerBound & ~7 | (more ? 1 : 0)
            return hex(
                Packet.ipv6Header(length: 8 + bytes.count, next: 44) + "1100" + number(word, 4)
                    + number(Int(identification), 8)) + bytes
        }
        let word = range.lowerBound / 8 | (more ? 0x2000 : 0)
        return hex(
            "4500" + number(20 + bytes.count, 4) + number(Int(identification), 4) + number(word, 4)
                + "4011 0000 c0000201 c6336402") + bytes
    }

    /// A UDP datagram of ports 5000 and 53 with a payload that tells its places apart.
    static func datagram(payloadLength: Int) -> [UInt8] {
        hex("1388 0035" + Packet.number(8 + payloadLength, digits: 4) + "0000")
            + (0..<payloadLength).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }
}

extension FragmentReassembler {
    /// Decodes and takes a raw IP packet.
    mutating func add(_ frame: [UInt8], at time: Int64 = 0) -> Step {
        add(decode(frame, .rawIP), of: RawSpan(frame.span), at: time)
    }
}

extension FragmentReassembler.Step {
    /// The payload delivered.
    var payload: [UInt8]? {
        frame.isDelivered ? Array(packet[frame.payloadOffset..<frame.payloadOffset + frame.payloadLength]) : nil
    }
}

@Suite struct FragmentTests {
    let content = Fragments.datagram(payloadLength: 40)

    func part(_ range: Range<Int>, isIPv6: Bool, hasMore: Bool? = nil, identification: UInt16 = 7) -> [UInt8] {
        Fragments.frame(content, range, isIPv6: isIPv6, identification: identification, hasMore: hasMore)
    }

    @Test(arguments: [false, true])
    func theRecordThatCompletesIsDelivered(isIPv6: Bool) {
        var reassembler = FragmentReassembler()
        var accounting = RecordAccounting()
        for range in [16..<32, 0..<16] {
            let step = reassembler.add(part(range, isIPv6: isIPv6))
            #expect(step.frame.recordClass == .pendingFragment)
            accounting.count(step)
        }
        #expect(accounting[.pendingFragment] == 2)
        let last = reassembler.add(part(32..<48, isIPv6: isIPv6))
        accounting.count(last)
        #expect(last.payload == Array(content[8...]))
        #expect(last.frame.source == (isIPv6 ? Packet.source6 : Packet.source4))
        #expect(last.frame.destination == (isIPv6 ? Packet.destination6 : Packet.destination4))
        #expect(accounting[.delivered] == 1)
        #expect(accounting[.joinedFragment] == 2)
        #expect(accounting.total == 3)
        #expect(reassembler.pendingPackets == 0)
        #expect(reassembler.byteCount == 0)
    }

    @Test(arguments: [false, true])
    func duplicatesAreIgnoredAndJoined(isIPv6: Bool) {
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(0..<32, isIPv6: isIPv6))
        #expect(reassembler.add(part(0..<32, isIPv6: isIPv6)).frame.recordClass == .pendingFragment)
        #expect(reassembler.add(part(8..<16, isIPv6: isIPv6, hasMore: true)).frame.recordClass == .pendingFragment)
        let last = reassembler.add(part(32..<48, isIPv6: isIPv6))
        #expect(last.payload == Array(content[8...]))
        #expect(last.joinedFragments == 3)
    }

    @Test(arguments: [false, true])
    func anOverlapGivesUpThePacket(isIPv6: Bool) {
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(0..<16, isIPv6: isIPv6))
        #expect(reassembler.add(part(8..<32, isIPv6: isIPv6)).frame.reason == .overlappingFragment)
        #expect(reassembler.pendingPackets == 0)
        #expect(reassembler.add(part(16..<48, isIPv6: isIPv6)).frame.recordClass == .pendingFragment)
    }

    @Test(arguments: [false, true])
    func fragmentsBehindTheEndGiveUpThePacket(isIPv6: Bool) {
        for second in [part(40..<48, isIPv6: isIPv6), part(32..<40, isIPv6: isIPv6, hasMore: true)] {
            var reassembler = FragmentReassembler()
            _ = reassembler.add(part(16..<32, isIPv6: isIPv6, hasMore: false))
            #expect(reassembler.add(second).frame.reason == .overlappingFragment)
        }
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(32..<40, isIPv6: isIPv6))
        #expect(reassembler.add(part(16..<24, isIPv6: isIPv6, hasMore: false)).frame.reason == .overlappingFragment)
    }

    @Test(arguments: [false, true])
    func anEmptyFragmentGivesUpThePacket(isIPv6: Bool) {
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(0..<16, isIPv6: isIPv6))
        #expect(reassembler.add(part(16..<16, isIPv6: isIPv6, hasMore: true)).frame.reason == .emptyFragment)
        #expect(reassembler.pendingPackets == 0)
    }

    @Test func aMiddleFragmentOffAMultipleOfEightIsCutInIPv4AndRefusedInIPv6() {
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(0..<19, isIPv6: false))
        #expect(reassembler.add(part(16..<48, isIPv6: false)).payload == Array(content[8...]))

        _ = reassembler.add(part(0..<16, isIPv6: true))
        #expect(reassembler.add(part(16..<27, isIPv6: true)).frame.reason == .fragmentLength)
        // The packet stays.
        #expect(reassembler.add(part(16..<48, isIPv6: true)).payload == Array(content[8...]))
    }

    @Test func aPacketOf65536BytesIsRefused() {
        // 20 bytes of header and 65,516 of content, and 65,528 of content behind no header that counts.
        for (isIPv6, fits) in [(false, 65_515), (true, 65_535)] {
            for length in [fits, fits + 1] {
                let content =
                    Fragments.datagram(payloadLength: min(length - 8, 65_000))
                    + [UInt8](repeating: 1, count: max(0, length - 65_008))
                var reassembler = FragmentReassembler()
                var last = reassembler.add(Fragments.frame(content, 0..<32_768, isIPv6: isIPv6))
                last = reassembler.add(Fragments.frame(content, 32_768..<length, isIPv6: isIPv6))
                if length == fits {
                    #expect(last.payload?.count == 65_000)
                } else {
                    #expect(last.frame.reason == (isIPv6 ? .fragmentLength : .oversizePacket))
                }
            }
        }
    }

    @Test func extensionHeadersBeforeAndBehindTheFragmentHeaderAreWalked() {
        let behind = hex("1100 000000000000") + content
        func part(_ range: Range<Int>) -> [UInt8] {
            let word = Packet.number(range.lowerBound | (range.upperBound < behind.count ? 1 : 0), digits: 4)
            return hex(
                Packet.ipv6Header(length: 16 + range.count, next: 60) + "2c00 010400000000" + "3c00 \(word) 00000009")
                + behind[range]
        }
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(0..<24))
        #expect(reassembler.add(part(24..<56)).payload == Array(content[8...]))
        // The first fragment has to reach to the UDP header.
        #expect(reassembler.add(part(0..<8)).frame.reason == .ipv6ExtensionHeader)
    }

    @Test func ipv4OptionsOfTheFirstFragmentAreKept() {
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(16..<48, isIPv6: false))
        let first = hex("4600 0028 0007 2000 4011 0000 c0000201 c6336402 01010101") + content[..<16]
        let step = reassembler.add(first)
        #expect(step.payload == Array(content[8...]))
        #expect(step.packet.count == 24 + 48)
    }

    @Test func whatDoesNotBelongTogetherStaysApart() {
        var reassembler = FragmentReassembler()
        _ = reassembler.add(part(0..<16, isIPv6: false))
        #expect(reassembler.add(part(16..<48, isIPv6: true)).frame.recordClass == .pendingFragment)
        #expect(
            reassembler.add(part(16..<48, isIPv6: false, identification: 8)).frame.recordClass == .pendingFragment)
        #expect(reassembler.pendingPackets == 3)
    }

    @Test func theOldestPacketsGiveWay() {
        var limits = FragmentReassembler.Limits()
        limits.packetsMax = 2
        var reassembler = FragmentReassembler(limits: limits)
        for number in 1...3 as ClosedRange<UInt16> {
            _ = reassembler.add(part(0..<16, isIPv6: false, identification: number))
        }
        #expect(reassembler.evictedPackets == 1)
        #expect(reassembler.add(part(16..<48, isIPv6: false, identification: 1)).payload == nil)
        #expect(reassembler.add(part(16..<48, isIPv6: false, identification: 3)).payload != nil)
    }

    @Test func memoryIsBoundedWhateverComes() {
        var limits = FragmentReassembler.Limits()
        limits.bytesMax = 10_000
        var reassembler = FragmentReassembler(limits: limits)
        for number in 0..<20_000 {
            let identification = UInt16(truncatingIfNeeded: number / 3)
            _ = reassembler.add(part(0..<16, isIPv6: number % 2 == 0, identification: identification))
            #expect(reassembler.byteCount <= 10_000)
        }
        #expect(reassembler.evictedPackets > 1_000)
    }

    @Test func fragmentsComeTooLate() {
        var reassembler = FragmentReassembler(limits: .linux)
        _ = reassembler.add(part(0..<16, isIPv6: false), at: 1_000)
        _ = reassembler.add(part(0..<16, isIPv6: true), at: 1_000)
        #expect(reassembler.add(part(16..<48, isIPv6: false), at: 30_000_001_001).payload == nil)
        #expect(reassembler.expiredPackets == 1)
        #expect(reassembler.add(part(16..<48, isIPv6: true), at: 60_000_001_000).payload != nil)
        // Time that goes backwards, or far, is no trap.
        _ = reassembler.add(part(0..<16, isIPv6: true), at: .min)
        #expect(reassembler.add(part(16..<48, isIPv6: true), at: .max).payload == nil)
    }

    @Test func whatIsNoFragmentIsLeftAlone() {
        var reassembler = FragmentReassembler()
        #expect(reassembler.add(hex(Packet.ipv4)).frame.isDelivered)
        #expect(reassembler.add(hex(Packet.ipv4)).packet.isEmpty)
        #expect(reassembler.pendingPackets == 0)
    }
}
