import VolleyCore

/// Record data in messages: checked field by field, its names without compression.
enum RecordWire {
    /// Appends the data that lies in `range` of a message, names expanded.
    ///
    /// Names are expanded in every type that has them: RFC 3597 section 4 has only those of RFC 1035 compressed, but
    /// asks readers to be that kind.
    static func expand(
        _ type: DNSType, _ message: RawSpan, _ range: Range<Int>, into data: inout [UInt8]
    ) throws(DNSError) {
        try message.require(range.count, at: range.lowerBound)
        // Fields end where the data does, and pointers lead backwards: what follows is out of reach.
        let message = message.extracting(0..<range.upperBound)
        guard let fields = RecordField.fields(of: type) else {
            data.append(copying: message.extracting(range))
            return
        }
        var offset = range.lowerBound
        do throws(DNSError) {
            for field in fields { try expand(field, message, &offset, into: &data) }
        } catch {
            throw error.code == .endOfMessage ? DNSError(.badDataLength, at: range.lowerBound) : error
        }
        guard offset == range.upperBound else { throw DNSError(.badDataLength, at: offset) }
    }

    private static func expand(
        _ field: RecordField, _ message: RawSpan, _ offset: inout Int, into data: inout [UInt8]
    ) throws(DNSError) {
        let rest = message.byteCount - offset
        let count: Int
        switch field {
        case .name:
            offset = try WireName.expand(message, at: offset, into: &data)
            return
        case .uint8: count = 1
        case .uint16, .type: count = 2
        case .uint32, .period, .time, .ipv4: count = 4
        case .ipv6: count = 16
        case .string, .countedHexadecimal, .countedBase32: count = try 1 + Int(message.uint8(at: offset))
        case .strings:
            var end = offset
            repeat { end += try 1 + Int(message.uint8(at: end)) } while end < message.byteCount
            count = end - offset
        case .text: count = rest
        case .hexadecimal, .base64:
            guard rest > 0 else { throw DNSError(.badDataLength, at: offset) }
            count = rest
        case .types:
            try TypeBitmap.check(message, offset..<message.byteCount)
            count = rest
        case .parameters:
            try ServiceParameters.check(message, offset..<message.byteCount)
            count = rest
        }
        try data.append(copying: message.slice(at: offset, count: count))
        offset += count
    }
}

/// The bitmap of types in NSEC, NSEC3 and CSYNC (RFC 4034 section 4.1.2).
enum TypeBitmap {
    /// Throws unless windows ascend and have 1 to 32 octets each.
    static func check(_ message: RawSpan, _ range: Range<Int>) throws(DNSError) {
        var (offset, last) = (range.lowerBound, -1)
        while offset < range.upperBound {
            let (window, count) = try (Int(message.uint8(at: offset)), Int(message.uint8(at: offset + 1)))
            guard window > last, 1...32 ~= count else { throw DNSError(.badDataLength, at: offset) }
            try message.require(count, at: offset + 2)
            last = window
            offset += 2 + count
        }
    }

    /// The types of a bitmap that has been checked, ascending.
    static func types(_ data: RawSpan, from start: Int) -> [DNSType] {
        let bytes = data.bytes
        var (types, offset) = ([DNSType](), start)
        while offset + 1 < bytes.count {
            let (window, count) = (UInt16(bytes[offset]), Int(bytes[offset + 1]))
            for index in 0..<count where offset + 2 + index < bytes.count {
                for bit in 0..<8 where bytes[offset + 2 + index] & 0x80 >> UInt8(bit) != 0 {
                    types.append(DNSType(window << 8 | UInt16(index * 8 + bit)))
                }
            }
            offset += 2 + count
        }
        return types
    }

    /// Appends the bitmap of some types.
    static func append(_ types: [DNSType], to data: inout [UInt8]) {
        let sorted = types.map(\.rawValue).sorted()
        var index = 0
        while index < sorted.count {
            let window = sorted[index] >> 8
            var bits = [UInt8](repeating: 0, count: 32)
            var count = 0
            while index < sorted.count, sorted[index] >> 8 == window {
                let low = Int(sorted[index] & 0xff)
                bits[low / 8] |= 0x80 >> UInt8(low % 8)
                count = low / 8 + 1
                index += 1
            }
            data.append(UInt8(window))
            data.append(UInt8(count))
            data += bits[..<count]
        }
    }
}
