/// Random numbers that depend on nothing but a seed: the same on every run, machine and release.
///
/// The generator is xoshiro256** 1.0 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), its
/// state four numbers of SplitMix64 (Steele, Lea and Flood, 2014). What is made of its numbers is here as well, in
/// integers and exact floating point, since how the standard library does it may change. Not for secrets.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
    private var first: UInt64
    private var second: UInt64
    private var third: UInt64
    private var fourth: UInt64

    /// A generator.
    ///
    /// - Parameters:
    ///   - seed: any number.
    ///   - stream: another one gives numbers that have nothing to do with those of the same seed.
    public init(seed: UInt64, stream: UInt64 = 0) {
        var mixer = SplitMix(state: seed)
        // A stream is a seed of its own, so far away from those next to it as mixing can make it.
        if stream != 0 {
            var streamMixer = SplitMix(state: stream)
            mixer = SplitMix(state: mixer.next() ^ streamMixer.next())
        }
        self.init(state: mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    /// A generator with this state, which must not be all zeros.
    init(state first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
        (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let result = (second &* 5).rotatedLeft(7) &* 9
        let shifted = second << 17
        third ^= first
        fourth ^= second
        second ^= third
        first ^= fourth
        third ^= shifted
        fourth = fourth.rotatedLeft(45)
        return result
    }

    /// A number from 0 to `bound` - 1, each with the same probability; 0 for a bound of 0.
    ///
    /// Lemire's method ("Fast random integer generation in an interval", 2019).
    public mutating func below(_ bound: UInt64) -> UInt64 {
        guard bound > 0 else { return 0 }
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
        }
        return product.high
    }

    /// A number from 0 up to but not including 1, in steps of 2^-53.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// `true` with the given probability; one of 0 or less, or of 1 or more, takes no number.
    public mutating func chance(_ probability: Double) -> Bool {
        guard probability > 0 else { return false }
        return probability >= 1 || unit() < probability
    }
}

/// SplitMix64: a number that counts, well mixed.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

extension UInt64 {
    fileprivate func rotatedLeft(_ count: UInt64) -> UInt64 { self << count | self >> (64 - count) }
}
