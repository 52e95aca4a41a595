/// A cursor over the UTF-8 of an address: the grammar shared by the text forms of all addresses.
///
/// Its faults are trivial values; only the public initialisers turn them into an ``AddressError`` with the text.
struct AddressParser: ~Escapable {
    /// What was wrong and where.
    struct Fault: Error {
        let code: AddressError.Code
        let offset: Int
    }

    let text: Span<UInt8>
    private(set) var offset = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) { self.text = text }

    var isAtEnd: Bool { offset == text.count }

    /// The next character, 0 at the end: NUL is part of no address.
    var next: UInt8 { offset < text.count ? text[offset] : 0 }

    /// Whether `character` stands anywhere in the text.
    func contains(_ character: Unicode.Scalar) -> Bool {
        text.indices.contains { text[$0] == UInt8(ascii: character) }
    }

    /// Whether the text has more colons than the one before a port.
    var hasSeveralColons: Bool {
        var count = 0
        for index in text.indices where text[index] == UInt8(ascii: ":") { count += 1 }
        return count > 1
    }

    /// The fault at the place reached: the end when that is it, else `code`.
    func fault(_ code: AddressError.Code = .unexpectedCharacter) -> Fault {
        Fault(code: isAtEnd && code == .unexpectedCharacter ? .unexpectedEnd : code, offset: offset)
    }

    /// Passes over `character` if it is the next one.
    @_lifetime(self: copy self)
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard offset < text.count, text[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    @_lifetime(self: copy self)
    mutating func expect(_ character: Unicode.Scalar) throws(Fault) {
        guard skip(character) else { throw fault() }
    }

    func expectEnd() throws(Fault) {
        guard isAtEnd else { throw fault() }
    }

    /// A decimal number of at least one digit, without leading zeros, of at most `limit`.
    @_lifetime(self: copy self)
    mutating func decimal(limit: UInt32) throws(Fault) -> UInt32 {
        let start = offset
        var value: UInt64 = 0
        while let digit = Self.digit(next), digit < 10 {
            guard offset == start || value > 0 else { throw Fault(code: .leadingZero, offset: start) }
            value = value * 10 + UInt64(digit)
            guard value <= UInt64(limit) else { throw Fault(code: .numberTooLarge, offset: start) }
            offset += 1
        }
        guard offset > start else { throw fault() }
        return UInt32(value)
    }

    /// Dotted decimal: exactly four parts.
    @_lifetime(self: copy self)
    mutating func ipv4() throws(Fault) -> UInt32 {
        var bits = try decimal(limit: 255)
        for _ in 1..<4 {
            try expect(".")
            bits = try bits << 8 | decimal(limit: 255)
        }
        return bits
    }

    /// RFC 4291 section 2.2: eight groups, one run of zeros as `::`, the last two groups perhaps as dotted decimal.
    @_lifetime(self: copy self)
    mutating func ipv6() throws(Fault) -> IPAddress {
        var (groups, compression) = (Groups(), Int?.none)
        if skip(":") {
            try expect(":")
            compression = 0
        }
        while groups.count < 8, compression != groups.count || Self.digit(next) != nil {
            let start = offset
            let group = try hexGroup()
            if next == UInt8(ascii: "."), groups.count <= 6 {
                offset = start
                groups.append(dotted: try ipv4())
                break
            }
            groups.append(group)
            guard next == UInt8(ascii: ":") else { break }
            if offset + 1 < text.count, text[offset + 1] == UInt8(ascii: ":") {
                guard compression == nil else { throw fault(.repeatedCompression) }
                offset += 2
                compression = groups.count
            } else if groups.count < 8 {
                offset += 1
            }
        }
        if groups.count == 8, compression != nil || next == UInt8(ascii: ":") { throw fault(.tooManyGroups) }
        guard groups.count == 8 || compression != nil else { throw fault() }
        return groups.address(compressedAt: compression)
    }

    /// What follows `%` up to the closing bracket: an interface index, or a name for `interfaceIndex` to resolve.
    @_lifetime(self: copy self)
    mutating func scope(_ interfaceIndex: (String) -> UInt32?) throws(Fault) -> UInt32 {
        let start = offset
        var isNumber = true
        while !isAtEnd, next != UInt8(ascii: "]") {
            isNumber = isNumber && (Self.digit(next) ?? 10) < 10
            offset += 1
        }
        guard offset > start else { throw fault() }
        guard !isNumber else {
            offset = start
            return try decimal(limit: .max)
        }
        guard let name = try? UTF8Span(validating: text.extracting(start..<offset)),
            let index = interfaceIndex(String(copying: name))
        else { throw Fault(code: .unknownInterface, offset: start) }
        return index
    }

    /// One to four hexadecimal digits.
    @_lifetime(self: copy self)
    private mutating func hexGroup() throws(Fault) -> UInt16 {
        let start = offset
        var value: UInt16 = 0
        while let digit = Self.digit(next) {
            guard offset - start < 4 else { throw Fault(code: .numberTooLarge, offset: start) }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        guard offset > start else { throw fault() }
        return value
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Up to eight groups as the 128 bits they make, the last one lowest.
    private struct Groups {
        private var bits: UInt128 = 0
        private(set) var count = 0

        mutating func append(_ group: UInt16) {
            bits = bits << 16 | UInt128(group)
            count += 1
        }

        mutating func append(dotted address: UInt32) {
            bits = bits << 32 | UInt128(address)
            count += 2
        }

        /// The address, with the groups from `index` on moved to its end.
        func address(compressedAt index: Int?) -> IPAddress {
            let tail = 16 * (count - (index ?? count))
            let head = bits >> UInt128(tail)
            let low = bits & (1 << UInt128(tail) - 1)
            let whole = index == nil ? bits : head << UInt128(128 - 16 * (index ?? 0)) | low
            return IPAddress(v6High: UInt64(whole >> 64), low: UInt64(truncatingIfNeeded: whole))
        }
    }
}
