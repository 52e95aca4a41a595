import VolleyCore

/// Record data as text.
enum RecordText {
    /// The text of data that has been checked; RFC 3597's form for types that are not known.
    static func describe(_ type: DNSType, _ data: RawSpan) -> String {
        var text: [UInt8] = []
        if let fields = RecordField.fields(of: type), !data.isEmpty {
            var offset = 0
            for field in fields {
                let before = text.count
                append(field, data, &offset, to: &text)
                if text.count > before { text.append(UInt8(ascii: " ")) }
            }
            if text.last == UInt8(ascii: " ") { text.removeLast() }
        } else {
            text += Array("\\# \(data.byteCount)".utf8)
            if data.byteCount > 0 { text.append(UInt8(ascii: " ")) }
            Base.append(hexadecimal: data, to: &text)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func append(_ field: RecordField, _ data: RawSpan, _ offset: inout Int, to text: inout [UInt8]) {
        let rest = data.byteCount - offset
        // Data in a `RecordData` has been checked: what is not there is shown as nothing, not as a trap.
        func number(_ count: Int) -> UInt32 {
            guard rest >= count else { return 0 }
            var value: UInt32 = 0
            for index in 0..<count { value = value << 8 | UInt32(data.bytes[offset + index]) }
            offset += count
            return value
        }
        func decimal(_ count: Int) { text += Array("\(number(count))".utf8) }
        func counted() -> Range<Int> {
            let count = min(Int(number(1)), data.byteCount - offset)
            defer { offset += count }
            return offset..<offset + count
        }
        switch field {
        case .name:
            guard let end = try? WireName.end(in: data, at: offset) else { return }
            Presentation.append(name: data.extracting(offset..<end), to: &text)
            offset = end
        case .uint8: decimal(1)
        case .uint16: decimal(2)
        case .uint32, .period: decimal(4)
        case .ipv4: text += Array("\(IPAddress(v4: number(4)))".utf8)
        case .ipv6:
            guard rest >= 16, let address = IPAddress(bytes: data.extracting(offset..<offset + 16)) else { return }
            text += Array("\(address)".utf8)
            offset += 16
        case .string: Presentation.append(string: data.extracting(counted()), to: &text)
        case .strings:
            while offset < data.byteCount {
                Presentation.append(string: data.extracting(counted()), to: &text)
                if offset < data.byteCount { text.append(UInt8(ascii: " ")) }
            }
        case .text:
            Presentation.append(string: data.extracting(offset..<data.byteCount), to: &text)
            offset = data.byteCount
        case .type: text += Array("\(DNSType(UInt16(number(2))))".utf8)
        case .time: Moment.append(number(4), to: &text)
        case .hexadecimal:
            Base.append(hexadecimal: data.extracting(offset..<data.byteCount), to: &text)
            offset = data.byteCount
        case .base64:
            Base.append(base64: data.extracting(offset..<data.byteCount), to: &text)
            offset = data.byteCount
        case .countedHexadecimal:
            let range = counted()
            if range.isEmpty { text.append(UInt8(ascii: "-")) }
            Base.append(hexadecimal: data.extracting(range), to: &text)
        case .countedBase32: Base.append(base32: data.extracting(counted()), to: &text)
        case .types:
            text += Array(TypeBitmap.types(data, from: offset).map(\.description).joined(separator: " ").utf8)
            offset = data.byteCount
        case .parameters:
            ServiceParameters.append(data, offset..<data.byteCount, to: &text)
            offset = data.byteCount
        }
    }
}
