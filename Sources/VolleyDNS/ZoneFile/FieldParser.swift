import VolleyCore

/// Turns the tokens of an entry into record data.
struct FieldParser {
    let text: [UInt8]
    private let tokens: [ZoneScanner.Token]
    private let origin: [UInt8]
    private(set) var index: Int
    /// Where the entry ends, for errors of what is missing.
    private let end: Int

    init(_ scanner: ZoneScanner, from index: Int = 0, origin: [UInt8]) {
        text = scanner.bytes
        tokens = scanner.tokens
        self.origin = origin
        self.index = index
        end = scanner.tokens.last?.end ?? scanner.position
    }

    /// Appends the data of a record of `type`; all tokens have to be part of it.
    mutating func parse(_ type: DNSType, into data: inout [UInt8]) throws(PresentationFault) {
        let start = data.count
        let first = index < tokens.count ? tokens[index] : nil
        if let first, !first.isQuoted, first.count == 2, text[first.start] == UInt8(ascii: "\\"),
            text[first.start + 1] == UInt8(ascii: "#")
        {
            try parseUnknown(type, first, into: &data)
        } else if let fields = RecordField.fields(of: type) {
            for field in fields { try parse(field, into: &data) }
        } else {
            throw PresentationFault(
                "data of \(type) is written as \\# LENGTH HEXADECIMAL (RFC 3597)", at: first?.start ?? end)
        }
        guard index == tokens.count else {
            throw PresentationFault("data of \(type) ends before this", at: tokens[index].start)
        }
        guard data.count - start <= 65_535 else {
            throw PresentationFault("data has at most 65,535 octets", at: first?.start ?? end)
        }
    }

    /// `\# 4 C0 00 02 01` (RFC 3597 section 5).
    private mutating func parseUnknown(
        _ type: DNSType, _ first: ZoneScanner.Token, into data: inout [UInt8]
    ) throws(PresentationFault) {
        index += 1
        let count = try number(max: 65_535)
        var bytes: [UInt8] = []
        if count > 0 { try digits(width: 4, Base.hexadecimal, "hexadecimal digits", into: &bytes) }
        guard bytes.count == Int(count) else {
            throw PresentationFault("\(count) octets are announced and \(bytes.count) given", at: first.start)
        }
        do throws(DNSError) {
            try RecordWire.expand(type, RawSpan(bytes.span), 0..<bytes.count, into: &data)
        } catch {
            throw PresentationFault("these octets are no data of \(type): \(error)", at: first.start)
        }
    }

    private mutating func token(_ what: @autoclosure () -> String) throws(PresentationFault) -> ZoneScanner.Token {
        guard index < tokens.count else { throw PresentationFault("\(what()) is missing", at: end) }
        index += 1
        return tokens[index - 1]
    }

    private func string(_ token: ZoneScanner.Token) -> String {
        String(decoding: text[token.range], as: UTF8.self)
    }

    private mutating func number(max limit: UInt64) throws(PresentationFault) -> UInt64 {
        let token = try token("a number")
        var value: UInt64 = 0
        for offset in token.range {
            let digit = text[offset] &- 0x30
            guard digit < 10 else { throw PresentationFault("a number has only digits", at: offset) }
            value = value * 10 + UInt64(digit)
            guard value <= limit else { throw PresentationFault("the number is at most \(limit)", at: token.start) }
        }
        guard token.count > 0 else { throw PresentationFault("a number has only digits", at: token.start) }
        return value
    }

    private mutating func parse(_ field: RecordField, into data: inout [UInt8]) throws(PresentationFault) {
        switch field {
        case .name:
            let token = try token("a name")
            try Presentation.parse(name: text, token.range, origin: origin, into: &data)
        case .uint8: data.append(UInt8(try number(max: 255)))
        case .uint16: data.append(uint16: UInt16(try number(max: 65_535)))
        case .uint32: data.append(uint32: UInt32(try number(max: 0xffff_ffff)))
        case .period:
            let token = try token("a time in seconds")
            data.append(uint32: try TimeToLive.parse(text, token.range))
        case .ipv4: try parseIPv4(into: &data)
        case .ipv6: try parseIPv6(into: &data)
        case .string: try parseString(token("a string"), into: &data)
        case .strings:
            repeat { try parseString(token("a string"), into: &data) } while index < tokens.count
        case .text:
            let token = try token("a value")
            try Presentation.parse(string: text, token.range, into: &data)
        case .type:
            let token = try token("a type")
            guard let type = DNSType(string(token)) else {
                throw PresentationFault("there is no type \(string(token))", at: token.start)
            }
            data.append(uint16: type.rawValue)
        case .time:
            let token = try token("a time (YYYYMMDDHHmmSS)")
            if let seconds = Moment.seconds(text[token.range]) {
                data.append(uint32: seconds)
            } else {
                index -= 1
                guard token.count != 14 else { throw PresentationFault("there is no such moment", at: token.start) }
                data.append(uint32: UInt32(try number(max: 0xffff_ffff)))
            }
        case .hexadecimal: try digits(width: 4, Base.hexadecimal, "hexadecimal digits", into: &data)
        case .base64: try digits(width: 6, Base.base64, "base 64", into: &data)
        case .countedHexadecimal:
            try counted(width: 4, Base.hexadecimal, "hexadecimal digits or \"-\"", orDash: true, into: &data)
        case .countedBase32: try counted(width: 5, Base.base32, "base 32", orDash: false, into: &data)
        case .types: try parseTypes(into: &data)
        case .parameters: try parseParameters(into: &data)
        }
    }

    private mutating func parseIPv4(into data: inout [UInt8]) throws(PresentationFault) {
        let token = try token("an IPv4 address")
        var (bits, value, digits, dots) = (UInt32(0), UInt32(0), 0, 0)
        for offset in token.range {
            let octet = text[offset]
            if octet == UInt8(ascii: "."), digits > 0, dots < 3 {
                bits = bits << 8 | value
                (value, digits, dots) = (0, 0, dots + 1)
            } else if octet &- 0x30 < 10, digits == 0 || value > 0 {
                value = value * 10 + UInt32(octet - 0x30)
                digits += 1
                guard value < 256 else { throw PresentationFault("a part of the address exceeds 255", at: offset) }
            } else {
                throw PresentationFault("this is no IPv4 address", at: token.start)
            }
        }
        guard dots == 3, digits > 0 else { throw PresentationFault("this is no IPv4 address", at: token.start) }
        data.append(uint32: bits << 8 | value)
    }

    private mutating func parseIPv6(into data: inout [UInt8]) throws(PresentationFault) {
        let token = try token("an IPv6 address")
        guard let address = IPAddress(string(token)), address.isIPv6 else {
            throw PresentationFault("this is no IPv6 address", at: token.start)
        }
        data.append(uint32: UInt32(truncatingIfNeeded: address.high >> 32))
        data.append(uint32: UInt32(truncatingIfNeeded: address.high))
        data.append(uint32: UInt32(truncatingIfNeeded: address.low >> 32))
        data.append(uint32: UInt32(truncatingIfNeeded: address.low))
    }

    private func parseString(_ token: ZoneScanner.Token, into data: inout [UInt8]) throws(PresentationFault) {
        let start = data.count
        data.append(0)
        try Presentation.parse(string: text, token.range, into: &data)
        guard data.count - start <= 256 else {
            throw PresentationFault("a string has at most 255 octets", at: token.start)
        }
        data[start] = UInt8(data.count - start - 1)
    }

    /// All that is left, as digits that may be spread over tokens.
    private mutating func digits(
        width: Int, _ value: (UInt8) -> UInt8?, _ what: String, into data: inout [UInt8]
    ) throws(PresentationFault) {
        let first = try token(what)
        var digits = Array(text[first.range])
        while index < tokens.count {
            digits += text[tokens[index].range]
            index += 1
        }
        guard Decoding.append(digits, width: width, value, to: &data) else {
            throw PresentationFault("this is not \(what)", at: first.start)
        }
    }

    private mutating func counted(
        width: Int, _ value: (UInt8) -> UInt8?, _ what: String, orDash: Bool, into data: inout [UInt8]
    ) throws(PresentationFault) {
        let token = try token(what)
        let start = data.count
        data.append(0)
        if orDash, token.count == 1, text[token.start] == UInt8(ascii: "-") { return }
        guard Decoding.append(text[token.range], width: width, value, to: &data), 1...255 ~= data.count - start - 1
        else { throw PresentationFault("this is not \(what) of 1 to 255 octets", at: token.start) }
        data[start] = UInt8(data.count - start - 1)
    }

    private mutating func parseTypes(into data: inout [UInt8]) throws(PresentationFault) {
        var types: [DNSType] = []
        while index < tokens.count {
            let token = tokens[index]
            guard let type = DNSType(string(token)) else {
                throw PresentationFault("there is no type \(string(token))", at: token.start)
            }
            types.append(type)
            index += 1
        }
        TypeBitmap.append(types, to: &data)
    }

    private mutating func parseParameters(into data: inout [UInt8]) throws(PresentationFault) {
        var parameters: [UInt16: [UInt8]] = [:]
        let first = index < tokens.count ? tokens[index].start : end
        while index < tokens.count {
            let token = tokens[index]
            index += 1
            let equals = text[token.range].firstIndex(of: UInt8(ascii: "="))
            let name = String(decoding: text[token.start..<(equals ?? token.end)], as: UTF8.self)
            guard let key = ServiceParameters.key(name), key != 65_535 else {
                throw PresentationFault("there is no parameter \(name)", at: token.start)
            }
            guard parameters[key] == nil else { throw PresentationFault("\(name) is given twice", at: token.start) }
            var range = (equals.map { $0 + 1 } ?? token.end)..<token.end
            if range.count >= 2, text[range.lowerBound] == UInt8(ascii: "\"") {
                range = range.lowerBound + 1..<range.upperBound - 1
            }
            var value: [UInt8] = []
            try Presentation.parse(string: text, range, into: &value)
            guard let bytes = ServiceParameters.value(of: key, value), bytes.count <= 65_535 else {
                throw PresentationFault("this is no value of \(name)", at: token.start)
            }
            parameters[key] = bytes
        }
        let start = data.count
        for (key, value) in parameters.sorted(by: { $0.key < $1.key }) {
            data.append(uint16: key)
            data.append(uint16: UInt16(value.count))
            data += value
        }
        let end = data.count
        guard (try? ServiceParameters.check(RawSpan(data.span), start..<end)) != nil else {
            throw PresentationFault("a parameter lacks its value", at: first)
        }
    }
}
