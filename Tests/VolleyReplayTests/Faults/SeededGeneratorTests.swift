import Testing

@testable import VolleyReplay

@Suite("Seeded random numbers")
struct SeededGeneratorTests {
    @Test("SplitMix64 gives the numbers of its reference implementation")
    func splitMix() {
        var mixer = SplitMix(state: 0)
        #expect(mixer.next() == 0xe220_a839_7b1d_cdaf)
        #expect(mixer.next() == 0x6e78_9e6a_a1b9_65f4)
        #expect(mixer.next() == 0x06c4_5d18_8009_454f)
    }

    @Test("xoshiro256** gives the numbers of its reference implementation")
    func xoshiro() {
        var generator = SeededGenerator(state: 1, 2, 3, 4)
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
            16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777,
            2_904_607_092_377_533_576,
        ]
        #expect(expected.map { _ in generator.next() } == expected)
    }

    @Test("streams of one seed differ, the same stream does not")
    func streams() {
        var (one, same, other, seed) = (
            SeededGenerator(seed: 1), SeededGenerator(seed: 1), SeededGenerator(seed: 1, stream: 1),
            SeededGenerator(seed: 2)
        )
        let numbers = (0..<100).map { _ in one.next() }
        #expect((0..<100).map { _ in same.next() } == numbers)
        #expect(Set(numbers).isDisjoint(with: (0..<100).map { _ in other.next() }))
        #expect(Set(numbers).isDisjoint(with: (0..<100).map { _ in seed.next() }))
    }

    @Test("numbers below a bound are within it and evenly spread")
    func bounds() {
        var generator = SeededGenerator(seed: 3)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[Int(generator.below(7))] += 1 }
        #expect(counts.allSatisfy { abs($0 - 10_000) < 500 })
        #expect(generator.below(0) == 0)
        #expect(generator.below(1) == 0)
    }

    @Test("a probability beyond 0 or 1 is certain, and takes no number")
    func certainty() {
        var generator = SeededGenerator(seed: 4)
        let before = generator
        #expect(!generator.chance(0) && !generator.chance(-1) && !generator.chance(.nan))
        #expect(generator.chance(1) && generator.chance(7))
        #expect(generator == before)
    }

    @Test("delays have the mean they are said to have")
    func delays() {
        var generator = SeededGenerator(seed: 5)
        func mean(_ distribution: DelayDistribution) -> Double {
            Double((0..<100_000).reduce(Int64(0)) { sum, _ in sum + distribution.sample(&generator) }) / 100_000
        }
        #expect(mean(.constant(.microseconds(7))) == 7_000)
        #expect(abs(mean(.uniform(.microseconds(1), .microseconds(3))) - 2_000) < 20)
        #expect(abs(mean(.normal(mean: .microseconds(10), deviation: .microseconds(1))) - 10_000) < 20)
        #expect(abs(mean(.exponential(mean: .microseconds(10))) - 10_000) < 150)
    }

    @Test("an exponential delay is longer than its mean in one case of e")
    func exponential() {
        var generator = SeededGenerator(seed: 6)
        let distribution = DelayDistribution.exponential(mean: .milliseconds(1))
        let longer = (0..<100_000).count { _ in distribution.sample(&generator) > 1_000_000 }
        #expect(abs(Double(longer) / 100_000 - 0.3679) < 0.006)
    }

    @Test("no delay is negative, however it was made")
    func notNegative() {
        var generator = SeededGenerator(seed: 7)
        let distributions: [DelayDistribution] = [
            .constant(.seconds(-1)), .uniform(.seconds(-2), .seconds(-1)), .exponential(mean: .seconds(-1)),
            .normal(mean: .seconds(-1), deviation: .seconds(1)), .uniform(.seconds(Int64.max), .seconds(1)),
            .normal(mean: .seconds(Int64.max), deviation: .seconds(Int64.max)),
        ]
        for distribution in distributions {
            #expect((0..<1_000).allSatisfy { _ in distribution.sample(&generator) >= 0 })
        }
    }
}
