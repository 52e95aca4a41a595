import Testing

@testable import VolleyCapture

@Suite struct TrafficRatesTests {
    static func rates(_ times: [Int64], bytes: Int = 10) -> TrafficRates {
        var rates = TrafficRates()
        for time in times { rates.add(bytes, at: time) }
        return rates
    }

    static func datagrams(_ chart: TrafficRates.Chart) -> [Int] { chart.columns.map(\.datagrams) }

    @Test func nothingHasNoColumns() {
        #expect(TrafficRates().chart(columnsMax: 60).columns.isEmpty)
        #expect(TrafficRates().peak(over: 1_000).most == TrafficCount())
    }

    @Test func columnsAreAsNarrowAsFits() {
        let chart = Self.rates((0..<100).map { $0 * 10_000_000 }).chart(columnsMax: 60)
        // 0 to 990 ms: 50 columns of 20 ms, for 100 of 10 ms are too many.
        #expect(chart.columnNanoseconds == 20_000_000)
        #expect(Self.datagrams(chart) == [Int](repeating: 2, count: 50))
        #expect(chart.columns.allSatisfy { $0.payloadBytes == 20 })
    }

    @Test func theOrderOfTimesDoesNotMatter() {
        let times = (0..<500).map { Int64($0) * 7_000_001 }
        let (forward, backward) = (Self.rates(times), Self.rates(times.reversed()))
        var random = SplitMix64(seed: 9)
        let shuffled = Self.rates(times.shuffled(using: &random))
        for columns in [1, 7, 60, 400] {
            let expected = forward.chart(columnsMax: columns)
            #expect(expected.columns.count <= columns)
            #expect(expected.columns == backward.chart(columnsMax: columns).columns)
            #expect(expected.columns == shuffled.chart(columnsMax: columns).columns)
        }
    }

    @Test(
        arguments: [
            [0], [.min, .max], [.max, .min], [.min], [.max], [0, 1], [-1, 0], [.min, 0, .max, -5, 5],
            [1_000, .max, 2_000],
        ] as [[Int64]])
    func everyTimeHasItsPlace(times: [Int64]) {
        let rates = Self.rates(times)
        for columns in [1, 2, 60, 400, 0, 1_000_000] {
            let chart = rates.chart(columnsMax: columns)
            #expect(Self.datagrams(chart).reduce(0, +) == times.count)
            #expect(chart.columnNanoseconds > 0)
            #expect(rates.timeSpan == (times.min() ?? 0)...(times.max() ?? 0))
        }
        #expect(rates.peak(over: 1).windowNanoseconds >= 1)
        #expect(rates.peak(over: .max).most.datagrams >= 1)
    }

    /// Against counting by hand: random times over random lengths.
    @Test func columnsAreWhatCountingByHandGives() {
        var random = SplitMix64(seed: 4)
        for _ in 0..<200 {
            let length = Int64(1) << Int64(random.next(below: 60))
            let base = Int64.random(in: -1_000_000_000...2_000_000_000_000_000_000, using: &random)
            let times = (0..<50).map { _ in base + Int64.random(in: 0..<length, using: &random) }
            let rates = Self.rates(times)
            let chart = rates.chart(columnsMax: 72)
            let (earliest, latest) = (times.min() ?? 0, times.max() ?? 0)
            func floor(_ time: Int64, _ width: Int64) -> Int64 {
                time >= 0 ? time / width : -((width - 1 - time) / width)
            }
            var width: Int64 = 1
            while floor(latest, width) - floor(earliest, width) >= 4_096 { width *= 10 }
            var expected = [Int](repeating: 0, count: chart.columns.count)
            for time in times {
                let bin = floor(time, width) - floor(earliest, width)
                expected[Int(bin / (chart.columnNanoseconds / width))] += 1
            }
            #expect(Self.datagrams(chart) == expected)
        }
    }

    @Test func thePeakIsThatOfTheBusiestWindow() {
        let quiet = (0..<10).map { $0 * 1_000_000_000 }
        let burst = (0..<30).map { 3_000_000_000 + $0 * 1_000_000 }
        let (window, most) = Self.rates((quiet + burst).map { Int64($0) }).peak(over: 1_000_000_000)
        #expect(window == 1_000_000_000)
        #expect(most == TrafficCount(datagrams: 31, payloadBytes: 310))
    }

    @Test func sizesAreCountedInTheRangesOfRFC2544() {
        var sizes = PacketSizes()
        for length in [.min, 0, 63, 64, 127, 128, 255, 256, 511, 512, 1_023, 1_024, 1_279, 1_280, 1_518, 1_519, 9_000] {
            sizes.add(length)
        }
        for length in [9_001, .max] { sizes.add(length) }
        #expect(sizes.ranges.map(\.from) == [0, 64, 128, 256, 512, 1_024, 1_280, 1_519, 9_001])
        #expect(sizes.ranges.map(\.to) == [63, 127, 255, 511, 1_023, 1_279, 1_518, 9_000, nil])
        #expect(sizes.ranges.map(\.records) == [3, 2, 2, 2, 2, 2, 2, 2, 2])
    }
}
