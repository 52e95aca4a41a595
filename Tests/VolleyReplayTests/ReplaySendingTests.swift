import Testing
import VolleyCapture
import VolleyReplay

/// What a send meets in a replay: what the kernel's UDP would say.
@Suite struct ReplaySendingTests {
    private static func errors(
        as role: ReplayRole = .server(TestCapture.server), _ send: @escaping (any DatagramTransport) -> Void
    ) throws -> (log: [String], report: ReplayReport) {
        let capture = TestCapture()
        try capture.add("a")
        let probe = Probe()
        probe.onText = { probe, _ in probe.transport.map(send) }
        let report = try Replay(bytes: capture.bytes, as: role).run { probe }
        return (probe.log.filter { $0.hasPrefix("error") }, report)
    }

    @Test(arguments: [
        ("198.51.100.7:1", 65_507, []),
        ("198.51.100.7:1", 65_508, ["error 90@0"]),
        ("[2001:db8::7]:1", 1, ["error 97@0"]),
        ("198.51.100.7:0", 1, ["error 22@0"]),
    ])
    func aSendTheKernelWouldRefuseIsReported(_ to: String, _ count: Int, _ errors: [String]) throws {
        let payload = [UInt8](repeating: 1, count: count)
        let (log, report) = try Self.errors { $0.send(payload, to: address(to)) }
        #expect(log == errors)
        #expect(report.statistics.failedDropped == UInt64(errors.count))
        #expect(report.statistics.sent == UInt64(1 - errors.count))
    }

    @Test func aRefusedSendCostsNoOther() throws {
        let (log, report) = try Self.errors { transport in
            transport.send([1], to: address("198.51.100.7:1"))
            transport.send([1], to: address("198.51.100.7:0"))
            transport.send([2], to: address("198.51.100.7:2"))
        }
        #expect(log == ["error 22@0"])
        #expect(report.statistics.sent == 2)
        #expect(report.replies?.extra == 2)
    }

    @Test func aSendWithoutDestinationIsRefused() throws {
        let (log, report) = try Self.errors { $0.send([1]) }
        #expect(log == ["error 89@0"])
        #expect(report.statistics.refusedDropped == 1)
    }

    @Test func sendsOutsideOfABatchLeaveAtTheirInstant() throws {
        let capture = TestCapture()
        try capture.add("a", at: 0)
        try capture.add("b", at: 100)
        var options = ReplayOptions()
        options.keepsSent = true
        let probe = Probe()
        probe.onMade = { probe in
            probe.transport?.eventLoop.callLater(.nanoseconds(40)) {
                probe.transport?.send([7], to: TestCapture.client)
            }
        }
        let report = try Replay(bytes: capture.bytes, as: .server(port: 53), options: options).run { probe }
        #expect(report.sent.map(\.time.nanoseconds) == [40])
        #expect(report.sent.map(\.wallClock.nanosecondsSinceEpoch) == [TestCapture.origin + 40])
        #expect(report.sent.map(\.payload) == [[7]])
    }
}
