import VolleyWire

/// What kind of file this is.
extension CaptureReader {
    /// Reads the header of a pcap or snoop file, or sees that the file is pcapng, or compressed.
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
        // Ixia's analysers: nanoseconds, and the length of all records behind the header.
        case 0x1c00_01ac, 0x1c00_01ab: try readPcapHeader(bigEndian: true, .pcapNanoseconds, headerLength: 28)
        case 0xac01_001c, 0xab01_001c: try readPcapHeader(bigEndian: false, .pcapNanoseconds, headerLength: 28)
        case 0x736e_6f6f: try readSnoopHeader()
        default:
            guard let compression = Compression.beginning(with: magic) else { throw unknownFormat() }
            try decompress(compression)
            try readFileHeader()
        }
    }

    /// Puts the decompressor before what is read.
    private mutating func decompress(_ compression: Compression) throws(CaptureError) {
        do throws(InputFailure) {
            guard try !input.decompress(compression) else { return }
        } catch {
            guard let missing = error.missing else {
                throw CaptureError(
                    .readFailed, file: name, errno: error.errno, "cannot start \(compression.program) to decompress")
            }
            throw CaptureError(
                .compressed, file: name,
                "the file is compressed with \(missing.name), and there is no program \(missing.program) to "
                    + "decompress it: install the package \(missing.debianPackage) of Debian or Ubuntu, or decompress "
                    + "it elsewhere")
        }
        throw CaptureError(
            .limitExceeded, file: name, "the file is compressed more than \(Compression.nestingMax) times over")
    }

    private mutating func readPcapHeader(
        bigEndian: Bool, _ format: CaptureFormat, recordHeaderLength: Int = 16, headerLength: Int = 24
    ) throws(CaptureError) {
        guard try fill(atLeast: headerLength) else {
            throw CaptureError(
                .truncated, file: name, byteOffset: 0,
                "the file ends after \(input.unreadCount) of the \(headerLength) bytes of the pcap header")
        }
        isBigEndian = bigEndian
        self.format = format
        pcapHeaderLength = recordHeaderLength
        pcapFraction = format == .pcapNanoseconds ? 1 : 1_000
        let major = input.word16(at: 4, isBigEndian: bigEndian)
        let minor = input.word16(at: 6, isBigEndian: bigEndian)
        // 543 is what the writers of another patched format say.
        if major != 2, major != 543 { oddities.noteVersion(major, minor, known: 2, in: "the pcap header") }
        pcapLengthsMaySwap = major == 2 && minor < 4 || major == 543 && minor == 0
        commonHeaderLength = isBigEndian || pcapLengthsMaySwap ? 0 : recordHeaderLength
        // The upper six bits hold the length of a frame check sequence; ten more are reserved and part of no type.
        current.linkType = LinkType(rawValue: input.word32(at: 20, isBigEndian: bigEndian) & 0x03ff_ffff)
        current.hasTimestamp = true
        input.position = headerLength
    }

    /// A file may begin with the bytes of a section header by chance; the byte-order magic tells.
    private mutating func checkSectionMagic() throws(CaptureError) {
        guard try fill(atLeast: 12) else {
            throw CaptureError(
                .truncated, file: name, byteOffset: 0,
                "the file ends after \(input.unreadCount) of the 28 bytes of a pcapng section header")
        }
        let magic = input.bytes.bigEndian32(at: 8)
        guard magic == 0x1a2b_3c4d || magic == 0x4d3c_2b1a else { throw unknownFormat() }
    }

    borrowing func unknownFormat() -> CaptureError {
        CaptureError(.notACapture, file: name, "not a capture: neither pcap, pcapng nor snoop begins like this")
    }
}
