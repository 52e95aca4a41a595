import Testing
import VolleyCore

@testable import VolleyCapture
@testable import VolleyReplay

@Suite("A simulation is the same each time")
struct SimulationDeterminismTests {
    /// A run in which everything random takes part.
    private func run(_ seed: UInt64) -> Simulation.Run {
        Simulation.replay(seed: seed) { simulation in
            var options = LinkOptions(latency: .milliseconds(5))
            options.jitter = .normal(mean: .milliseconds(2), deviation: .milliseconds(1))
            options.bandwidth = 1_000_000
            options.queuePackets = 20
            options.mtu = 600
            var faults = Faults.loss(0.05)
            faults.burstLoss = BurstLoss(p: 0.02, r: 0.3)
            faults.duplication = 0.05
            faults.corruption = 0.05
            faults.truncation = 0.02
            faults.reordering = Faults.Reordering(0.1, by: .exponential(mean: .milliseconds(5)))
            faults.icmp = [Faults.ICMPFault(type: 3, code: 1, 0.02)]
            options.faults = faults
            simulation.defaultLink = options
            let server = try simulation.addHost("server") { try $0.bind(port: 7) { EchoService() } }
            for number in 0..<4 {
                let client = try simulation.addHost("client\(number)")
                let port = UInt16(number == 3 ? 8 : 7)
                let remote = number == 2 ? server.address6(port) : server.address(port)
                try client.connect(to: remote) { RetryingClient(requests: 50) }
            }
            let talker = try simulation.addHost("talker").connect(to: server.address(7)) { ArrivalRecorder() }
            var generator = simulation.generator()
            for _ in 0..<20 {
                talker.transport.send([UInt8](repeating: 1, count: Int(generator.below(2_000))))
                simulation.run(for: .milliseconds(100))
            }
            server.restart(after: .seconds(1))
            simulation.run(for: .seconds(10))
        }
    }

    private func digest(_ bytes: [UInt8]) -> String {
        var digest = SHA256()
        digest.update(RawSpan(bytes.span))
        return digest.hexDigest
    }

    @Test("two runs of one seed have the same trace and the same capture, byte for byte")
    func sameSeed() throws {
        let (one, other) = (run(1), run(1))
        #expect(one.reasons.isEmpty)
        #expect(one.trace == other.trace)
        #expect(one.capture == other.capture)
        #expect(one.digest == other.digest)
        #expect(one.trace.split(separator: "\n").count > 1_000)
        let different = run(2)
        #expect(different.trace != one.trace && different.capture != one.capture && different.digest != one.digest)
    }

    /// Any process, on any machine, comes to these; if a change to the simulation is to change runs, so do they.
    @Test("every process comes to the same bytes")
    func sameBytesEverywhere() {
        let run = run(20_250_101)
        #expect(digest(Array(run.trace.utf8)) == "689505f61794d433d0e7cb2b326499eb2875afa6083df890874c294f450ef5c4")
        #expect(digest(run.capture) == "a7d0545406ae3d4c02be5de6595890f7264f458bcbca3a2d56516970dcff0b96")
        #expect(run.digest == 9_441_182_748_025_096_764)
    }

    private func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum = InternetChecksum()
        sum.add(RawSpan(bytes.span))
        return sum.value
    }

    @Test("the capture is readable, and every ICMP error in it has right checksums")
    func capture() throws {
        var reader = try CaptureReader(bytes: run(3).capture)
        var accounting = RecordAccounting()
        var (comments, errors) = (0, 0)
        while let record = try reader.next() {
            let frame = record.decode()
            accounting.count(frame.recordClass, reason: frame.reason)
            if record.comment != nil { comments += 1 }
            let bytes = Array(copying: record.bytes)
            guard bytes.count > 28, bytes[0] == 0x45, bytes[9] == 1 else { continue }
            #expect(checksum(Array(bytes.prefix(20))) == 0)
            #expect(checksum(Array(bytes.dropFirst(20))) == 0)
            errors += 1
        }
        #expect(comments > 50)
        #expect(errors > 10)
        #expect(accounting[.delivered] > 500)
        #expect(accounting[.malformed] == 0)
    }

    @Test("a capture of one link holds what came out of it, and nothing else")
    func captureOfOneLink() throws {
        let pair = try LinkTests.Pair(LinkOptions(latency: .milliseconds(1), loss: 0.3))
        let writer = CaptureWriter(inMemory: .pcapng)
        pair.simulation.record([pair.link], to: writer)
        try pair.simulation.hosts[1].bind(to: pair.other.address(9_001)) { EchoService() }
        try pair.one.connect(to: pair.other.address(9_001)) { RetryingClient(requests: 10) }
        for count in 1...50 { pair.send(count) }
        pair.simulation.run(for: .seconds(10))
        try writer.close()
        #expect(pair.simulation.recordingFailure == nil)
        #expect(writer.packetCount == pair.link.statistics.delivered)
        let recorder = PayloadRecorder()
        let report = try Replay(bytes: writer.bytes, as: .server(pair.other.address(9_000))).run { recorder }
        #expect(report.datagrams.received == pair.receiver.counts.count)
        #expect(recorder.payloads == pair.receiver.payloads)
    }

    @Test("the trace says what happened, one line each")
    func trace() throws {
        let pair = try LinkTests.Pair(LinkOptions(latency: .milliseconds(1)))
        pair.send(10)
        pair.simulation.run(for: .seconds(1))
        pair.simulation.note("done")
        #expect(
            pair.simulation.traceText == """
                0.000000000 host one: added
                0.000000000 host other: added
                0.000000000 opened other 10.0.0.2:9000
                0.000000000 opened one 10.0.0.1:32768 > 10.0.0.2:9000
                0.000000000 sent one>other 10.0.0.1:32768 > 10.0.0.2:9000 10 bytes
                0.001000000 delivered other 10.0.0.1:32768 > 10.0.0.2:9000 10 bytes
                1.000000000 note: done

                """)
    }
}
