/// How long something takes: a delay, or what varies about one (jitter).
///
/// All are computed without the mathematics library, whose last digits differ from machine to machine. A delay is never
/// negative; what would be counts as zero.
public struct DelayDistribution: Hashable, Sendable {
    private enum Shape: String { case constant, uniform, normal, exponential }
    private let shape: Shape
    /// The delay, the least, or the mean, in nanoseconds.
    private let first: Int64
    /// The greatest, or the standard deviation, in nanoseconds.
    private let second: Int64

    /// No delay.
    public static let none = DelayDistribution.constant(.zero)

    /// Always the same.
    public static func constant(_ delay: Duration) -> DelayDistribution {
        DelayDistribution(shape: .constant, first: delay.wholeNanoseconds, second: 0)
    }

    /// Each within the range equally often; a range that runs backwards is turned round.
    public static func uniform(_ least: Duration, _ greatest: Duration) -> DelayDistribution {
        let (one, other) = (max(0, least.wholeNanoseconds), max(0, greatest.wholeNanoseconds))
        return DelayDistribution(shape: .uniform, first: min(one, other), second: max(one, other))
    }

    /// Nearly a normal distribution: the sum of twelve uniform ones (Irwin–Hall), so within six deviations of the mean.
    public static func normal(mean: Duration, deviation: Duration) -> DelayDistribution {
        DelayDistribution(shape: .normal, first: mean.wholeNanoseconds, second: max(0, deviation.wholeNanoseconds))
    }

    /// An exponential distribution: short delays often, long ones rarely; exact (von Neumann's method, 1951).
    public static func exponential(mean: Duration) -> DelayDistribution {
        DelayDistribution(shape: .exponential, first: max(0, mean.wholeNanoseconds), second: 0)
    }

    /// Whether it is always zero.
    public var isZero: Bool { shape == .constant && first <= 0 }

    /// One delay in nanoseconds, not negative; a constant one takes no random number.
    func sample(_ generator: inout SeededGenerator) -> Int64 {
        switch shape {
        case .constant: max(0, first)
        case .uniform: first + Int64(generator.below(UInt64(second - first) &+ 1))
        case .normal: Self.clamped(Double(first) + Double(second) * Self.normal(&generator))
        case .exponential: Self.clamped(Double(first) * Self.exponential(&generator))
        }
    }

    private static func normal(_ generator: inout SeededGenerator) -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += generator.unit() }
        return sum
    }

    /// The whole part is how often a falling run of uniform numbers had an even length, the rest the first of an odd one.
    private static func exponential(_ generator: inout SeededGenerator) -> Double {
        var whole = 0.0
        while true {
            let first = generator.unit()
            var last = first
            var isOdd = true
            while true {
                let next = generator.unit()
                guard next < last else { break }
                last = next
                isOdd.toggle()
            }
            if isOdd { return whole + first }
            whole += 1
        }
    }

    private static func clamped(_ nanoseconds: Double) -> Int64 {
        nanoseconds > 0 ? Int64(min(nanoseconds, 0x1p62)) : 0
    }
}

extension DelayDistribution: CustomStringConvertible {
    /// Shape and parameters: `constant 0.005 seconds`, `uniform 0.001 seconds to 0.002 seconds`.
    public var description: String {
        let one = Duration.nanoseconds(first)
        let other = Duration.nanoseconds(second)
        return switch shape {
        case .constant: "constant \(one)"
        case .uniform: "uniform \(one) to \(other)"
        case .normal: "normal \(one) ± \(other)"
        case .exponential: "exponential \(one)"
        }
    }
}
