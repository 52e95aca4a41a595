/// The text of an address while it is written: a buffer on the stack, so that a description costs one `String`.
struct AddressText {
    // The longest: "[", 39 of IPv6, "%" and 10 digits of scope, "]:" and 5 digits of port.
    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private var count = 0

    /// The text as a `String`.
    var string: String {
        guard let text = try? UTF8Span(validating: bytes.span.extracting(0..<count)) else {
            preconditionFailure("only ASCII is ever appended")
        }
        return String(copying: text)
    }

    mutating func append(_ character: Unicode.Scalar) {
        bytes[count] = UInt8(ascii: character)
        count += 1
    }

    /// Appends in decimal, without leading zeros.
    mutating func append(decimal value: UInt32) {
        var divisor: UInt32 = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes[count] = UInt8(ascii: "0") + UInt8(value / divisor % 10)
            count += 1
            divisor /= 10
        }
    }

    /// Appends in lower-case hexadecimal, without leading zeros.
    mutating func append(hexadecimal value: UInt16) {
        var shift = 12
        while shift > 0, value >> shift == 0 { shift -= 4 }
        while shift >= 0 {
            let digit = UInt8(value >> shift & 0xf)
            bytes[count] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            count += 1
            shift -= 4
        }
    }

    /// Appends an IPv4 address as dotted decimal.
    mutating func append(ipv4 bits: UInt32) {
        for shift in stride(from: UInt32(24), through: 0, by: -8) {
            append(decimal: bits >> shift & 0xff)
            if shift > 0 { append(".") }
        }
    }

    /// Appends an address in its canonical form: dotted decimal or RFC 5952.
    mutating func append(_ address: IPAddress) {
        if let bits = address.v4Bits { return append(ipv4: bits) }
        if address.isIPv4Mapped {
            for character in "::ffff:".unicodeScalars { append(character) }
            return append(ipv4: UInt32(truncatingIfNeeded: address.low))
        }
        let zeros = Self.longestZeroRun(of: address)
        var index = 0
        while index < 8 {
            if index == zeros.lowerBound, !zeros.isEmpty {
                append(":")
                append(":")
                index = zeros.upperBound
                continue
            }
            if index > 0, index != zeros.upperBound || zeros.isEmpty { append(":") }
            append(hexadecimal: Self.group(index, of: address))
            index += 1
        }
    }

    /// The groups to be shown as `::`: the longest run of at least two zero groups, the first of equals
    /// (RFC 5952 sections 4.2.2 and 4.2.3); empty when there is none.
    private static func longestZeroRun(of address: IPAddress) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0..<8 {
            if group(index, of: address) != 0 {
                start = index + 1
            } else if index + 1 - start > max(longest.count, 1) {
                longest = start..<(index + 1)
            }
        }
        return longest
    }

    private static func group(_ index: Int, of address: IPAddress) -> UInt16 {
        let half = index < 4 ? address.high : address.low
        return UInt16(truncatingIfNeeded: half >> (48 - 16 * (index & 3)))
    }
}
