import VolleyWire

/// What is in the blocks of pcapng; `body` is the range of a block's body in the input.
extension CaptureReader {
    mutating func readInterface(_ body: Range<Int>) throws(CaptureError) {
        guard interfaces.count < Self.interfacesMax else {
            throw blockError(.limitExceeded, "a section with more than \(Self.interfacesMax) interfaces")
        }
        let description = CaptureInterface(body: input.bytes.extracting(body), isBigEndian: isBigEndian)
        interfaces.append(description)
    }

    /// Enhanced Packet Block: interface, time stamp in two halves, captured length, original length, bytes, options.
    mutating func readEnhancedPacket(_ body: Range<Int>) throws(CaptureError) {
        try readPacket(body, interface: Int(word(at: body.lowerBound)))
    }

    /// Packet Block, used before the enhanced one: the same with a shorter interface number and a count of drops.
    mutating func readObsoletePacket(_ body: Range<Int>) throws(CaptureError) {
        try readPacket(
            body, interface: Int(input.word16(at: body.lowerBound, isBigEndian: isBigEndian)))
    }

    /// Simple Packet Block: original length and bytes of a packet of the first interface, and nothing else.
    mutating func readSimplePacket(_ body: Range<Int>) throws(CaptureError) {
        let original = Int(word(at: body.lowerBound))
        var snapLength = original
        if let description = interfaces.first {
            if description.snapLength != 0 { snapLength = description.snapLength }
            current.linkType = description.linkType
        } else {
            // How much of it was captured is only told by its block, which is padded.
            snapLength = body.count - 4
            current.linkType = .undescribed
        }
        current.interface = 0
        current.originalLength = original
        current.hasTimestamp = false
        current.bytesOffset = body.lowerBound + 4
        current.bytesLength = min(original, snapLength)
        current.optionsOffset = 0
        current.optionsLength = 0
        guard current.bytesLength <= body.count - 4 else {
            throw blockError(
                .corrupt, "the packet claims \(current.bytesLength) bytes, more than its block has room for")
        }
    }

    private mutating func readPacket(_ body: Range<Int>, interface number: Int) throws(CaptureError) {
        let start = body.lowerBound
        let captured = Int(word(at: start + 12))
        let room = body.count - 20
        guard captured <= room else {
            throw blockError(
                .corrupt, "the packet claims \(captured) bytes, more than the \(room) its block has room for")
        }
        if number < interfaces.count {
            setPacket(
                start, captured: captured, end: body.upperBound, interface: number, interfaces[number])
        } else {
            // What its time is counted in is unknown, too.
            setPacket(start, captured: captured, end: body.upperBound, interface: number, linkType: .undescribed)
            current.hasTimestamp = false
        }
    }

    /// Takes the block at the input's position if it is an enhanced packet, wholly in memory and sound.
    ///
    /// - Returns: `false` otherwise, and nothing has happened: the way by ``advancePcapng()`` reads on, takes other
    ///   blocks, or says what is wrong.
    mutating func takeEnhancedPacket() -> Bool {
        let start = input.position
        let unread = input.unreadCount
        guard unread >= 32, word(at: start) == BlockType.enhancedPacket else { return false }
        let length = Int(word(at: start + 4))
        guard length >= 32, length % 4 == 0, length <= min(unread, Self.recordLengthMax),
            Int(word(at: start + length - 4)) == length
        else { return false }
        let number = Int(word(at: start + 8))
        let captured = Int(word(at: start + 20))
        guard number < interfaces.count, captured <= length - 32 else { return false }
        setPacket(start + 8, captured: captured, end: start + length - 4, interface: number, interfaces[number])
        input.position = start + length
        blockCount += 1
        current.number += 1
        return true
    }

    /// Makes a packet the current record; its block's body begins at `start` and ends at `end`.
    @inline(__always)
    private mutating func setPacket(
        _ start: Int, captured: Int, end: Int, interface number: Int, _ description: CaptureInterface
    ) {
        let units = UInt64(word(at: start + 4)) << 32 | UInt64(word(at: start + 8))
        current.timestampNanoseconds = description.nanoseconds(units)
        if current.timestampNanoseconds == .max || current.timestampNanoseconds == .min {
            noteOutermostTime(units, description)
        }
        current.hasTimestamp = true
        setPacket(start, captured: captured, end: end, interface: number, linkType: description.linkType)
    }

    /// The same without its time.
    @inline(__always)
    private mutating func setPacket(
        _ start: Int, captured: Int, end: Int, interface number: Int, linkType: LinkType
    ) {
        current.linkType = linkType
        current.interface = number
        current.isBigEndian = isBigEndian
        current.originalLength = Int(word(at: start + 16))
        current.bytesOffset = start + 20
        current.bytesLength = captured
        current.optionsOffset = min(start + 20 + (captured + 3) & ~3, end)
        current.optionsLength = end - current.optionsOffset
    }

    @inline(__always)
    private func word(at offset: Int) -> UInt32 {
        input.word32(at: offset, isBigEndian: isBigEndian)
    }
}
