import VolleyCore

/// The text form of names and strings, as zone files have it (RFC 1035 section 5.1).
enum Presentation {
    // MARK: Writing

    /// Appends a name that is valid and without compression, with its final dot.
    static func append(name: RawSpan, to text: inout [UInt8]) {
        let bytes = name.bytes
        var offset = 0
        if bytes[0] == 0 { text.append(UInt8(ascii: ".")) }
        while bytes[offset] != 0 {
            let end = offset + Int(bytes[offset])
            while offset < end {
                offset += 1
                let octet = bytes[offset]
                switch octet {
                case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "("),
                    UInt8(ascii: ")"), UInt8(ascii: "@"), UInt8(ascii: "$"):
                    text.append(UInt8(ascii: "\\"))
                    text.append(octet)
                default:
                    append(octet: octet, isSpaceShown: true, to: &text)
                }
            }
            text.append(UInt8(ascii: "."))
            offset += 1
        }
    }

    /// Appends octets as a string between quotes.
    static func append(string: RawSpan, to text: inout [UInt8]) {
        let bytes = string.bytes
        text.append(UInt8(ascii: "\""))
        for index in bytes.indices {
            let octet = bytes[index]
            if octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "\\") {
                text.append(UInt8(ascii: "\\"))
                text.append(octet)
            } else {
                append(octet: octet, isSpaceShown: false, to: &text)
            }
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func append(octet: UInt8, isSpaceShown: Bool, to text: inout [UInt8]) {
        if (isSpaceShown ? 0x21 : 0x20)..<0x7f ~= octet {
            text.append(octet)
        } else {
            text.append(UInt8(ascii: "\\"))
            text.append(UInt8(ascii: "0") + octet / 100)
            text.append(UInt8(ascii: "0") + octet / 10 % 10)
            text.append(UInt8(ascii: "0") + octet % 10)
        }
    }

    // MARK: Reading

    /// Appends the wire form of the name that stands in `range` of a text.
    static func parse(
        name text: [UInt8], _ range: Range<Int>, origin: [UInt8], into wire: inout [UInt8]
    ) throws(PresentationFault) {
        let start = wire.count
        if range.count == 1 {
            if text[range.lowerBound] == UInt8(ascii: "@") {
                wire += origin
                return
            }
            if text[range.lowerBound] == UInt8(ascii: ".") {
                wire.append(0)
                return
            }
        }
        guard !range.isEmpty else { throw PresentationFault("a name is missing", at: range.lowerBound) }
        var (index, label) = (range.lowerBound, wire.count)
        wire.append(0)
        while index < range.upperBound {
            var octet = text[index]
            if octet == UInt8(ascii: ".") {
                try close(label: label, of: &wire, at: index)
                index += 1
                label = wire.count
                wire.append(0)
                continue
            }
            let place = index
            index += 1
            if octet == UInt8(ascii: "\\") { octet = try escaped(text, &index, range.upperBound) }
            guard wire.count - label <= 63 else {
                throw PresentationFault("a label has at most 63 octets", at: place)
            }
            wire.append(octet)
        }
        if wire.count - 1 > label {
            try close(label: label, of: &wire, at: range.upperBound)
            wire += origin
        }
        guard wire.count - start <= WireName.byteCountMax else {
            throw PresentationFault(
                "a name has at most 255 octets, and this one \(wire.count - start)", at: range.lowerBound)
        }
    }

    private static func close(label: Int, of wire: inout [UInt8], at offset: Int) throws(PresentationFault) {
        let length = wire.count - label - 1
        guard length > 0 else { throw PresentationFault("a label is empty", at: offset) }
        wire[label] = UInt8(length)
    }

    /// The octet that an escape stands for; `index` is behind the backslash, and is moved behind the escape.
    static func escaped(_ text: [UInt8], _ index: inout Int, _ end: Int) throws(PresentationFault) -> UInt8 {
        guard index < end else { throw PresentationFault("nothing follows the backslash", at: index - 1) }
        let first = text[index]
        guard 0x30...0x39 ~= first else {
            index += 1
            return first
        }
        guard index + 2 < end, 0x30...0x39 ~= text[index + 1], 0x30...0x39 ~= text[index + 2] else {
            throw PresentationFault("after a backslash comes a character or three digits", at: index - 1)
        }
        let value = Int(first - 0x30) * 100 + Int(text[index + 1] - 0x30) * 10 + Int(text[index + 2] - 0x30)
        guard value < 256 else { throw PresentationFault("an octet is at most \\255", at: index - 1) }
        index += 3
        return UInt8(value)
    }

    /// Appends the octets that the text in `range` stands for.
    static func parse(
        string text: [UInt8], _ range: Range<Int>, into bytes: inout [UInt8]
    ) throws(PresentationFault) {
        var index = range.lowerBound
        while index < range.upperBound {
            var octet = text[index]
            index += 1
            if octet == UInt8(ascii: "\\") { octet = try escaped(text, &index, range.upperBound) }
            bytes.append(octet)
        }
    }
}
