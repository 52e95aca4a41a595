import VolleyWire

/// Lower-case hexadecimal as ASCII bytes.
enum Hexadecimal {
    /// The digit for a value below 16.
    @inline(__always)
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 &+ value : 0x57 &+ value
    }

    /// Appends two digits.
    @inline(__always)
    static func append(_ byte: UInt8, to text: inout [UInt8]) {
        text.append(digit(byte >> 4))
        text.append(digit(byte & 15))
    }

    /// Appends two digits for each byte.
    static func append(_ bytes: RawSpan, to text: inout [UInt8]) {
        for offset in 0..<bytes.byteCount { append(bytes.byte(at: offset), to: &text) }
    }
}
