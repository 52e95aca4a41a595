public import VolleyCore

/// The checksum of IP, UDP and ICMP: the one's complement of the one's complement sum of 16-bit words (RFC 1071).
public struct InternetChecksum: Sendable {
    /// Big-endian words summed up, carries not yet folded; holds 2^32 words without overflow.
    private var sum: UInt64 = 0

    /// Nothing summed yet.
    public init() {}

    /// Adds 16 bits.
    public mutating func add(_ word: UInt16) {
        sum += UInt64(word)
    }

    /// Adds 32 bits as two words.
    public mutating func add(_ words: UInt32) {
        sum += UInt64(words >> 16) + UInt64(words & 0xffff)
    }

    /// Adds 64 bits as four words.
    public mutating func add(_ words: UInt64) {
        add(UInt32(truncatingIfNeeded: words >> 32))
        add(UInt32(truncatingIfNeeded: words))
    }

    /// Adds an address, as it stands in a pseudo-header.
    public mutating func add(_ address: IPAddress) {
        // An IPv4 address is the low half of a value whose other bits are zero, and zeros do not change the sum.
        add(address.high)
        add(address.low)
    }

    /// Adds bytes; an odd number of them is padded with a zero, so only the last piece may be odd.
    public mutating func add(_ bytes: RawSpan) {
        var offset = 0
        while bytes.byteCount - offset >= 4 {
            let words = bytes.bigEndian32(at: offset)
            sum += UInt64(words >> 16) + UInt64(words & 0xffff)
            offset += 4
        }
        if bytes.byteCount - offset >= 2 {
            add(bytes.bigEndian16(at: offset))
            offset += 2
        }
        if offset < bytes.byteCount { add(UInt16(bytes.byte(at: offset)) << 8) }
    }

    /// The checksum over all that was added, as it stands in a header (host byte order).
    public var value: UInt16 {
        var folded = sum
        while folded > 0xffff { folded = (folded & 0xffff) + (folded >> 16) }
        return ~UInt16(truncatingIfNeeded: folded)
    }
}
