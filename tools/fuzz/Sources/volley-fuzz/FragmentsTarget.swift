import VolleyCore
import VolleyWire

/// Fragments of a few packets of both families, in any order, overlapping, contradicting, too many and too late.
///
/// Input: a byte of rules, then five bytes for each fragment: which packet, where, how long, its flags, and the time
/// since the one before. What a fragment carries at a place depends on nothing but the place, so that whatever is put
/// together has to be the very same packet, and only its length is open.
struct FragmentsTarget: FuzzTarget {
    static let name = "fragments"

    func run(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 6 else { return false }
        require(Self.trace(of: bytes) == Self.trace(of: bytes), "two runs over the same bytes differ")
        return true
    }

    private static func trace(of bytes: [UInt8]) -> DecodedRecord.Trace {
        var choices = Choices(bytes)
        let first = choices.byte()
        var rules = DecodingOptions()
        rules.delivery = first & 1 == 0 ? .lenient : .kernel
        rules.checksums = .ignore
        rules.fragments.packetsMax = 1 + Int(first >> 6)
        rules.fragments.bytesMax = 1 << (8 + 2 * Int(first >> 3 & 7))
        if first & 2 != 0 { rules.fragments.timeout = FragmentTimeout(ipv4Nanoseconds: 30, ipv6Nanoseconds: 60) }
        var decoder = RecordDecoder(rules)
        var trace = DecodedRecord.Trace()
        var (records, time) = (0, Int64(0))
        while !choices.isAtEnd, records < 256 {
            let packet = fragment(&choices)
            time &+= Int64(Int8(bitPattern: choices.byte()))
            let joinedBefore = decoder.accounting[.delivered] + decoder.accounting[.badUDPLength]
            DecodedRecord.check(
                &decoder, RawSpan(packet.span), originalLength: packet.count, linkType: .rawIP, at: time, &trace)
            records += 1
            DecodedRecord.checkTotals(decoder, records: records)
            let joined = decoder.accounting[.delivered] + decoder.accounting[.badUDPLength]
            if joined > joinedBefore { checkWhole(decoder.packet) }
        }
        return trace
    }

    /// One fragment, or a whole packet, from four bytes.
    private static func fragment(_ choices: inout Choices) -> [UInt8] {
        let (which, place, length, flags) = (choices.byte(), choices.byte(), choices.byte(), choices.byte())
        let hasMore = flags & 1 != 0
        // Mostly small offsets; now and then the end of what 16 bits can say.
        let offset = flags & 2 != 0 ? 65_535 - 7 - Int(place) * 8 & ~7 : Int(place) * 8
        let count = flags & 4 != 0 ? Int(length) * 16 : Int(length)
        let content = (offset..<offset + count).map { byte(at: $0) }
        let id = which & 3
        if which & 4 == 0 {
            let total = 20 + content.count
            let fragmentWord = UInt16(offset / 8) | (hasMore ? 0x2000 : 0)
            return [0x45, 0, UInt8(total >> 8), UInt8(total & 0xff), 0, id]
                + [UInt8(fragmentWord >> 8), UInt8(fragmentWord & 0xff), 64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]
                + content
        }
        let total = 8 + content.count
        let fragmentWord = UInt16(offset) | (hasMore ? 1 : 0)
        let source = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] as [UInt8]
        return [0x60, 0, 0, 0, UInt8(total >> 8), UInt8(total & 0xff), 44, 64] + source + source.dropLast() + [2]
            + [17, 0, UInt8(fragmentWord >> 8), UInt8(fragmentWord & 0xff), 0, 0, 0, id] + content
    }

    /// A UDP header with length 1,000 at the front; what follows is as good as random.
    private static func byte(at place: Int) -> UInt8 {
        let header = [0x13, 0x88, 0, 53, 0x03, 0xe8, 0, 0] as [UInt8]
        return place < 8 ? header[place] : UInt8(truncatingIfNeeded: (place &* 2_654_435_761) >> 7)
    }

    private static func checkWhole(_ packet: [UInt8]) {
        // A packet that was never in fragments leaves none.
        guard !packet.isEmpty else { return }
        let header = packet[0] >> 4 == 4 ? 20 : 40
        require(packet.count <= 65_535 + (header == 40 ? 40 : 0), "a packet of \(packet.count) bytes")
        for place in header..<packet.count {
            require(packet[place] == byte(at: place - header), "byte \(place - header) is not the one that was sent")
        }
    }
}
