import Testing
import VolleyCapture
import VolleyCore

@testable import VolleyReplay

@Suite("Ten days on the virtual clock")
struct VirtualTimeTests {
    /// Runs a timer every so often, and checks that it is never a nanosecond late.
    final class Metronome: DatagramProtocol {
        private let period: Int64
        private var transport: (any DatagramTransport)?
        private var started: Int64 = 0
        private var wallStarted: Int64 = 0
        private var offsets: [Int64] = []
        private(set) var ticks: Int64 = 0
        private(set) var late: [Int64] = []
        private(set) var arrivals: [Int64] = []

        init(period: Int64) { self.period = period }

        func connectionMade(_ transport: any DatagramTransport) {
            self.transport = transport
            started = transport.eventLoop.now.nanoseconds
            wallStarted = transport.eventLoop.wallClock.nanosecondsSinceEpoch
            schedule()
        }

        private func schedule() {
            guard let loop = transport?.eventLoop else { return }
            let deadline = started + (ticks + 1) * period
            loop.callAt(MonotonicInstant(nanoseconds: deadline)) { [weak self] in self?.tick(deadline) }
        }

        private func tick(_ deadline: Int64) {
            guard let loop = transport?.eventLoop else { return }
            let error = loop.now.nanoseconds - deadline
            let wallError = loop.wallClock.nanosecondsSinceEpoch - wallStarted - (deadline - started)
            if error != 0 || wallError != 0 { late.append(error) }
            ticks += 1
            schedule()
        }

        func datagramReceived(_ datagram: Datagram) {
            guard let loop = transport?.eventLoop else { return }
            arrivals.append(loop.now.nanoseconds)
            let stamp = datagram.timestamp?.nanosecondsSinceEpoch ?? 0
            if stamp - wallStarted != loop.now.nanoseconds - started { late.append(stamp) }
        }

        func connectionLost(_ error: DatagramError?) { transport = nil }
    }

    static let day: Int64 = 86_400_000_000_000

    @Test("a capture of ten days replays exactly: datagrams at their nanosecond, timers at theirs")
    func replay() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        let start: Int64 = 1_700_000_000_123_456_789
        var generator = SeededGenerator(seed: 10)
        var expected: [Int64] = []
        var time: Int64 = 0
        let payload: [UInt8] = [1, 2, 3]
        while time <= 10 * Self.day {
            expected.append(time)
            try writer.writeDatagram(
                RawSpan(payload.span), from: SocketAddress(IPAddress(v4: 0x0a00_0001), port: 5),
                to: SocketAddress(IPAddress(v4: 0x0a00_0002), port: 9), at: start + time)
            time += 1 + Int64(generator.below(UInt64(Self.day / 100)))
        }
        try writer.close()
        var results: [(ticks: Int64, late: [Int64], arrivals: [Int64])] = []
        for _ in 0..<2 {
            let metronome = Metronome(period: 10_000_000_007)
            let report = try Replay(bytes: writer.bytes, as: .server(port: 9)).run { metronome }
            #expect(report.duration == .nanoseconds(expected[expected.count - 1]))
            results.append((metronome.ticks, metronome.late, metronome.arrivals))
        }
        #expect(results[0].late.isEmpty)
        #expect(results[0].arrivals == expected)
        #expect(results[0].ticks == expected[expected.count - 1] / 10_000_000_007)
        #expect(results[0].ticks > 85_000)
        #expect(results[1].ticks == results[0].ticks && results[1].arrivals == results[0].arrivals)
    }

    @Test("a simulation of ten days is exact as well")
    func simulation() throws {
        let simulation = Simulation(seed: 1)
        let one = try simulation.addHost("one")
        let other = try simulation.addHost("other")
        let metronome = Metronome(period: 10_000_000_007)
        try other.bind(port: 9) { metronome }
        let sender = try one.connect(to: other.address(9)) { ArrivalRecorder() }
        for day in 0..<10 {
            sender.transport.send([UInt8(day)])
            simulation.run(for: .nanoseconds(Self.day))
        }
        #expect(simulation.loop.now.nanoseconds == 10 * Self.day)
        #expect(metronome.late.isEmpty)
        #expect(metronome.arrivals == (0..<10).map { $0 * Self.day + 1_000_000 })
        #expect(metronome.ticks == 10 * Self.day / 10_000_000_007)
        simulation.end()
    }
}
