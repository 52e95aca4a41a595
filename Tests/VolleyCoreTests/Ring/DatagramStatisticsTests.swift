import Testing

@testable import VolleyCore

@Suite("Statistics")
struct DatagramStatisticsTests {
    @Test(
        "batches are counted by the power of two they reach",
        arguments: [
            (1, 0), (2, 1), (3, 1), (4, 2), (7, 2), (8, 3), (15, 3), (16, 4), (31, 4), (32, 5), (63, 5), (64, 6),
            (65, 6),
            (1_024, 6), (.max, 6),
        ])
    func histogram(count: Int, sizeClass: Int) {
        var statistics = DatagramStatistics()
        statistics.countBatch(of: count, bytes: 3)
        var expected = [UInt64](repeating: 0, count: 7)
        expected[sizeClass] = 1
        #expect(statistics.receiveBatchSizes == expected)
        #expect(statistics.received == UInt64(count))
        #expect(statistics.receiveBatches == 1)
        #expect(statistics.bytesReceived == 3)
    }

    @Test("dropped sends are the sum of their reasons")
    func drops() {
        var statistics = DatagramStatistics()
        statistics.overflowDropped = 1
        statistics.failedDropped = 10
        statistics.closedDropped = 100
        statistics.abortedDropped = 1_000
        statistics.refusedDropped = 10_000
        #expect(statistics.sendsDropped == 11_111)
    }

    @Test("a snapshot does not change with what it was taken of")
    func snapshot() {
        var statistics = DatagramStatistics()
        statistics.countBatch(of: 1, bytes: 1)
        let snapshot = statistics
        statistics.countBatch(of: 1, bytes: 1)
        #expect(snapshot.received == 1)
        #expect(snapshot.receiveBatchSizes[0] == 1)
        #expect(snapshot != statistics)
    }
}
