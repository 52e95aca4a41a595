import Testing
import VolleyCapture
import VolleyReplay

@Suite struct ReplayBatchTests {
    private static func replay(
        _ times: [Int64], coalescing: Duration = .zero, timerAt: Int64? = nil
    ) throws -> (probe: BatchProbe, report: ReplayReport) {
        let capture = TestCapture()
        for (index, time) in times.enumerated() { try capture.add("\(index)", at: time) }
        var options = ReplayOptions()
        options.coalescing = coalescing
        let probe = TimedBatchProbe(timerAt: timerAt)
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.isBalanced)
        return (probe, report)
    }

    /// Sets one timer, which notes itself as a batch.
    private final class TimedBatchProbe: BatchProbe {
        let timerAt: Int64?
        init(timerAt: Int64?) { self.timerAt = timerAt }

        override func connectionMade(_ transport: any DatagramTransport) {
            super.connectionMade(transport)
            guard let timerAt else { return }
            transport.eventLoop.callAt(MonotonicInstant(nanoseconds: timerAt)) { [self] in note(["timer"]) }
        }
    }

    @Test(
        arguments: [
            ([0, 0, 0], 0, [3]),
            ([0, 0, 1, 2, 2], 0, [2, 1, 2]),
            ([0, 4, 5, 6, 20], 5, [3, 1, 1]),
            // The window opens with the first of a batch: it does not move on with the others.
            ([0, 4, 8, 12], 5, [2, 2]),
        ] as [([Int64], Int64, [Int])])
    func datagramsOfOneTimeOrWindowFormABatch(_ times: [Int64], _ window: Int64, _ sizes: [Int]) throws {
        let (probe, report) = try Self.replay(times, coalescing: .nanoseconds(window))
        #expect(probe.batches.map(\.count) == sizes)
        #expect(probe.batches.flatMap { $0 } == times.indices.map { "\($0)" })
        #expect(report.statistics.receiveBatches == UInt64(sizes.count))
    }

    @Test func aBatchHolds64() throws {
        let (probe, _) = try Self.replay(Array(repeating: 0, count: 130))
        #expect(probe.batches.map(\.count) == [64, 64, 2])
    }

    @Test func aBatchIsDeliveredAtTheTimeOfItsLastDatagram() throws {
        let (probe, _) = try Self.replay([0, 10, 30], coalescing: .nanoseconds(15))
        #expect(probe.times == [10, 30])
    }

    @Test func aTimerThatIsDueInBetweenEndsTheBatch() throws {
        let (probe, _) = try Self.replay([0, 10, 20], coalescing: .nanoseconds(100), timerAt: 15)
        #expect(probe.batches == [["0", "1"], ["timer"], ["2"]])
        #expect(probe.times == [10, 15, 20])
    }

    @Test func backwardsTimesJoinTheBatchTheyFallInto() throws {
        let (probe, report) = try Self.replay([10, 5, 10])
        #expect(probe.batches.map(\.count) == [3])
        #expect(report.timestampsBackwards == 1)
    }

    @Test(arguments: [CaptureFormat.pcapng, .pcapNanoseconds])
    func aBatchThatSpansTheReadersBufferIsWhole(_ format: CaptureFormat) throws {
        // Longer than the reader's buffer, all of one time: it is read over while batches are being gathered.
        let capture = TestCapture(format)
        let filler = String(repeating: "x", count: 5_000)
        let texts = (0..<400).map { "\($0)" + filler }
        for text in texts { try capture.add(text) }
        let probe = BatchProbe()
        _ = try withFile(of: capture.bytes) { path in
            try Replay(capture: path, as: .server(port: 53)).run { probe }
        }
        let isWhole = probe.batches.flatMap { $0 } == texts
        #expect(isWhole)
        #expect(probe.batches.allSatisfy { $0.count <= 64 })
    }

    @Test func aProtocolThatTakesBatchesGetsTheSameDatagramsAsOneThatDoesNot() throws {
        let capture = TestCapture()
        for index in 0..<10 { try capture.add("\(index)", at: Int64(index / 3)) }
        let probe = Probe()
        let batches = BatchProbe()
        try _ = Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        try _ = Replay(bytes: capture.bytes, as: .server(port: 53)).run { batches }
        #expect(batches.batches.flatMap { $0 }.count == probe.log.count - 2)
    }
}
