import VolleyCore
import VolleyWire

/// Records of any link type, under any rules: link layers, IP, UDP, ICMP, tunnels.
///
/// Input: two bytes of rules, one for the link type, one for what was cut off, then records behind their length in two
/// bytes; the last one may be shorter.
struct DecoderTarget: FuzzTarget {
    static let name = "decoder"

    /// All link types that are decoded, and one that is not.
    static let linkTypes: [LinkType] =
        (0..<300).map { LinkType(rawValue: $0) }.filter(\.isDecoded) + [LinkType(rawValue: 147)]

    func run(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 6 else { return false }
        require(Self.trace(of: bytes) == Self.trace(of: bytes), "two runs over the same bytes differ")
        return true
    }

    private static func trace(of bytes: [UInt8]) -> DecodedRecord.Trace {
        var choices = Choices(bytes)
        var decoder = RecordDecoder(rules(choices.byte(), choices.byte()))
        let linkType = linkTypes[Int(choices.byte()) % linkTypes.count]
        let beyond = choices.byte()
        var trace = DecodedRecord.Trace()
        var records = 0
        while !choices.isAtEnd, records < 64 {
            let record = choices.take(choices.word())
            let length =
                switch beyond {
                case 0..<128: record.count + Int(beyond)
                case 128..<254: record.count - (Int(beyond) - 127)
                case 254: Int.max
                default: Int.min
                }
            DecodedRecord.check(
                &decoder, RawSpan(record.span), originalLength: length, linkType: linkType, at: Int64(records),
                &trace)
            records += 1
            DecodedRecord.checkTotals(decoder, records: records)
        }
        return trace
    }

    /// The rules in two bytes.
    static func rules(_ first: UInt8, _ second: UInt8) -> DecodingOptions {
        var options = DecodingOptions()
        options.delivery = first & 1 == 0 ? .lenient : .kernel
        options.checksums = first & 2 == 0 ? nil : first & 4 == 0 ? .verify : .ignore
        options.isLoopbackDevice = first & 8 != 0
        options.routesLocalnet = first & 16 != 0
        options.tunnels = Tunnels(rawValue: Int(second & 0x3f))
        options.fragments.packetsMax = 3
        options.fragments.bytesMax = 4_096
        return options
    }
}
