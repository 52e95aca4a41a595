import Testing
import VolleyCapture
import VolleyCore
import VolleyReplay

@Suite("A capture under faults")
struct FaultedCaptureTests {
    private let server = SocketAddress(IPAddress(v4: 0x0a00_0001), port: 7)
    private let client = SocketAddress(IPAddress(v4: 0x0a00_0002), port: 5_000)

    /// Two hundred questions and their answers, and somebody else's datagrams.
    private func capture() throws -> [UInt8] {
        let writer = CaptureWriter(inMemory: .pcapng)
        for number in 0..<200 {
            let payload = [UInt8(number), 1, 2, 3]
            let time = 1_000_000_000 + Int64(number) * 1_000_000
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1_000)
            try writer.writeDatagram(
                RawSpan(payload.span), from: client, to: SocketAddress(server.ip, port: 9), at: time + 2_000)
        }
        try writer.close()
        return writer.bytes
    }

    private func faulted(_ faults: Faults, seed: UInt64 = 1) throws -> (bytes: [UInt8], injector: FaultInjector) {
        var reader = try CaptureReader(bytes: capture())
        let writer = CaptureWriter(inMemory: .pcapng)
        let injector = FaultInjector(FaultPlan(seed: seed, receiving: faults))
        try FaultedCapture.write(&reader, as: .server(server), injector, to: writer)
        try writer.close()
        return (writer.bytes, injector)
    }

    @Test("without faults a replay finds what it found before")
    func unchanged() throws {
        let report = try Replay(bytes: faulted(Faults()).bytes, as: .server(server)).run { EchoService() }
        #expect(report.datagrams.received == 200)
        #expect(report.datagrams.captured == 200)
        #expect(report.datagrams.elsewhere == 200)
        #expect(report.replies?.isIdentical == true)
    }

    @Test("what is lost is not answered, what is doubled is answered twice, what is damaged differently")
    func faults() throws {
        var faults = Faults.loss(0.1)
        faults.duplication = 0.1
        faults.reordering = Faults.Reordering(0.2, by: .constant(.milliseconds(10)))
        let (bytes, injector) = try faulted(faults)
        let (lost, doubled) = (injector.count(of: .loss), injector.count(of: .duplication))
        #expect(lost > 5 && doubled > 5)
        let report = try Replay(bytes: bytes, as: .server(server)).run { EchoService() }
        #expect(report.datagrams.received == 200 - lost + doubled)
        #expect(report.datagrams.captured == 200)
        #expect(report.statistics.sent == UInt64(200 - lost + doubled))
        #expect(report.timestampsBackwards == 0)
        #expect(report.replies?.isIdentical == false)
    }

    @Test("the same seed gives the same file")
    func determinism() throws {
        var faults = Faults.loss(0.1)
        faults.corruption = 0.5
        faults.delay = .exponential(mean: .milliseconds(4))
        #expect(try faulted(faults).bytes == faulted(faults).bytes)
        #expect(try faulted(faults).bytes != faulted(faults, seed: 2).bytes)
    }
}
