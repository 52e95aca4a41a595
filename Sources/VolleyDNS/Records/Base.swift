import VolleyCore

/// Octets in base 16, 32 (extended alphabet, without padding) and 64 (RFC 4648).
enum Base {
    private static let digits = Array("0123456789ABCDEF".utf8)
    private static let digits32 = Array("0123456789abcdefghijklmnopqrstuv".utf8)
    private static let digits64 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func append(hexadecimal bytes: RawSpan, to text: inout [UInt8]) {
        let octets = bytes.bytes
        for index in octets.indices {
            text.append(digits[Int(octets[index] >> 4)])
            text.append(digits[Int(octets[index] & 15)])
        }
    }

    static func append(base32 bytes: RawSpan, to text: inout [UInt8]) {
        append(bytes, width: 5, digits32, to: &text)
    }

    static func append(base64 bytes: RawSpan, to text: inout [UInt8]) {
        append(bytes, width: 6, digits64, to: &text)
        for _ in 0..<(3 - bytes.byteCount % 3) % 3 { text.append(UInt8(ascii: "=")) }
    }

    private static func append(_ bytes: RawSpan, width: Int, _ digits: [UInt8], to text: inout [UInt8]) {
        let octets = bytes.bytes
        var (buffer, held) = (0, 0)
        for index in octets.indices {
            buffer = buffer << 8 | Int(octets[index])
            held += 8
            while held >= width {
                held -= width
                text.append(digits[buffer >> held])
                buffer &= 1 << held - 1
            }
        }
        if held > 0 { text.append(digits[buffer << (width - held)]) }
    }

    /// The value of a digit of base 16; `nil` if it is none.
    static func hexadecimal(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The value of a digit of base 32; `nil` if it is none.
    static func base32(_ character: UInt8) -> UInt8? {
        switch character | 0x20 {
        case UInt8(ascii: "a")...UInt8(ascii: "v"): (character | 0x20) - UInt8(ascii: "a") + 10
        default: 0x30...0x39 ~= character ? character - 0x30 : nil
        }
    }

    /// The value of a digit of base 64; `nil` if it is none.
    static func base64(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}

/// Moments of signatures: seconds since 1970, modulo 2^32 (RFC 4034 section 3.1.5).
enum Moment {
    static func append(_ seconds: UInt32, to text: inout [UInt8]) {
        let (days, rest) = Int(seconds).quotientAndRemainder(dividingBy: 86_400)
        // Days since 1 March 0000, in eras of 400 years: the leap day comes last.
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        append(year, 4, to: &text)
        append(month, 2, to: &text)
        append(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, 2, to: &text)
        append(rest / 3600, 2, to: &text)
        append(rest / 60 % 60, 2, to: &text)
        append(rest % 60, 2, to: &text)
    }

    private static func append(_ value: Int, _ width: Int, to text: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// The moment that fourteen digits stand for; `nil` if there is none.
    static func seconds(_ digits: some Collection<UInt8>) -> UInt32? {
        let numbers = digits.map { Int($0) - 0x30 }
        guard numbers.count == 14, numbers.allSatisfy({ 0...9 ~= $0 }) else { return nil }
        func field(_ start: Int, _ count: Int) -> Int { numbers[start..<start + count].reduce(0) { $0 * 10 + $1 } }
        let (year, month, day) = (field(0, 4), field(4, 2), field(6, 2))
        let (hour, minute, second) = (field(8, 2), field(10, 2), field(12, 2))
        guard year >= 1970, 1...12 ~= month, 1...31 ~= day, hour < 24, minute < 60, second < 61 else { return nil }
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let yearOfEra = shifted % 400
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = shifted / 400 * 146_097 + dayOfEra - 719_468
        return UInt32(truncatingIfNeeded: days * 86_400 + hour * 3600 + minute * 60 + second)
    }
}
