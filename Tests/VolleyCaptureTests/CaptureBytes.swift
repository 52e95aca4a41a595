import VolleyWire

@testable import VolleyCapture

/// Bytes from hexadecimal digits; blanks and line ends are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    precondition(digits.count.isMultiple(of: 2), "an odd number of digits")
    var bytes: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        guard let byte = UInt8(digits[index..<next], radix: 16) else { preconditionFailure("not hexadecimal") }
        bytes.append(byte)
        index = next
    }
    return bytes
}

/// Makes captures by hand, so that the reader is not tested against our own writer alone.
struct CaptureBytes {
    let isBigEndian: Bool
    var bytes: [UInt8] = []

    init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

    mutating func put(_ value: some FixedWidthInteger) {
        let width = value.bitWidth / 8
        for index in 0..<width {
            let shift = 8 * (isBigEndian ? width - 1 - index : index)
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    mutating func put(_ more: [UInt8]) { bytes += more }

    // MARK: pcap

    mutating func pcapHeader(
        magic: UInt32 = 0xa1b2_c3d4, major: UInt16 = 2, minor: UInt16 = 4, linkType: UInt32 = 101
    ) {
        put(magic)
        put(major)
        put(minor)
        put(0 as UInt64)
        put(65_535 as UInt32)
        put(linkType)
    }

    mutating func pcapRecord(
        seconds: UInt32, fraction: UInt32, _ packet: [UInt8], captured: UInt32? = nil, original: UInt32? = nil,
        more: [UInt8] = []
    ) {
        put(seconds)
        put(fraction)
        put(captured ?? UInt32(packet.count))
        put(original ?? UInt32(packet.count))
        put(more)
        put(packet)
    }

    // MARK: pcapng

    /// A block around `body`, which is a multiple of four bytes.
    mutating func block(_ type: UInt32, trailingLength: UInt32? = nil, _ fill: (inout CaptureBytes) -> Void) {
        var body = CaptureBytes(isBigEndian: isBigEndian)
        fill(&body)
        let length = UInt32(12 + body.bytes.count)
        put(type)
        put(length)
        put(body.bytes)
        put(trailingLength ?? length)
    }

    mutating func section(major: UInt16 = 1) {
        block(0x0a0d_0d0a) {
            $0.put(0x1a2b_3c4d as UInt32)
            $0.put(major)
            $0.put(0 as UInt16)
            $0.put(UInt64.max)
        }
    }

    mutating func interface(_ linkType: UInt16, snapLength: UInt32 = 0, options: [(UInt16, [UInt8])] = []) {
        block(1) {
            $0.put(linkType)
            $0.put(0 as UInt16)
            $0.put(snapLength)
            $0.options(options)
        }
    }

    mutating func enhancedPacket(
        interface: UInt32 = 0, time: UInt64, _ packet: [UInt8], captured: UInt32? = nil, original: UInt32? = nil,
        options: [(UInt16, [UInt8])] = []
    ) {
        block(6) {
            $0.put(interface)
            $0.put(UInt32(truncatingIfNeeded: time >> 32))
            $0.put(UInt32(truncatingIfNeeded: time))
            $0.put(captured ?? UInt32(packet.count))
            $0.put(original ?? UInt32(packet.count))
            $0.padded(packet)
            $0.options(options)
        }
    }

    mutating func simplePacket(_ packet: [UInt8], original: UInt32) {
        block(3) {
            $0.put(original)
            $0.padded(packet)
        }
    }

    mutating func obsoletePacket(interface: UInt16, time: UInt64, _ packet: [UInt8]) {
        block(2) {
            $0.put(interface)
            $0.put(7 as UInt16)
            $0.put(UInt32(truncatingIfNeeded: time >> 32))
            $0.put(UInt32(truncatingIfNeeded: time))
            $0.put(UInt32(packet.count))
            $0.put(UInt32(packet.count))
            $0.padded(packet)
        }
    }

    mutating func padded(_ more: [UInt8]) {
        put(more)
        put([UInt8](repeating: 0, count: -more.count & 3))
    }

    mutating func options(_ options: [(UInt16, [UInt8])]) {
        for (code, value) in options {
            put(code)
            put(UInt16(value.count))
            padded(value)
        }
        if !options.isEmpty { put(0 as UInt32) }
    }
}

/// A record copied out of a reader.
struct RecordCopy: Equatable {
    var bytes: [UInt8]
    var time: Int64
    var hasTime = true
    var linkType: LinkType
    var original: Int
    var interface = 0
    var direction = PacketDirection.unknown
    var comment: String?
}

/// All records of a capture up to its end or its damage.
func readAll(_ bytes: [UInt8]) -> (records: [RecordCopy], error: CaptureError?) {
    var records: [RecordCopy] = []
    do throws(CaptureError) {
        var reader = try CaptureReader(bytes: bytes)
        try readAll(&reader, into: &records)
    } catch {
        return (records, error)
    }
    return (records, nil)
}

func readAll(_ reader: inout CaptureReader, into records: inout [RecordCopy]) throws(CaptureError) {
    while let record = try reader.next() {
        var bytes: [UInt8] = []
        for offset in 0..<record.bytes.byteCount { bytes.append(record.bytes.byte(at: offset)) }
        records.append(
            RecordCopy(
                bytes: bytes, time: record.timestampNanoseconds, hasTime: record.hasTimestamp,
                linkType: record.linkType, original: record.originalLength, interface: record.interface,
                direction: record.direction, comment: record.comment))
    }
}
