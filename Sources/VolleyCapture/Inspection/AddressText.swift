import VolleyCore

/// Addresses and numbers as ASCII bytes, in the one spelling that digests are made of.
///
/// It differs from the text of `IPAddress` where RFC 5952 allows a choice: IPv6 is in hexadecimal groups throughout,
/// also when it holds an IPv4 address.
enum AddressText {
    static func append(_ address: IPAddress, to text: inout [UInt8]) {
        if let bits = address.v4Bits {
            for shift in stride(from: 24, through: 0, by: -8) {
                append(Int(bits >> UInt32(shift) & 0xff), to: &text)
                if shift > 0 { text.append(UInt8(ascii: ".")) }
            }
        } else {
            appendGroups(high: address.high, low: address.low, to: &text)
        }
    }

    /// A number in decimal; not negative.
    static func append(_ number: Int, to text: inout [UInt8]) {
        if number >= 10 { append(number / 10, to: &text) }
        text.append(UInt8(ascii: "0") + UInt8(number % 10))
    }

    /// RFC 5952, section 4: no leading zeros, `::` for the first longest run of two or more zero groups.
    private static func appendGroups(high: UInt64, low: UInt64, to text: inout [UInt8]) {
        func group(_ index: Int) -> UInt16 {
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index % 4)))
        }
        var longest = 0..<0
        var index = 0
        while index < 8 {
            let start = index
            while index < 8, group(index) == 0 { index += 1 }
            if index - start >= 2, index - start > longest.count { longest = start..<index }
            index += 1
        }
        var next = 0
        while next < 8 {
            if next == longest.lowerBound, !longest.isEmpty {
                text += [UInt8(ascii: ":"), UInt8(ascii: ":")]
                next = longest.upperBound
            } else {
                if next > 0, next != longest.upperBound || longest.isEmpty { text.append(UInt8(ascii: ":")) }
                appendHexadecimal(group(next), to: &text)
                next += 1
            }
        }
    }

    private static func appendHexadecimal(_ value: UInt16, to text: inout [UInt8]) {
        var started = false
        for shift in stride(from: 12, through: 0, by: -4) {
            let nibble = UInt8(value >> UInt16(shift) & 15)
            started = started || nibble != 0 || shift == 0
            if started { text.append(Hexadecimal.digit(nibble)) }
        }
    }
}
