import Testing
import VolleyCapture

@testable import VolleyReplay

/// pause, resume, close and abort inside a batch, and what the virtual kernel does meanwhile.
@Suite struct ReplayFlowControlTests {
    private static func capture(_ times: [Int64]) throws -> [UInt8] {
        let capture = TestCapture()
        for (index, time) in times.enumerated() { try capture.add("\(index)", at: time) }
        return capture.bytes
    }

    private static func replay(
        _ times: [Int64], receiveBufferSize: Int = 212_992, _ probe: Probe
    ) throws -> ReplayReport {
        var options = ReplayOptions()
        options.receiveBufferSize = receiveBufferSize
        let report = try Replay(bytes: capture(times), as: .server(port: 53), options: options).run { probe }
        #expect(report.isBalanced)
        return report
    }

    @Test func aPauseInsideABatchKeepsTheRestUntilItIsResumed() throws {
        let probe = Probe()
        probe.onText = { probe, text in
            guard text == "1" else { return }
            probe.transport?.pauseReading()
            probe.transport?.eventLoop.callLater(.nanoseconds(50)) { probe.transport?.resumeReading() }
        }
        let report = try Self.replay([0, 0, 0, 0, 100], probe)
        #expect(probe.log == ["made@0", "0@0", "1@0", "2@50", "3@50", "4@100", "lost@100"])
        #expect(report.statistics.received == 5)
    }

    @Test func whatComesWhilePausedWaitsInOrderBehindTheRestOfTheBatch() throws {
        let probe = Probe()
        probe.onText = { probe, text in
            guard text == "0" else { return }
            probe.transport?.pauseReading()
            probe.transport?.eventLoop.callLater(.nanoseconds(50)) { probe.transport?.resumeReading() }
        }
        try _ = Self.replay([0, 0, 10, 20, 60], probe)
        #expect(probe.log == ["made@0", "0@0", "1@50", "2@50", "3@50", "4@60", "lost@60"])
    }

    @Test func keptDatagramsSurviveTheReadersBuffer() throws {
        // The rest of a batch waits while the reader goes through several buffers' worth of other records.
        let capture = TestCapture()
        for index in 0..<4 { try capture.add("\(index)") }
        let filler = String(repeating: "x", count: 10_000)
        for index in 0..<100 { try capture.add(filler, at: Int64(index), to: address("192.0.2.1:9999")) }
        try capture.add("4", at: 100)
        let probe = Probe()
        probe.onText = { probe, text in
            guard text == "0" else { return }
            probe.transport?.pauseReading()
            probe.transport?.eventLoop.callLater(.nanoseconds(100)) { probe.transport?.resumeReading() }
        }
        _ = try withFile(of: capture.bytes) { path in
            try Replay(capture: path, as: .server(port: 53)).run { probe }
        }
        // The timer is due when 4 arrives, which is for the kernel to keep: it comes last.
        #expect(probe.log == ["made@0", "0@0", "1@100", "2@100", "3@100", "4@100", "lost@100"])
    }

    @Test func aFullReceiveBufferDropsAndCounts() throws {
        let probe = Probe()
        probe.onMade = { probe in
            probe.transport?.pauseReading()
            probe.transport?.eventLoop.callLater(.nanoseconds(50)) { probe.transport?.resumeReading() }
        }
        let cost = ReplayOptions.receiveBufferOverhead + 1
        let report = try Self.replay([0, 1, 2, 3, 60], receiveBufferSize: 2 * cost, probe)
        #expect(probe.log == ["made@0", "0@50", "1@50", "4@60", "lost@60"])
        #expect(report.statistics.kernelDrops == 2)
        #expect(report.datagrams.kernelDropped == 2)
    }

    @Test func whatIsNeverReadIsCounted() throws {
        let probe = Probe()
        probe.onMade = { $0.transport?.pauseReading() }
        let report = try Self.replay([0, 1, 2], probe)
        #expect(probe.log == ["made@0", "lost@2"])
        #expect(report.datagrams.neverRead == 3)
        #expect(report.datagrams.received == 0)
    }

    @Test func pausedAndResumedInOneCallbackLosesNothing() throws {
        let probe = Probe()
        probe.onText = { probe, text in
            guard text == "1" else { return }
            probe.transport?.pauseReading()
            probe.transport?.resumeReading()
        }
        try _ = Self.replay([0, 0, 0, 5], probe)
        #expect(probe.log == ["made@0", "0@0", "1@0", "2@0", "3@5", "lost@5"])
    }

    @Test(arguments: [true, false])
    func closingInsideABatchDropsTheRestAndCountsIt(_ aborts: Bool) throws {
        let probe = Probe()
        probe.answers = true
        probe.onText = { probe, text in
            guard text == "1" else { return }
            if aborts { probe.transport?.abort() } else { probe.transport?.close() }
        }
        let report = try Self.replay([0, 0, 0, 7], probe)
        #expect(probe.log == ["made@0", "0@0", "1@0", "lost@0"])
        #expect(report.statistics.undelivered == 1)
        #expect(report.datagrams.received == 3)
        #expect(report.datagrams.afterClose == 1)
        #expect(report.statistics.sent == (aborts ? 0 : 2))
        #expect(report.statistics.abortedDropped == (aborts ? 2 : 0))
    }

    @Test func closingWhenMadeDeliversNothing() throws {
        let probe = Probe()
        probe.onMade = { $0.transport?.close() }
        let report = try Self.replay([0, 5], probe)
        #expect(probe.log == ["made@0", "lost@0"])
        #expect(report.datagrams.afterClose == 2)
    }

    @Test func whatIsSentWhenItIsLostIsDroppedAndCounted() throws {
        final class Late: DatagramProtocol {
            var transport: (any DatagramTransport)?
            func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }
            func connectionLost(_ error: DatagramError?) { transport?.send([1], to: TestCapture.client) }
        }
        let report = try Replay(bytes: Self.capture([0]), as: .server(port: 53)).run { Late() }
        #expect(report.statistics.closedDropped == 1)
        #expect(report.statistics.sent == 0)
    }

    @Test func nothingOfARunIsKeptAlive() throws {
        weak var probe: Probe?
        weak var loop: VirtualEventLoop?
        func run() throws {
            let strong = Probe()
            probe = strong
            strong.onMade = { probe in
                loop = probe.transport?.eventLoop as? VirtualEventLoop
                func tick() { probe.transport?.eventLoop.callLater(.seconds(1), tick) }
                tick()
            }
            try _ = Self.replay([0, 5], strong)
            strong.transport = nil
        }
        try run()
        #expect(probe == nil)
        #expect(loop == nil)
    }
}
