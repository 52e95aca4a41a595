import Testing
import VolleyReplay

/// What a real host would do to an endpoint: be busy, run out of buffers, refuse what is too large.
@Suite struct ReplayModelTests {
    private static func capture(_ times: [Int64]) throws -> TestCapture {
        let capture = TestCapture()
        for (index, time) in times.enumerated() { try capture.add("\(index)", at: time) }
        return capture
    }

    private static func run(
        _ times: [Int64], _ change: (inout ReplayOptions) -> Void
    ) throws -> (probe: BatchProbe, report: ReplayReport) {
        var options = ReplayOptions()
        change(&options)
        let probe = BatchProbe()
        let report = try Replay(bytes: try capture(times).bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.isBalanced)
        return (probe, report)
    }

    @Test func batchesAreAsLargeAsAllowed() throws {
        let (probe, _) = try Self.run(Array(repeating: 0, count: 5)) { $0.batchSize = 2 }
        #expect(probe.batches.map(\.count) == [2, 2, 1])
        let many = try Self.run(Array(repeating: 0, count: 200)) { $0.batchSize = 100_000 }
        #expect(many.probe.batches.map(\.count) == [200])
    }

    @Test func whatArrivesWhileTheEndpointIsBusyIsTheNextBatch() throws {
        let (probe, report) = try Self.run([0, 10, 20, 30, 150, 400]) { $0.turnDuration = .nanoseconds(100) }
        #expect(probe.batches == [["0"], ["1", "2", "3"], ["4"], ["5"]])
        #expect(probe.times == [0, 100, 200, 400])
        #expect(report.datagrams.received == 6)
    }

    @Test func whatIsWaitingAtTheEndIsDelivered() throws {
        let (probe, report) = try Self.run([0, 10, 20, 30]) {
            $0.turnDuration = .nanoseconds(100)
            $0.batchSize = 2
        }
        #expect(probe.batches == [["0"], ["1", "2"], ["3"]])
        #expect(probe.times == [0, 100, 200])
        #expect(report.datagrams.neverRead == 0)
    }

    @Test func aBusyEndpointLosesWhatFindsNoRoom() throws {
        let (probe, report) = try Self.run([0, 1, 2, 3, 4, 200]) {
            $0.turnDuration = .nanoseconds(100)
            $0.receiveBufferSize = 2 * (ReplayOptions.receiveBufferOverhead + 1)
        }
        #expect(probe.batches == [["0"], ["1", "2"], ["5"]])
        #expect(report.datagrams.kernelDropped == 2)
        #expect(report.statistics.kernelDrops == 2)
    }

    @Test func longGapsAreCutAndCounted() throws {
        let second: Int64 = 1_000_000_000
        let (probe, report) = try Self.run([0, second, 50 * 365 * 86_400 * second, 50 * 365 * 86_400 * second + 5]) {
            $0.maxGap = .seconds(2)
        }
        #expect(probe.times == [0, second, 3 * second, 3 * second + 5])
        #expect(report.gapsClamped == 1)
        #expect(report.duration == .nanoseconds(3 * second + 5))
    }

    @Test func tenDaysAreExactOnTheVirtualClock() throws {
        let day: Int64 = 86_400_000_000_000
        let probe = Probe()
        var count: Int64 = 0
        var isExact = true
        func tick(_ loop: any EventLoop) {
            loop.callAt(MonotonicInstant(nanoseconds: (count + 1) * 10_000_000_007)) {
                count += 1
                isExact = isExact && loop.now.nanoseconds == count * 10_000_000_007
                if count < 90_000 { tick(loop) }
            }
        }
        probe.onMade = { probe in probe.transport.map { tick($0.eventLoop) } }
        let report = try Replay(bytes: try Self.capture([0, 10 * day]).bytes, as: .server(port: 53)).run { probe }
        #expect(isExact)
        #expect(count == 86_399)
        #expect(report.duration == .nanoseconds(10 * day))
    }

    @Test func whatIsLargerThanTheMTUFailsWithIt() throws {
        let capture = TestCapture()
        try capture.add(String(repeating: "x", count: 100))
        try capture.add(String(repeating: "x", count: 101))
        var options = ReplayOptions()
        options.mtu = 128
        let probe = EchoProbe()
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.statistics.sent == 1)
        #expect(probe.errors.map(\.mtu) == [128])
        #expect(probe.errors.first?.peer == TestCapture.client)
    }

    @Test func aSlowLinkMakesWritingPauseAndResume() throws {
        let capture = TestCapture()
        for index in 0..<20 { try capture.add(String(repeating: "x", count: 972), at: Int64(index)) }
        var options = ReplayOptions()
        // A packet of 1,000 bytes takes a millisecond; one waits in the buffer.
        options.sendRate = 1_000_000
        options.sendBufferSize = 2_000
        options.writeBufferLimits = try WriteBufferLimits(low: 1_000, high: 3_000)
        options.keepsSent = true
        let probe = EchoProbe()
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.statistics.sent == 20)
        #expect(report.statistics.sendBlocked > 0)
        #expect(probe.calls == ["pause", "resume"])
        #expect(report.sent.count == 20)
        // The last one was taken when no more than the buffer was left to go before it.
        #expect(report.sent.last?.time.nanoseconds ?? 0 >= 17_000_000)
        #expect(report.sent.map(\.time) == report.sent.map(\.time).sorted())
    }

    @Test func withoutALimitOfTheLinkNothingBlocks() throws {
        let capture = try Self.capture(Array(repeating: 0, count: 100))
        let probe = EchoProbe()
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53)).run { probe }
        #expect(report.statistics.sent == 100 && report.statistics.sendBlocked == 0 && probe.calls.isEmpty)
    }

    private final class EchoProbe: DatagramProtocol {
        var errors: [DatagramError] = []
        var calls: [String] = []
        func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
        func errorReceived(_ error: DatagramError) { errors.append(error) }
        func pauseWriting() { calls.append("pause") }
        func resumeWriting() { calls.append("resume") }
    }
}

/// Every endpoint that was sent something gets a protocol of its own.
@Suite struct ReplayEveryServerTests {
    private static let other = address("192.0.2.2:99")

    @Test func eachServerHasAProtocolThatBeginsWithItsFirstDatagram() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("x", at: 10, to: Self.other)
        try capture.answer("re:a", at: 20)
        try capture.add("re:x", at: 30, from: Self.other, to: TestCapture.client)
        try capture.add("b", at: 40)
        var probes: [Probe] = []
        let report = try Replay(bytes: capture.bytes, as: .everyServer).run {
            let probe = Probe()
            probe.answers = true
            probes.append(probe)
            return probe
        }
        #expect(report.isBalanced)
        #expect(probes.map(\.log) == [["made@0", "a@0", "b@40", "lost@40"], ["made@10", "x@10", "lost@40"]])
        #expect(report.endpoints.map(\.role.local) == [TestCapture.server, Self.other])
        #expect(report.endpoints.map(\.statistics.received) == [2, 1])
        #expect(report.datagrams.captured == 2)
        #expect(report.replies?.identical == 2)
        #expect(report.replies?.extra == 1)
    }

    @Test func aServerMayBeAClientOfAnother() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("q", at: 10, from: TestCapture.server, to: Self.other)
        try capture.add("re:q", at: 20, from: Self.other, to: TestCapture.server)
        try capture.answer("re:a", at: 30)
        let report = try Replay(bytes: capture.bytes, as: .everyServer).run {
            let probe = Probe()
            probe.answers = true
            return probe
        }
        #expect(report.endpoints.map(\.statistics.received) == [1, 1])
        #expect(report.replies?.identical == 2)
        #expect(report.replies?.isIdentical == true)
    }

    @Test func datagramsOfOneInstantAreBatchedForEachServer() throws {
        let capture = TestCapture()
        for text in ["a", "b"] { try capture.add(text) }
        for text in ["x", "y", "z"] { try capture.add(text, to: Self.other) }
        var probes: [BatchProbe] = []
        let report = try Replay(bytes: capture.bytes, as: .everyServer).run {
            probes.append(BatchProbe())
            return probes[probes.count - 1]
        }
        #expect(report.isBalanced)
        #expect(probes.map(\.batches) == [[["a", "b"]], [["x", "y", "z"]]])
    }

    @Test func aCaptureWithoutDatagramsMakesNone() throws {
        let report = try Replay(bytes: TestCapture().bytes, as: .everyServer).run { Probe() }
        #expect(report.endpoints.isEmpty)
        #expect(report.warnings.contains { $0.contains("nothing was delivered") })
    }
}
