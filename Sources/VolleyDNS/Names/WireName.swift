import VolleyCore

/// How names lie in messages (RFC 1035 section 4.1.4): what every reader of one shares.
enum WireName {
    /// The most octets of a name, its root label included.
    static let byteCountMax = 255

    /// Passes over a name and gives what follows it, without looking where a pointer leads.
    static func end(in message: RawSpan, at start: Int) throws(DNSError) -> Int {
        var offset = start
        while true {
            let length = try message.uint8(at: offset)
            switch length {
            case 0:
                return offset + 1
            case 1...63:
                offset += 1 + Int(length)
                guard offset - start < byteCountMax else { throw DNSError(.nameTooLong, at: start) }
            case 0xc0...:
                try message.require(2, at: offset)
                return offset + 2
            default:
                throw DNSError(.badLabelType, at: offset)
            }
        }
    }

    /// Appends the name at `start` to `name`, without compression, and gives the offset of what follows it.
    ///
    /// Each pointer has to lead to before the part of the name it ends, so that no chain of them is endless.
    static func expand(_ message: RawSpan, at start: Int, into name: inout [UInt8]) throws(DNSError) -> Int {
        let first = name.count
        var (offset, partStart, end) = (start, start, -1)
        while true {
            let length = try Int(message.uint8(at: offset))
            if length == 0 {
                name.append(0)
                return end < 0 ? offset + 1 : end
            } else if length < 64 {
                let label = try message.slice(at: offset, count: 1 + length)
                guard name.count - first + 1 + length < byteCountMax else { throw DNSError(.nameTooLong, at: start) }
                name.append(copying: label)
                offset += 1 + length
            } else if length >= 0xc0 {
                let target = try Int(message.uint16(at: offset) & 0x3fff)
                if end < 0 { end = offset + 2 }
                guard target < partStart else { throw DNSError(.badPointer, at: offset) }
                (offset, partStart) = (target, target)
            } else {
                throw DNSError(.badLabelType, at: offset)
            }
        }
    }

    /// Whether the name at `offset` of a message is this one, but for letter case; pointers are followed.
    static func isEqual(_ message: RawSpan, at start: Int, _ name: RawSpan) -> Bool {
        let (left, right) = (message.bytes, name.bytes)
        var (offset, index, limit) = (start, 0, start)
        while offset < left.count, index < right.count {
            let length = Int(left[offset])
            if length >= 0xc0 {
                guard offset + 1 < left.count else { return false }
                let target = (length & 0x3f) << 8 | Int(left[offset + 1])
                guard target < limit else { return false }
                (offset, limit) = (target, target)
                continue
            }
            guard length == Int(right[index]) else { return false }
            if length == 0 { return true }
            guard offset + length < left.count, index + length < right.count else { return false }
            var position = 1
            while position <= length {
                guard LetterCase.lower(left[offset + position]) == LetterCase.lower(right[index + position])
                else { return false }
                position += 1
            }
            offset += 1 + length
            index += 1 + length
        }
        return false
    }
}
