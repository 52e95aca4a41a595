import VolleyCore

/// The parameters of SVCB and HTTPS (RFC 9460 section 2).
enum ServiceParameters {
    static let names = [
        "mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint", "dohpath", "ohttp",
    ]

    static func name(_ key: UInt16) -> String { key < names.count ? names[Int(key)] : "key\(key)" }

    static func key(_ name: String) -> UInt16? {
        if let index = names.firstIndex(of: name) { return UInt16(index) }
        guard name.hasPrefix("key"), !name.contains("+") else { return nil }
        return UInt16(name.dropFirst(3))
    }

    /// Throws unless keys ascend and every value has the form of its key.
    static func check(_ message: RawSpan, _ range: Range<Int>) throws(DNSError) {
        var (offset, last) = (range.lowerBound, -1)
        while offset < range.upperBound {
            let (key, count) = try (Int(message.uint16(at: offset)), Int(message.uint16(at: offset + 2)))
            guard key > last, key != 65_535 else { throw DNSError(.badDataLength, at: offset) }
            try message.require(count, at: offset + 4)
            guard isValid(UInt16(key), message.extracting(offset + 4..<offset + 4 + count)) else {
                throw DNSError(.badDataLength, at: offset + 4)
            }
            last = key
            offset += 4 + count
        }
    }

    private static func isValid(_ key: UInt16, _ value: RawSpan) -> Bool {
        let bytes = value.bytes
        switch key {
        case 0: return bytes.count >= 2 && bytes.count % 2 == 0
        case 1:
            var offset = 0
            while offset < bytes.count, bytes[offset] > 0 { offset += 1 + Int(bytes[offset]) }
            return offset == bytes.count && offset > 0
        case 2, 8: return bytes.isEmpty
        case 3: return bytes.count == 2
        case 4: return bytes.count >= 4 && bytes.count % 4 == 0
        case 6: return bytes.count >= 16 && bytes.count % 16 == 0
        default: return true
        }
    }

    // MARK: Text

    static func append(_ data: RawSpan, _ range: Range<Int>, to text: inout [UInt8]) {
        var offset = range.lowerBound
        while offset + 4 <= range.upperBound {
            let bytes = data.bytes
            let key = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
            let count = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            guard offset + 4 + count <= range.upperBound else { return }
            if offset > range.lowerBound { text.append(UInt8(ascii: " ")) }
            text += Array(name(key).utf8)
            append(key, data.extracting(offset + 4..<offset + 4 + count), to: &text)
            offset += 4 + count
        }
    }

    private static func append(_ key: UInt16, _ value: RawSpan, to text: inout [UInt8]) {
        let bytes = value.bytes
        guard !bytes.isEmpty else { return }
        text.append(UInt8(ascii: "="))
        switch key {
        case 0:
            let keys = stride(from: 0, to: bytes.count - 1, by: 2).map {
                name(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]))
            }
            text += Array(keys.joined(separator: ",").utf8)
        case 1:
            // A comma or backslash of a protocol's name is escaped for the list, and then again for the string.
            var (list, offset) = ([UInt8](), 0)
            while offset < bytes.count {
                if offset > 0 { list.append(UInt8(ascii: ",")) }
                let end = min(bytes.count, offset + 1 + Int(bytes[offset]))
                for index in offset + 1..<max(end, offset + 1) {
                    if bytes[index] == UInt8(ascii: ",") || bytes[index] == UInt8(ascii: "\\") {
                        list.append(UInt8(ascii: "\\"))
                    }
                    list.append(bytes[index])
                }
                offset = end
            }
            Presentation.append(string: RawSpan(list.span), to: &text)
        case 3: text += Array("\(UInt16(bytes[0]) << 8 | UInt16(bytes[1]))".utf8)
        case 4, 6:
            let size = key == 4 ? 4 : 16
            let addresses = stride(from: 0, through: bytes.count - size, by: size).compactMap {
                IPAddress(bytes: value.extracting($0..<$0 + size))?.description
            }
            text += Array(addresses.joined(separator: ",").utf8)
        case 5: Base.append(base64: value, to: &text)
        default: Presentation.append(string: value, to: &text)
        }
    }

    // MARK: From text

    /// The value's octets; `nil` if it is none for the key.
    ///
    /// `value` is what the string stands for.
    static func value(of key: UInt16, _ value: [UInt8]) -> [UInt8]? {
        switch key {
        case 0:
            var keys: [UInt16] = []
            for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let key = Self.key(String(decoding: part, as: UTF8.self)), key != 0 else { return nil }
                keys.append(key)
            }
            guard Set(keys).count == keys.count else { return nil }
            return keys.sorted().flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        case 1:
            var (parts, index) = ([[UInt8]()], 0)
            while index < value.count {
                if value[index] == UInt8(ascii: ",") {
                    parts.append([])
                } else {
                    if value[index] == UInt8(ascii: "\\") { index += 1 }
                    guard index < value.count else { return nil }
                    parts[parts.count - 1].append(value[index])
                }
                index += 1
            }
            guard parts.allSatisfy({ 1...255 ~= $0.count }) else { return nil }
            return parts.flatMap { [UInt8($0.count)] + $0 }
        case 2, 8: return value.isEmpty ? [] : nil
        case 3:
            return UInt16(String(decoding: value, as: UTF8.self)).map {
                [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)]
            }
        case 4, 6:
            var bytes: [UInt8] = []
            for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                guard let address = IPAddress(String(decoding: part, as: UTF8.self)), address.isIPv6 == (key == 6)
                else { return nil }
                for index in 0..<address.octetCount { bytes.append(address.octet(index)) }
            }
            return bytes
        case 5:
            var bytes: [UInt8] = []
            return Decoding.append(value, width: 6, Base.base64, to: &bytes) ? bytes : nil
        default: return value
        }
    }
}

/// Octets from digits of a base.
enum Decoding {
    /// Appends what digits of `width` bits each stand for, padding behind them allowed; `false` if they are none.
    static func append(
        _ digits: some Collection<UInt8>, width: Int, _ value: (UInt8) -> UInt8?, to bytes: inout [UInt8]
    ) -> Bool {
        var (buffer, held, padding) = (0, 0, 0)
        for digit in digits {
            if digit == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let bits = value(digit) else { return false }
            buffer = buffer << width | Int(bits)
            held += width
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(buffer >> held))
                buffer &= 1 << held - 1
            }
        }
        // What is left is less than a digit, and zero; padding only fills up groups of base 64.
        return held < width && buffer == 0 && (padding == 0 || width == 6 && padding * 2 == held)
    }
}
