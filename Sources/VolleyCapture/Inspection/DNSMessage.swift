internal import VolleyWire

/// The header and the first question of a DNS message (RFC 1035), as far as pairing queries and answers takes.
struct DNSMessage {
    let id: UInt16
    let isAnswer: Bool
    let responseCode: UInt8
    /// A hash of the first question without regard to case; 0 if there is none that can be read.
    let question: UInt64
    /// Whether it can hardly be anything else: one plain question that can be read, and few records.
    let isCertain: Bool

    /// Reads a message; `nil` for what is none.
    init?(_ payload: RawSpan) {
        guard payload.byteCount >= 12 else { return nil }
        let flags = payload.bigEndian16(at: 2)
        let opcode = flags >> 11 & 15
        guard opcode <= 6, opcode != 3 else { return nil }
        let questions = Int(payload.bigEndian16(at: 4))
        let records = [6, 8, 10].reduce(0) { $0 + Int(payload.bigEndian16(at: $1)) }
        let isTruncated = flags & 0x0200 != 0
        // A question takes five bytes at least, a record eleven.
        guard questions * 5 + (isTruncated ? 0 : records * 11) <= payload.byteCount - 12 else { return nil }
        id = payload.bigEndian16(at: 0)
        isAnswer = flags & 0x8000 != 0
        responseCode = UInt8(flags & 15)
        question = questions > 0 ? Self.hash(payload) : 0
        isCertain = questions == 1 && question != 0 && flags & 0x7840 == 0 && records <= 64
    }

    /// FNV-1a over name, type and class of the question at byte 12; 0 for a name that is broken or compressed, or for a
    /// class that nobody uses.
    private static func hash(_ payload: RawSpan) -> UInt64 {
        var hash: UInt64 = 14_695_981_039_346_656_037
        func add(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        var offset = 12
        while true {
            guard offset < payload.byteCount else { return 0 }
            let length = Int(payload.byte(at: offset))
            guard length < 64, offset + 1 + length <= payload.byteCount, offset < 12 + 255 else { return 0 }
            add(UInt8(length))
            for place in offset + 1..<offset + 1 + length {
                let byte = payload.byte(at: place)
                add(0x41...0x5a ~= byte ? byte | 0x20 : byte)
            }
            offset += 1 + length
            if length == 0 { break }
        }
        guard offset + 4 <= payload.byteCount, [1, 3, 4, 254, 255].contains(payload.bigEndian16(at: offset + 2)) else {
            return 0
        }
        for place in offset..<offset + 4 { add(payload.byte(at: place)) }
        return hash | 1
    }
}
