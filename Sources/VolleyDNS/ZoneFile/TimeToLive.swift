/// Times in seconds, with units as BIND has them: `3600`, `1h`, `1w2d3h4m5s`.
enum TimeToLive {
    /// The most seconds a record may be kept (RFC 2181 section 8).
    static let max: UInt64 = 0x7fff_ffff

    /// The seconds that the text in `range` stands for.
    static func parse(_ text: [UInt8], _ range: Range<Int>) throws(PresentationFault) -> UInt32 {
        guard let value = seconds(text, range) else {
            throw PresentationFault(
                "a time is seconds up to \(max), or with units as in 1w2d3h4m5s", at: range.lowerBound)
        }
        return value
    }

    /// The same; `nil` if the text is no time.
    static func seconds(_ text: [UInt8], _ range: Range<Int>) -> UInt32? {
        var (total, number, digits) = (UInt64(0), UInt64(0), 0)
        for index in range {
            let octet = text[index]
            if octet &- 0x30 < 10 {
                number = number * 10 + UInt64(octet - 0x30)
                digits += 1
                guard number <= max else { return nil }
                continue
            }
            let unit: UInt64
            switch octet | 0x20 {
            case UInt8(ascii: "s"): unit = 1
            case UInt8(ascii: "m"): unit = 60
            case UInt8(ascii: "h"): unit = 3600
            case UInt8(ascii: "d"): unit = 86_400
            case UInt8(ascii: "w"): unit = 604_800
            default: return nil
            }
            guard digits > 0 else { return nil }
            total += number * unit
            guard total <= max else { return nil }
            (number, digits) = (0, 0)
        }
        // Seconds alone, or behind units; a text without digits is none.
        guard digits > 0 || total > 0 || range.count > 1 else { return nil }
        return total + number <= max ? UInt32(total + number) : nil
    }
}
