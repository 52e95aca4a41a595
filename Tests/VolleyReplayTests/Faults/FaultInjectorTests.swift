import SystemPackage
import Testing
import VolleyCore

@testable import VolleyReplay

@Suite("Injected faults")
struct FaultInjectorTests {
    static let source = SocketAddress(IPAddress(v4: 0xc000_0201), port: 5_000)
    static let destination = SocketAddress(IPAddress(v4: 0xc000_0202), port: 53)

    /// What becomes of `count` datagrams of eight bytes, each its number.
    private func verdicts(_ faults: Faults, _ count: Int, seed: UInt64 = 1) -> (
        injector: FaultInjector, verdicts: [FaultInjector.Verdict]
    ) {
        let injector = FaultInjector(FaultPlan(seed: seed, receiving: faults))
        let verdicts = (0..<count).map { number in
            let payload = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
            return injector.judge(
                .receive, RawSpan(payload.span), from: Self.source, to: Self.destination,
                at: MonotonicInstant(nanoseconds: Int64(number)))
        }
        return (injector, verdicts)
    }

    @Test("without faults every datagram passes untouched")
    func none() {
        let (injector, verdicts) = verdicts(Faults(), 100)
        #expect(verdicts.allSatisfy { $0.copies.count == 1 && $0.copies[0].payload == nil && $0.faults.isEmpty })
        #expect(injector.count == 0)
        #expect("\(injector)" == "faults of seed 1: none")
    }

    @Test("loss has the rate it is said to have, and every one is listed")
    func loss() {
        let (injector, verdicts) = verdicts(.loss(0.2), 20_000)
        let lost = verdicts.count { $0.copies.isEmpty }
        #expect(abs(lost - 4_000) < 200)
        #expect(injector.count(of: .loss) == lost)
        #expect(injector.events.count == lost)
        #expect(injector.events.map(\.number) == Array(1...lost))
        #expect("\(injector)" == "faults of seed 1: loss \(lost)")
    }

    @Test("burst loss has the rate and the burst length of its model")
    func bursts() {
        var faults = Faults()
        let model = BurstLoss(p: 0.02, r: 0.25)
        faults.burstLoss = model
        let lost = verdicts(faults, 100_000).verdicts.map(\.copies.isEmpty)
        #expect(abs(model.lossRate - 0.02 / 0.27) < 1e-12)
        #expect(abs(Double(lost.count { $0 }) / 100_000 - model.lossRate) < 0.006)
        let bursts = zip(lost, [false] + lost).count { $0 && !$1 }
        #expect(abs(Double(lost.count { $0 }) / Double(bursts) - 4) < 0.35)
    }

    @Test("a burst model with all four parameters loses in both states")
    func gilbertElliott() {
        var faults = Faults()
        let model = BurstLoss(p: 0.05, r: 0.2, lossInBad: 0.6, lossInGood: 0.01)
        faults.burstLoss = model
        let lost = verdicts(faults, 100_000).verdicts.count { $0.copies.isEmpty }
        #expect(abs(Double(lost) / 100_000 - model.lossRate) < 0.006)
    }

    @Test("a duplicate has the same bytes")
    func duplication() {
        var faults = Faults()
        faults.duplication = 1
        let (injector, verdicts) = verdicts(faults, 10)
        #expect(verdicts.allSatisfy { $0.copies.count == 2 })
        #expect(injector.count(of: .duplication) == 10)
    }

    @Test("truncation leaves a beginning of any length but the whole")
    func truncation() {
        var faults = Faults()
        faults.truncation = 1
        let verdicts = verdicts(faults, 1_000).verdicts
        let counts = Set(verdicts.compactMap { $0.copies[0].payload?.count })
        #expect(counts == Set(0..<8))
    }

    @Test("corruption flips one bit and says which")
    func corruption() throws {
        var faults = Faults()
        faults.corruption = 1
        let (injector, verdicts) = verdicts(faults, 256)
        for (number, verdict) in verdicts.enumerated() {
            var bytes = try #require(verdict.copies[0].payload)
            let bit = Int(injector.events[number].value)
            bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            #expect(bytes == (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
        }
    }

    @Test("reordering holds back every so manieth datagram")
    func reordering() {
        var faults = Faults()
        faults.reordering = Faults.Reordering(1, by: .constant(.milliseconds(5)), gap: 4)
        let delays = verdicts(faults, 12).verdicts.map { $0.copies[0].delay }
        #expect(delays == (0..<12).map { $0 % 4 == 3 ? 5_000_000 : 0 })
    }

    @Test("a filter leaves other datagrams alone, and the first rule that takes one decides")
    func filters() {
        var first = Faults.loss(1)
        first.filter = { $0.number % 2 == 0 && $0.source.port == 5_000 }
        var second = Faults()
        second.duplication = 1
        var plan = FaultPlan(seed: 1)
        plan.receiving = [first, second]
        let injector = FaultInjector(plan)
        let payload: [UInt8] = [1]
        let copies = (0..<4).map { _ in
            injector.judge(
                .receive, RawSpan(payload.span), from: Self.source, to: Self.destination,
                at: MonotonicInstant(nanoseconds: 0)
            ).copies.count
        }
        #expect(copies == [0, 2, 0, 2])
    }

    @Test("what is sent does not change what is received")
    func independence() {
        let plan = FaultPlan(seed: 9, receiving: .loss(0.5), sending: .loss(0.5))
        func run(sends: Int) -> [Bool] {
            let injector = FaultInjector(plan)
            return (0..<100).map { _ in
                let payload: [UInt8] = [1]
                let time = MonotonicInstant(nanoseconds: 0)
                for _ in 0..<sends {
                    _ = injector.judge(
                        .send, RawSpan(payload.span), from: Self.destination, to: Self.source, at: time)
                }
                return injector.judge(
                    .receive, RawSpan(payload.span), from: Self.source, to: Self.destination, at: time
                ).copies.isEmpty
            }
        }
        #expect(run(sends: 0) == run(sends: 3))
    }

    @Test("events read well")
    func description() throws {
        var faults = Faults()
        faults.truncation = 1
        let injector = verdicts(faults, 1).injector
        let event = try #require(injector.events.first)
        #expect(
            "\(event)" == "fault 1: truncation to \(event.value) bytes, receive 192.0.2.1:5000 > 192.0.2.2:53, 8 bytes")
    }
}
