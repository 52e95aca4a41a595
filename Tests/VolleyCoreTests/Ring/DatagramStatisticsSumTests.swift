import SystemPackage
import Testing

@testable import VolleyCore

@Suite struct DatagramStatisticsSumTests {
    @Test("every counter is added")
    func complete() {
        let places: [Any] = [DatagramStatistics(), DatagramStatistics().batches]
        let plain = places.flatMap { Mirror(reflecting: $0).children }.count { $0.value is UInt64 }
        #expect(plain > 0)
        #expect(Set(DatagramStatistics.counters).count == plain, "a counter is missing in DatagramStatistics.counters")
        var (left, right) = (DatagramStatistics(), DatagramStatistics())
        for (index, counter) in DatagramStatistics.counters.enumerated() {
            left[keyPath: counter] = UInt64(index)
            right[keyPath: counter] = 1000 * UInt64(index)
        }
        let sum = left + right
        for (index, counter) in DatagramStatistics.counters.enumerated() {
            #expect(sum[keyPath: counter] == 1001 * UInt64(index))
        }
    }

    @Test("errors and batch sizes are added class by class")
    func structured() {
        var (left, right) = (DatagramStatistics(), DatagramStatistics())
        left.errors = [.connectionRefused: 1, .messageTooLong: 2]
        right.errors = [.connectionRefused: 10, .noBufferSpace: 3]
        left.countBatch(of: 1, bytes: 10)
        left.countBatch(of: 64, bytes: 640)
        right.countBatch(of: 1, bytes: 10)
        right.countBatch(of: 3, bytes: 30)
        let sum = left + right
        #expect(sum.errors == [.connectionRefused: 11, .messageTooLong: 2, .noBufferSpace: 3])
        #expect(sum.receiveBatchSizes == [2, 1, 0, 0, 0, 0, 1])
        #expect(sum.received == 69)
        #expect(sum.bytesReceived == 690)
        #expect(sum.receiveBatches == 4)
        #expect(left + DatagramStatistics() == left)
    }
}
