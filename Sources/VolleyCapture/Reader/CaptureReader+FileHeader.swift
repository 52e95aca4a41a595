import VolleyWire

/// What kind of file this is.
extension CaptureReader {
    /// Reads the header of a pcap file, or sees that the file is pcapng.
    mutating func readFileHeader() throws(CaptureError) {
        guard try fill(atLeast: 1) else {
            throw CaptureError(.empty, file: name, "the file is empty")
        }
        let isLongEnough = try fill(atLeast: 4)
        let magic = isLongEnough ? input.bytes.bigEndian32(at: 0) : 0
        switch magic {
        case 0x0a0d_0d0a:
            format = .pcapng
            try checkSectionMagic()
        case 0xa1b2_c3d4: try readPcapHeader(bigEndian: true, .pcapMicroseconds)
        case 0xd4c3_b2a1: try readPcapHeader(bigEndian: false, .pcapMicroseconds)
        case 0xa1b2_3c4d: try readPcapHeader(bigEndian: true, .pcapNanoseconds)
        case 0x4d3c_b2a1: try readPcapHeader(bigEndian: false, .pcapNanoseconds)
        // "Modified" pcap of A. Kuznetzov's patches: eight more bytes in each record header.
        case 0xa1b2_cd34: try readPcapHeader(bigEndian: true, .pcapMicroseconds, recordHeaderLength: 24)
        case 0x34cd_b2a1: try readPcapHeader(bigEndian: false, .pcapMicroseconds, recordHeaderLength: 24)
        default: throw unknownFormat(magic)
        }
    }

    private mutating func readPcapHeader(
        bigEndian: Bool, _ format: CaptureFormat, recordHeaderLength: Int = 16
    ) throws(CaptureError) {
        guard try fill(atLeast: 24) else {
            throw CaptureError(
                .truncated, file: name, byteOffset: 0,
                "the file ends after \(input.unreadCount) of the 24 bytes of the pcap header")
        }
        isBigEndian = bigEndian
        self.format = format
        pcapHeaderLength = recordHeaderLength
        pcapFraction = format == .pcapNanoseconds ? 1 : 1_000
        let major = input.word16(at: 4, isBigEndian: bigEndian)
        let minor = input.word16(at: 6, isBigEndian: bigEndian)
        pcapLengthsMaySwap = major == 2 && minor < 4 || major == 543 && minor == 0
        // The upper six bits hold the length of a frame check sequence; ten more are reserved and part of no type.
        current.linkType = LinkType(rawValue: input.word32(at: 20, isBigEndian: bigEndian) & 0x03ff_ffff)
        current.hasTimestamp = true
        input.position = 24
    }

    /// A file may begin with the bytes of a section header by chance; the byte-order magic tells.
    private mutating func checkSectionMagic() throws(CaptureError) {
        guard try fill(atLeast: 12) else {
            throw CaptureError(
                .truncated, file: name, byteOffset: 0,
                "the file ends after \(input.unreadCount) of the 28 bytes of a pcapng section header")
        }
        let magic = input.bytes.bigEndian32(at: 8)
        guard magic == 0x1a2b_3c4d || magic == 0x4d3c_2b1a else { throw unknownFormat(0) }
    }

    private borrowing func unknownFormat(_ magic: UInt32) -> CaptureError {
        let compression: String? =
            switch magic {
            case 0x28b5_2ffd: "zstd"
            case 0xfd37_7a58: "xz"
            case 0x0422_4d18: "lz4"
            case _ where magic >> 16 == 0x1f8b: "gzip"
            case _ where magic >> 8 == 0x42_5a68: "bzip2"
            default: nil
            }
        if let compression {
            return CaptureError(
                .compressed, file: name, "the file is compressed with \(compression); decompress it first")
        }
        if magic == 0x736e_6f6f {
            return CaptureError(
                .unsupportedFormat, file: name, "a snoop capture; convert it to pcapng first (editcap -F pcapng)")
        }
        return CaptureError(.notACapture, file: name, "not a capture: neither pcap nor pcapng begins like this")
    }
}
