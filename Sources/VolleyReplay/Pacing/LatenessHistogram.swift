/// How late datagrams left, in constant memory: each value is kept to one part in 32.
package struct LatenessHistogram: Sendable {
    private static let subBits = 5
    private static let subCount = 1 << subBits
    private var counts = [UInt64](repeating: 0, count: (65 - subBits) * subCount)
    /// How many there are.
    package private(set) var count: UInt64 = 0
    /// The greatest, exactly.
    package private(set) var maximum: Int64 = 0

    package init() {}

    /// Takes in one; a negative one counts as 0.
    package mutating func record(_ nanoseconds: Int64) {
        let value = max(0, nanoseconds)
        counts[Self.index(of: value)] += 1
        count += 1
        maximum = max(maximum, value)
    }

    /// The least value that at least this share of all does not exceed, `0...1`, rounded up by at most a 32nd.
    package func quantile(_ share: Double) -> Duration {
        guard count > 0 else { return .zero }
        let wanted = max(1, UInt64((share * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for index in counts.indices {
            seen += counts[index]
            if seen >= wanted { return .nanoseconds(min(maximum, Self.highest(at: index))) }
        }
        return .nanoseconds(maximum)
    }

    /// Values below 32 have a place each, then every power of two has 32.
    private static func index(of value: Int64) -> Int {
        let exponent = max(0, 63 - value.leadingZeroBitCount - subBits)
        return exponent * subCount + Int(value >> Int64(exponent))
    }

    /// The greatest value of a place.
    private static func highest(at index: Int) -> Int64 {
        let exponent = max(0, index / subCount - 1)
        let sub = Int64(index - exponent * subCount)
        // Of the last place it is the greatest there is: the sum wraps round to it.
        return ((sub + 1) << Int64(exponent)) &- 1
    }
}
