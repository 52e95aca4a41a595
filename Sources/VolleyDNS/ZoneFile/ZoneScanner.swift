/// Cuts a zone file into entries, and these into tokens (RFC 1035 section 5.1).
///
/// An entry is a line, or several when parentheses join them. Tokens are ranges of the text, so that nothing is copied.
struct ZoneScanner {
    /// A word or a string of an entry.
    struct Token {
        /// Where it begins, behind the opening quote if it has one.
        var start: Int
        /// Where it ends, before the closing quote.
        var end: Int
        var isQuoted = false

        var range: Range<Int> { start..<end }
        var count: Int { end - start }
    }

    let bytes: [UInt8]
    private(set) var tokens: [Token] = []
    /// Whether the entry begins with a blank: its owner is that of the one before.
    private(set) var startsBlank = false
    /// Where the next entry begins.
    private(set) var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // A byte order mark is no part of a name.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    }

    /// Moves to the next entry that has a token; `false` at the end.
    mutating func nextEntry() throws(PresentationFault) -> Bool {
        repeat {
            guard position < bytes.count else { return false }
            try scanEntry()
        } while tokens.isEmpty
        return true
    }

    private mutating func scanEntry() throws(PresentationFault) {
        tokens.removeAll(keepingCapacity: true)
        startsBlank = bytes[position] == UInt8(ascii: " ") || bytes[position] == UInt8(ascii: "\t")
        var (index, opening) = (position, -1)
        let count = bytes.count
        scan: while index < count {
            switch bytes[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                index += 1
            case UInt8(ascii: "\n"):
                index += 1
                if opening < 0 { break scan }
            case UInt8(ascii: ";"):
                while index < count, bytes[index] != UInt8(ascii: "\n") { index += 1 }
            case UInt8(ascii: "("):
                guard opening < 0 else { throw PresentationFault("parentheses do not nest", at: index) }
                opening = index
                index += 1
            case UInt8(ascii: ")"):
                guard opening >= 0 else { throw PresentationFault("no parenthesis is open", at: index) }
                opening = -1
                index += 1
            case UInt8(ascii: "\""):
                index = try scanString(from: index)
            default:
                index = try scanWord(from: index)
            }
        }
        guard opening < 0 else { throw PresentationFault("this parenthesis is never closed", at: opening) }
        position = index
    }

    private mutating func scanWord(from start: Int) throws(PresentationFault) -> Int {
        var index = start
        word: while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: ";"),
                UInt8(ascii: "("), UInt8(ascii: ")"):
                break word
            case UInt8(ascii: "\""):
                // key="value" is one token.
                index = try endOfString(from: index)
            case UInt8(ascii: "\\"):
                guard index + 1 < bytes.count, bytes[index + 1] != UInt8(ascii: "\n") else {
                    throw PresentationFault("nothing follows the backslash", at: index)
                }
                index += 2
            default:
                index += 1
            }
        }
        tokens.append(Token(start: start, end: index))
        return index
    }

    private mutating func scanString(from start: Int) throws(PresentationFault) -> Int {
        let end = try endOfString(from: start)
        tokens.append(Token(start: start + 1, end: end - 1, isQuoted: true))
        return end
    }

    private func endOfString(from start: Int) throws(PresentationFault) -> Int {
        var index = start + 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            if bytes[index] == UInt8(ascii: "\n") { break }
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
            throw PresentationFault("this string is not closed on its line", at: start)
        }
        return index + 1
    }
}
