import VolleyWire

/// pcapng block types this module reads or writes.
enum BlockType {
    static let sectionHeader: UInt32 = 0x0a0d_0d0a
    static let interfaceDescription: UInt32 = 1
    static let obsoletePacket: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6

    /// The least length of a block of this type, lengths and type included.
    static func lengthMin(_ type: UInt32) -> Int {
        switch type {
        case sectionHeader: 28
        case interfaceDescription: 20
        case obsoletePacket, enhancedPacket: 32
        case simplePacket: 16
        default: 12
        }
    }
}

/// Blocks of pcapng: type, length, body, length again.
extension CaptureReader {
    /// Reads blocks up to the next packet.
    mutating func advancePcapng() throws(CaptureError) -> Bool {
        if takeEnhancedPacket() { return true }
        while try beginBlock() {
            let (type, length) = try readBlockStart()
            switch type {
            case BlockType.sectionHeader, BlockType.interfaceDescription, BlockType.obsoletePacket,
                BlockType.simplePacket, BlockType.enhancedPacket:
                if try readKnownBlock(type, length: length) { return true }
            default:
                try skipBlock(length: length)
            }
        }
        return false
    }

    /// Whether there is another block; its first 12 bytes are read then.
    private mutating func beginBlock() throws(CaptureError) -> Bool {
        let hasStart = try fill(atLeast: 12)
        if !hasStart, input.unreadCount == 0 { return false }
        blockCount += 1
        guard hasStart else {
            throw blockError(
                .truncated, "the file ends after \(input.unreadCount) of the 12 bytes a block has at least")
        }
        return true
    }

    /// Type and length of the block at the input's position; a section header sets the byte order first.
    mutating func readBlockStart() throws(CaptureError) -> (type: UInt32, length: Int) {
        let start = input.position
        // The type of a section header reads the same in both byte orders.
        if input.bytes.bigEndian32(at: start) == BlockType.sectionHeader {
            switch input.bytes.bigEndian32(at: start + 8) {
            case 0x1a2b_3c4d: isBigEndian = true
            case 0x4d3c_2b1a: isBigEndian = false
            default: throw blockError(.corrupt, "a section header without byte-order magic")
            }
        } else if blockCount == 1 {
            throw blockError(.corrupt, "the file does not begin with a section header")
        }
        let type = input.word32(at: start, isBigEndian: isBigEndian)
        let length = Int(input.word32(at: start + 4, isBigEndian: isBigEndian))
        guard length >= BlockType.lengthMin(type), length % 4 == 0 else {
            throw blockError(
                .corrupt,
                "block type \(type) with a length of \(length), which is not a multiple of 4 from "
                    + "\(BlockType.lengthMin(type)) on")
        }
        return (type, length)
    }

    /// Moves past a block without keeping it.
    private mutating func skipBlock(length: Int) throws(CaptureError) {
        let start = input.fileOffset
        guard try skip(length - 4), try fill(atLeast: 4) else {
            throw CaptureError(
                .truncated, file: name, block: blockCount, byteOffset: start,
                "the block claims \(length) bytes, but the file ends before")
        }
        try checkTrailingLength(length, blockStart: start)
        input.position += 4
    }

    /// The length at the end of a block, at the input's position, has to be that at its start.
    private func checkTrailingLength(_ length: Int, blockStart: Int64) throws(CaptureError) {
        let trailing = Int(input.word32(at: input.position, isBigEndian: isBigEndian))
        guard trailing == length else {
            throw CaptureError(
                .corrupt, file: name, block: blockCount, byteOffset: blockStart,
                "the block begins with a length of \(length) and ends with \(trailing)")
        }
    }

    /// Takes a block this reader understands; `true` if it is a packet.
    private mutating func readKnownBlock(_ type: UInt32, length: Int) throws(CaptureError) -> Bool {
        guard length <= Self.recordLengthMax else {
            throw blockError(
                .limitExceeded,
                "block type \(type) claims \(length) bytes, more than the \(Self.recordLengthMax) this reader takes")
        }
        guard try fill(atLeast: length) else {
            throw blockError(
                .truncated, "the block claims \(length) bytes, but the file ends after \(input.unreadCount) of them")
        }
        let start = input.fileOffset
        let body = input.position + 8..<input.position + length - 4
        switch type {
        case BlockType.interfaceDescription: try readInterface(body)
        case BlockType.enhancedPacket: try readEnhancedPacket(body)
        case BlockType.obsoletePacket: try readObsoletePacket(body)
        case BlockType.simplePacket: try readSimplePacket(body)
        default: beginSection(body)
        }
        input.position += length - 4
        try checkTrailingLength(length, blockStart: start)
        input.position += 4
        guard type != BlockType.sectionHeader, type != BlockType.interfaceDescription else { return false }
        current.number += 1
        return true
    }

    private mutating func beginSection(_ body: Range<Int>) {
        interfaces.removeAll(keepingCapacity: true)
        let major = input.word16(at: body.lowerBound + 4, isBigEndian: isBigEndian)
        let minor = input.word16(at: body.lowerBound + 6, isBigEndian: isBigEndian)
        // Minor versions are compatible (draft-ietf-opsawg-pcapng section 4.1).
        if major != 1 { oddities.noteVersion(major, minor, known: 1, in: "block \(blockCount), a pcapng section") }
    }

    /// An error about the block at the input's position.
    borrowing func blockError(_ code: CaptureError.Code, _ message: String) -> CaptureError {
        CaptureError(code, file: name, block: blockCount, byteOffset: input.fileOffset, message)
    }
}
