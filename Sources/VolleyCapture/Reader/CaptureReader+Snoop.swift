import VolleyWire

/// Files of Solaris' snoop (RFC 1761): a header of 16 bytes; records of original length, captured length, record length,
/// drops, seconds, microseconds, bytes, padding; all integers big-endian.
extension CaptureReader {
    private static var snoopHeaderLength: Int { 24 }

    mutating func readSnoopHeader() throws(CaptureError) {
        guard try fill(atLeast: 16) else {
            throw CaptureError(
                .truncated, file: name, byteOffset: 0,
                "the file ends after \(input.unreadCount) of the 16 bytes of the snoop header")
        }
        // The other half of "snoop", padded with zeros.
        guard input.bytes.bigEndian32(at: 4) == 0x7000_0000 else { throw unknownFormat() }
        let version = input.bytes.bigEndian32(at: 8)
        guard version == 2 else {
            throw CaptureError(.unsupportedFormat, file: name, "snoop of version \(version); 2 is read")
        }
        let medium = input.bytes.bigEndian32(at: 12)
        guard let linkType = Self.linkType(ofSnoop: medium) else {
            throw CaptureError(
                .unsupportedFormat, file: name,
                "snoop of datalink type \(medium); Ethernet (4), IEEE 802.3 (0), token ring (2) and FDDI (8) are read")
        }
        format = .snoop
        isBigEndian = true
        current.linkType = linkType
        current.hasTimestamp = true
        input.position = 16
    }

    private static func linkType(ofSnoop medium: UInt32) -> LinkType? {
        switch medium {
        case 0, 4: .ethernet
        case 2: LinkType(rawValue: 6)
        case 8: LinkType(rawValue: 10)
        default: nil
        }
    }

    /// Reads the next record.
    mutating func advanceSnoop() throws(CaptureError) -> Bool {
        let headerLength = Self.snoopHeaderLength
        guard try fill(atLeast: headerLength) else {
            if input.unreadCount == 0 { return false }
            throw snoopError(
                .truncated, "the file ends after \(input.unreadCount) of the \(headerLength) bytes of its header")
        }
        let captured = Int(input.bytes.bigEndian32(at: input.position + 4))
        let length = Int(input.bytes.bigEndian32(at: input.position + 8))
        guard length >= headerLength, captured <= length - headerLength else {
            throw snoopError(.corrupt, "it claims \(captured) bytes in a record of \(length)")
        }
        guard length <= Self.recordLengthMax else {
            throw snoopError(
                .corrupt, "it claims a length of \(length), more than the \(Self.recordLengthMax) a record may have")
        }
        // The padding of the last record may be missing.
        guard try fill(atLeast: length) || input.unreadCount >= headerLength + captured else {
            throw snoopError(
                .truncated,
                "it claims \(captured) bytes, but the file ends after \(input.unreadCount - headerLength) of them")
        }
        let start = input.position
        let seconds = Int64(input.bytes.bigEndian32(at: start + 16))
        let microseconds = Int64(input.bytes.bigEndian32(at: start + 20))
        current.number += 1
        current.timestampNanoseconds = seconds * 1_000_000_000 + microseconds * 1_000
        current.originalLength = Int(input.bytes.bigEndian32(at: start))
        current.bytesOffset = start + headerLength
        current.bytesLength = captured
        input.position = start + min(length, input.unreadCount)
        return true
    }

    private borrowing func snoopError(_ code: CaptureError.Code, _ message: String) -> CaptureError {
        CaptureError(code, file: name, record: current.number + 1, byteOffset: input.fileOffset, message)
    }
}
