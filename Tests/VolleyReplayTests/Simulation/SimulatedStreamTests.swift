import Glibc
import SystemPackage
import Testing
import VolleyCapture
import VolleyCore
import VolleyTesting
import VolleyWire

@testable import VolleyReplay

@Suite("Streams in a simulated network")
struct SimulatedStreamTests {
    private let simulation: Simulation
    private let client: SimulatedHost
    private let server: SimulatedHost

    init() throws { (simulation, client, server) = try Self.network(seed: 1) }

    private static func network(
        seed: UInt64, _ link: LinkOptions = LinkOptions(latency: .milliseconds(10))
    ) throws -> (Simulation, SimulatedHost, SimulatedHost) {
        let simulation = Simulation(seed: seed)
        simulation.defaultLink = link
        return (simulation, try simulation.addHost("client"), try simulation.addHost("server"))
    }

    private func address(_ port: UInt16) -> SocketAddress { SocketAddress(server.addresses[0], port: port) }

    private static func text(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 / 7) } }

    /// Sends back what it receives, and stops reading while that is not taken.
    private final class Echo: StreamProtocol {
        private var transport: (any StreamTransport)?
        func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
        func dataReceived(_ data: RawSpan) { transport?.write(data) }
        func pauseWriting() { transport?.pauseReading() }
        func resumeWriting() { transport?.resumeReading() }
    }

    /// Sends a text to an echo over such links, and expects it back; the digest of the run.
    private static func echo(seed: UInt64, _ link: LinkOptions, count: Int) throws -> UInt64 {
        let (simulation, client, server) = try network(seed: seed, link)
        simulation.keepsTrace = false
        try server.listen(port: 7) { Echo() }
        let recorder = RecordingStreamProtocol()
        let text = text(count)
        recorder.onConnectionMade = {
            $0.write(text)
            $0.writeEOF()
        }
        try client.connectStream(to: SocketAddress(server.addresses[1], port: 7)) { recorder }
        let isDone = simulation.run(until: { recorder.events.last == .connectionLost(nil) }, within: .seconds(600))
        #expect(isDone && recorder.received == text, "seed \(seed): \(recorder.received.count) of \(count) bytes")
        simulation.end()
        return simulation.digest
    }

    @Test("loss, doubling, disorder, narrow links and short queues: every byte once and in order; same seed, same run")
    func everythingArrives() throws {
        for seed in 0..<20 as Range<UInt64> {
            var link = LinkOptions(latency: .milliseconds(5), loss: 0.05)
            link.jitter = .uniform(.zero, .milliseconds(4))
            link.jitterReorders = true
            link.bandwidth = 20_000_000
            link.queuePackets = 20
            link.faults?.duplication = 0.02
            let digest = try Self.echo(seed: seed, link, count: 200_000)
            if seed < 3 { #expect(try Self.echo(seed: seed, link, count: 200_000) == digest) }
        }
    }

    @Test("a connection takes one round trip, and its first bytes half of one more")
    func timing() throws {
        let accepted = RecordingStreamProtocol()
        try server.listen(port: 7) { accepted }
        let recorder = RecordingStreamProtocol()
        recorder.onConnectionMade = { [simulation] in
            #expect(simulation.loop.now.nanoseconds == 20_000_000)
            $0.write([1, 2, 3])
        }
        try client.connectStream(to: address(7)) { recorder }
        simulation.run(until: { !accepted.received.isEmpty }, within: .seconds(1))
        #expect(simulation.loop.now.nanoseconds == 30_000_000)
        #expect(recorder.transport?.remoteAddress == address(7))
        #expect(accepted.transport?.remoteAddress == recorder.transport?.localAddress)
    }

    @Test("nobody listens: ECONNREFUSED; the host is down: EHOSTUNREACH; the link is cut: ETIMEDOUT after 127 s")
    func failures() throws {
        var errors: [Errno: Int64] = [:]
        func connect(_ port: UInt16) throws {
            let start = simulation.loop.now.nanoseconds
            var failed = false
            try client.connectStream(
                to: address(port),
                onFailure: { [simulation] error in
                    errors[error.errno] = simulation.loop.now.nanoseconds - start
                    failed = true
                }
            ) { Echo() }
            #expect(simulation.run(until: { failed }, within: .seconds(300)))
        }
        try connect(7)
        server.crash()
        simulation.run(for: .milliseconds(1))
        try connect(8)
        simulation.partition([client], from: [server])
        try connect(9)
        simulation.heal()
        simulation.partition([client], from: [server], state: .rejecting)
        try connect(10)
        #expect(errors[.connectionRefused] == 20_000_000)
        #expect(errors[.noRouteToHost] == 20_000_000)
        #expect(errors[.timedOut] == 127_000_000_000)
        #expect(errors[.networkUnreachable] == 20_000_000)
    }

    @Test("a partition delays what is written; one that lasts ends the stream with ETIMEDOUT")
    func partitions() throws {
        try server.listen(port: 7) { Echo() }
        let recorder = RecordingStreamProtocol()
        try client.connectStream(to: address(7)) { recorder }
        simulation.run(for: .seconds(1))
        simulation.partition([client], from: [server], lasting: .seconds(5))
        recorder.transport?.write(Self.text(10_000))
        simulation.run(for: .seconds(4))
        #expect(recorder.received.isEmpty)
        #expect(simulation.run(until: { recorder.received.count == 10_000 }, within: .seconds(20)))
        simulation.partition([client], from: [server])
        recorder.transport?.write([1])
        let isLost = simulation.run(
            until: { if case .connectionLost = recorder.events.last { true } else { false } }, within: .seconds(2_000))
        #expect(isLost)
        guard case .connectionLost(let error) = recorder.events.last else { return }
        #expect(error?.errno == .timedOut)
    }

    @Test("a reader that pauses closes the window: the writer is paused, and goes on when it reads again")
    func window() throws {
        let reader = RecordingStreamProtocol()
        reader.onConnectionMade = { $0.pauseReading() }
        try server.listen(port: 7) { reader }
        let writer = RecordingStreamProtocol()
        let text = Self.text(1_000_000)
        writer.onConnectionMade = { $0.write(text) }
        try client.connectStream(to: address(7)) { writer }
        simulation.run(for: .seconds(600))
        #expect(reader.received.isEmpty && writer.events.contains(.pauseWriting))
        #expect((writer.transport?.writeBufferSize ?? 0) > 500_000)
        reader.transport?.resumeReading()
        #expect(simulation.run(until: { reader.received.count == text.count }, within: .seconds(300)))
        #expect(reader.received == text && writer.events.contains(.resumeWriting))
    }

    @Test("a crash is silent for the peer, who hears of it when it writes: ECONNRESET from the host that has booted")
    func crash() throws {
        var accepted: [RecordingStreamProtocol] = []
        let other = try simulation.addHost("other") { host in
            try host.listen(port: 7) {
                accepted.append(RecordingStreamProtocol())
                return accepted[accepted.count - 1]
            }
        }
        let recorder = RecordingStreamProtocol()
        try client.connectStream(to: SocketAddress(other.addresses[0], port: 7)) { recorder }
        simulation.run(for: .seconds(1))
        other.restart(after: .seconds(1))
        simulation.run(for: .seconds(5))
        guard case .connectionLost(let lost) = accepted.first?.events.last else {
            Issue.record("the crashed protocol was not told")
            return
        }
        #expect(lost?.errno == .networkDown)
        #expect(recorder.events == [.connectionMade])
        recorder.transport?.write([1])
        simulation.run(for: .seconds(1))
        guard case .connectionLost(let error) = recorder.events.last else {
            Issue.record("the peer was not told")
            return
        }
        #expect(error?.errno == .connectionReset)
        #expect(accepted.count == 1)
    }

    @Test("half a stream: who has ended may still receive; an abort is a reset")
    func halfClose() throws {
        let near = RecordingStreamProtocol()
        let far = RecordingStreamProtocol()
        (near.keepsOpen, far.keepsOpen) = (true, true)
        let listening = try server.listen(port: 7) { far }
        try client.connectStream(to: address(7)) { near }
        simulation.run(for: .seconds(1))
        near.transport?.writeEOF()
        simulation.run(for: .seconds(1))
        far.transport?.write([7])
        simulation.run(for: .seconds(1))
        #expect(far.events == [.connectionMade, .endOfStream] && near.received == [7])
        #expect(listening.streams.count == 1)
        far.transport?.abort()
        simulation.run(for: .seconds(1))
        guard case .connectionLost(let error) = near.events.last else {
            Issue.record("the peer was not told")
            return
        }
        #expect(error?.errno == .connectionReset && listening.streams.isEmpty)
    }

    @Test("addresses: taken ports, foreign addresses, hosts that are down")
    func addresses() throws {
        let listening = try server.listen(port: 7) { Echo() }
        #expect(throws: StreamError.self) { try server.listen(port: 7) { Echo() } }
        #expect(throws: StreamError.self) {
            try server.listen(on: SocketAddress(client.addresses[0], port: 9)) { Echo() }
        }
        #expect(try server.listen(port: 0) { Echo() }.localAddress.port == 32_768)
        listening.close()
        try server.listen(port: 7) { Echo() }
        server.crash()
        simulation.run(for: .milliseconds(1))
        #expect(throws: StreamError.self) { try server.listen(port: 11) { Echo() } }
        #expect(throws: StreamError.self) { try server.connectStream(to: address(7)) { Echo() } }
    }

    @Test("a recording holds the segments, with good checksums")
    func recording() throws {
        let scratch = "/tmp/simulated-stream-\(UInt64.random(in: 0 ... .max)).pcapng"
        defer { unsafe unlink(scratch) }
        let writer = try CaptureWriter(path: scratch, format: .pcapng, linkType: .rawIP)
        simulation.record(to: writer)
        try server.listen(port: 7) { Echo() }
        for index in 0..<2 {
            let recorder = RecordingStreamProtocol()
            recorder.onConnectionMade = {
                $0.write("hello")
                $0.writeEOF()
            }
            try client.connectStream(to: SocketAddress(server.addresses[index], port: 7)) { recorder }
        }
        simulation.run(for: .seconds(1))
        try writer.close()
        var reader = try CaptureReader(path: scratch)
        var segments = 0
        while let record = try reader.next() {
            segments += 1
            let isIPv6 = Array(copying: record.bytes)[0] >> 4 == 6
            let (header, ends) = isIPv6 ? (40, 8..<40) : (20, 12..<20)
            var sum = InternetChecksum()
            sum.add(record.bytes.extracting(ends))
            sum.add(record.bytes.extracting(header...))
            sum.add(UInt32(record.bytes.byteCount - header))
            sum.add(6 as UInt16)
            #expect(sum.value == 0, "checksum of record \(segments)")
        }
        // Per family: SYN, SYN-ACK, ACK, data and FIN of both sides, and their acknowledgements.
        #expect(segments >= 20)
    }
}
