/// Where two payloads begin to differ, as two rows of a hexadecimal dump each.
struct HexadecimalDiff {
    private static let rowLength = 16
    private static let digits = Array("0123456789abcdef")

    /// The lines: where, then `-` for what was expected and `+` for what came.
    let lines: [String]

    init(expected: [UInt8], actual: [UInt8]) {
        let common = zip(expected, actual).prefix { $0 == $1 }.count
        guard expected != actual else {
            lines = []
            return
        }
        let lengths =
            expected.count == actual.count ? "" : ", expected \(expected.count) bytes and got \(actual.count)"
        let start = common / Self.rowLength * Self.rowLength
        var lines = ["first difference at byte \(common)\(lengths)"]
        for row in [start, start + Self.rowLength] {
            let (old, new) = (Self.row(of: expected, at: row), Self.row(of: actual, at: row))
            if let old, old == new { continue }
            if let old { lines.append("- \(old)") }
            if let new { lines.append("+ \(new)") }
        }
        self.lines = lines
    }

    /// `0010  68 65 6c 6c 6f  hello`; `nil` past the end.
    private static func row(of bytes: [UInt8], at start: Int) -> String? {
        guard start < bytes.count else { return nil }
        var text = ""
        for shift in stride(from: 12, through: 0, by: -4) { text.append(digits[start >> shift & 15]) }
        text += " "
        let row = bytes[start..<min(bytes.count, start + rowLength)]
        for byte in row {
            text += " "
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        text += String(repeating: "   ", count: rowLength - row.count) + "  "
        for byte in row { text.append(0x20..<0x7f ~= byte ? Character(Unicode.Scalar(byte)) : ".") }
        return text
    }
}

extension ReplyDifference {
    /// Where the two sides begin to differ: rows of a hexadecimal dump, `-` what was expected, `+` what came.
    ///
    /// Empty unless there are both sides.
    public var hexadecimalDiff: [String] {
        guard let expected, let actual else { return [] }
        return HexadecimalDiff(expected: expected, actual: actual).lines
    }
}
