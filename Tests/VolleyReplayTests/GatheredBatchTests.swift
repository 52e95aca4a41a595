import Testing
import VolleyCapture
import VolleyReplay

/// A replay gathers the batches of several instants before it delivers the first: nobody must be able to tell.
@Suite struct GatheredBatchTests {
    /// With a tap each batch is delivered before the next one is gathered.
    private final class NoTap: DatagramTap {
        func received(_: RawSpan, from: SocketAddress, to: SocketAddress, at: WallClockTime) {}
        func sent(_: RawSpan, from: SocketAddress, to: SocketAddress, at: WallClockTime) {}
    }

    /// Does by the seed and by what it gets all that can make a difference to what comes next.
    private final class Restless: DatagramProtocol {
        var log: [String] = []
        var random: TestGenerator
        let closesAfter: Int
        private var transport: (any DatagramTransport)!
        private var count = 0

        init(seed: UInt64) {
            random = TestGenerator(state: seed)
            closesAfter = seed % 3 == 0 ? Int(random.next() % 400) : .max
        }

        func note(_ text: String) {
            let (now, statistics) = (transport.eventLoop.now.nanoseconds, transport.statistics)
            log.append("\(text)@\(now) \(statistics.received)/\(statistics.receiveBatches)/\(statistics.sent)")
        }

        func connectionMade(_ transport: any DatagramTransport) { self.transport = transport }

        func datagramReceived(_ datagram: Datagram) {
            let payload = Array(copying: datagram.payload)
            let local = String(describing: datagram.localAddress)
            note("\(payload.count) \(payload.first ?? 0) \(datagram.source) \(local)")
            count += 1
            if count == closesAfter { return transport.close() }
            let loop = transport.eventLoop
            switch random.next() % 24 {
            case 0, 1: datagram.reply(datagram.payload)
            case 2: transport.send(payload, to: TestCapture.client)
            case 3: loop.callSoon { [self] in note("soon") }
            case 4, 5:
                let delay = Int64(random.next() % 12)
                loop.callLater(.nanoseconds(delay)) { [self] in
                    note("timer")
                    transport.send(payload, to: TestCapture.client)
                }
            case 6:
                transport.pauseReading()
                let delay = Int64(random.next() % 20)
                let resume = { [self] in
                    note("resume")
                    transport.resumeReading()
                }
                if delay == 0 { loop.callSoon(resume) } else { loop.callLater(.nanoseconds(delay), resume) }
            case 7:
                transport.pauseReading()
                transport.resumeReading()
            default: break
            }
        }

        func errorReceived(_ error: DatagramError) { note("error \(error.errno)") }
        func connectionLost(_ error: DatagramError?) { note("lost") }
    }

    private struct TestGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }

    private static func capture(_ seed: UInt64) throws -> TestCapture {
        let capture = TestCapture(seed % 2 == 0 ? .pcapNanoseconds : .pcapng)
        var random = TestGenerator(state: seed &+ 77)
        var time: Int64 = 0
        let other = address("192.0.2.9:53")
        for index in 0..<500 {
            // Often the same instant, sometimes a few nanoseconds, seldom backwards.
            let step = random.next() % 8
            time += step < 4 ? 0 : step < 7 ? Int64(step - 3) : index > 5 ? -1 : 0
            let text = "\(index)" + String(repeating: "x", count: index % 40)
            switch random.next() % 20 {
            case 0: try capture.answer(text, at: time)
            case 1: try capture.add(text, at: time, to: other)
            case 2: try capture.add(text, at: time, to: address("224.0.0.251:53"))
            case 3: try capture.add(text, at: time, to: address("192.0.2.1:54"))
            case 4: try capture.add(text, at: time, from: address("[2001:db8::7]:9"), to: address("[2001:db8::1]:53"))
            case 5: try capture.addError(3, 3, about: TestCapture.server, to: TestCapture.client, at: time)
            case 6: try capture.addFragments(text + "0123456789", split: 8, at: (time, time))
            default: try capture.add(text, at: time)
            }
        }
        return capture
    }

    private static func run(
        _ bytes: [UInt8], _ role: ReplayRole, _ options: ReplayOptions, seed: UInt64
    ) throws -> (log: [String], sent: [String], report: ReplayReport) {
        let probe = Restless(seed: seed)
        let report = try Replay(bytes: bytes, as: role, options: options).run { probe }
        #expect(report.isBalanced)
        return (probe.log, report.sent.map { "\($0)" }, report)
    }

    /// Where two runs part, with what came before.
    private static func difference(_ left: [String], _ right: [String]) -> String? {
        guard left != right else { return nil }
        let index = zip(left, right).prefix { $0 == $1 }.count
        let range = max(0, index - 3)..<index + 1
        return "\(index): \(left.indices.clamped(to: range).map { left[$0] }) and "
            + "\(right.indices.clamped(to: range).map { right[$0] })"
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func nobodyCanTell(_ seed: UInt64) throws {
        let bytes = try Self.capture(seed).bytes
        let role: ReplayRole =
            switch seed % 4 {
            case 0, 1: .server(port: 53)
            case 2: .server(TestCapture.server)
            default: .client(TestCapture.server, connectedTo: TestCapture.client)
            }
        var options = ReplayOptions()
        options.keepsSent = true
        options.batchSize = [64, 3, 1][Int(seed / 4 % 3)]
        options.errorOrder = seed % 5 < 2 ? .capture : .kernel
        if seed % 7 == 0 { options.datagramsMax = 150 }
        let ahead = try Self.run(bytes, role, options, seed: seed)
        options.tap = NoTap()
        let inTurn = try Self.run(bytes, role, options, seed: seed)
        #expect(Self.difference(ahead.log, inTurn.log) == nil)
        #expect(Self.difference(ahead.sent, inTurn.sent) == nil)
        #expect(ahead.report.statistics == inTurn.report.statistics)
        #expect(ahead.report.datagrams == inTurn.report.datagrams)
        #expect(ahead.report.errors == inTurn.report.errors)
        #expect(ahead.report.duration == inTurn.report.duration)
        #expect(ahead.report.replies == inTurn.report.replies)
        #expect(!ahead.log.isEmpty)
    }
}
