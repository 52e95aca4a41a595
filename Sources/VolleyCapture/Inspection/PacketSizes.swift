/// How many records there are of each size, in bytes on the wire with the link layer: the frame sizes of RFC 2544
/// (section 9.1) are where ranges begin.
public struct PacketSizes: Sendable {
    /// One range of sizes.
    public struct Range: Hashable, Sendable {
        /// The smallest size in it.
        public let from: Int
        /// The largest size in it; `nil` for the last range.
        public let to: Int?
        /// The number of records.
        public let records: Int
    }

    private static let bounds: InlineArray<9, Int> = [0, 64, 128, 256, 512, 1_024, 1_280, 1_519, 9_001]
    private var counts = InlineArray<9, Int>(repeating: 0)

    init() {}

    /// Counts a record of this original length; one that says less than nothing counts as nothing.
    mutating func add(_ length: Int) {
        let index =
            if length < 64 {
                0
            } else if length < 1_024 {
                // 64 is 2^6: each range is twice as long as the one before.
                Int.bitWidth - 1 - length.leadingZeroBitCount - 5
            } else if length < 1_280 {
                5
            } else if length < 1_519 {
                6
            } else {
                length < 9_001 ? 7 : 8
            }
        counts[index] += 1
    }

    /// All ranges in ascending order, empty ones included; the sum is the number of records that were decoded.
    public var ranges: [Range] {
        counts.indices.map { index in
            let next = index + 1
            return Range(
                from: Self.bounds[index], to: next < counts.count ? Self.bounds[next] - 1 : nil, records: counts[index])
        }
    }
}
