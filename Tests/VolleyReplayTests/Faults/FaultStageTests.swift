import SystemPackage
import Testing
import VolleyCapture
import VolleyCore

@testable import VolleyReplay

@Suite("Faults between a capture and its endpoint")
struct FaultStageTests {
    private func offer(_ count: Int, _ stage: FaultStage) {
        for number in 0..<count {
            let payload = [UInt8(truncatingIfNeeded: number), UInt8(number >> 8), 3, 4]
            stage.offer(
                RawSpan(payload.span), from: FaultInjectorTests.source, to: FaultInjectorTests.destination,
                at: MonotonicInstant(nanoseconds: Int64(number) * 1_000_000),
                timestamp: WallClockTime(nanosecondsSinceEpoch: 1_000_000_000 + Int64(number) * 1_000_000))
        }
    }

    private func drain(_ stage: FaultStage) -> [FaultStage.Arrival] {
        var arrivals: [FaultStage.Arrival] = []
        while let arrival = stage.next(through: MonotonicInstant(nanoseconds: .max)) { arrivals.append(arrival) }
        return arrivals
    }

    @Test("arrivals come in the order of their times, those of one time as they were offered")
    func order() {
        var faults = Faults()
        faults.duplication = 0.3
        faults.reordering = Faults.Reordering(0.3, by: .uniform(.zero, .milliseconds(20)))
        let stage = FaultStage(FaultInjector(FaultPlan(seed: 2, receiving: faults)))
        offer(500, stage)
        let arrivals = drain(stage)
        #expect(arrivals.count == 500 + stage.injector.count(of: .duplication))
        #expect(zip(arrivals, arrivals.dropFirst()).allSatisfy { $0.time <= $1.time })
        #expect(arrivals.map { $0.payload?.first } != arrivals.map { $0.payload?.first }.sorted { $0 ?? 0 < $1 ?? 0 })
        let isSameDelay = arrivals.allSatisfy {
            $0.timestamp.nanosecondsSinceEpoch - 1_000_000_000 == $0.time.nanoseconds
        }
        #expect(isSameDelay)
    }

    @Test("nothing arrives before its time")
    func times() {
        var faults = Faults()
        faults.delay = .constant(.milliseconds(3))
        let stage = FaultStage(FaultInjector(FaultPlan(seed: 2, receiving: faults)))
        offer(1, stage)
        #expect(stage.nextTime == MonotonicInstant(nanoseconds: 3_000_000))
        #expect(stage.next(through: MonotonicInstant(nanoseconds: 2_999_999)) == nil)
        #expect(stage.next(through: MonotonicInstant(nanoseconds: 3_000_000)) != nil)
        #expect(stage.nextTime == nil)
    }

    @Test("an errno comes with its datagram, or alone when that is lost")
    func errors() {
        var faults = Faults.loss(0.5)
        faults.errors = [Faults.ErrnoFault(.noMemory, 1)]
        let stage = FaultStage(FaultInjector(FaultPlan(seed: 2, receiving: faults)))
        offer(100, stage)
        let arrivals = drain(stage)
        #expect(arrivals.count == 100)
        #expect(arrivals.allSatisfy { $0.error?.errno == .noMemory && $0.error?.operation == .receive })
        #expect(arrivals.count { $0.payload == nil } == stage.injector.count(of: .loss))
    }

    @Test("a recorded run replayed without faults delivers the same bytes at the same times, and names every fault")
    func recording() throws {
        var faults = Faults.loss(0.2)
        faults.duplication = 0.1
        faults.corruption = 0.2
        faults.truncation = 0.1
        faults.reordering = Faults.Reordering(0.2, by: .constant(.milliseconds(2)))
        let writer = CaptureWriter(inMemory: .pcapng)
        let stage = FaultStage(FaultInjector(FaultPlan(seed: 3, receiving: faults)), recording: writer)
        offer(300, stage)
        let arrivals = drain(stage)
        try writer.close()
        #expect(stage.writeFailure == nil)

        let recorder = PayloadRecorder()
        let report = try Replay(bytes: writer.bytes, as: .server(port: 53)).run { recorder }
        #expect(report.datagrams.received == arrivals.count)
        #expect(recorder.payloads == arrivals.compactMap(\.payload))
        #expect(recorder.times == arrivals.map(\.timestamp.nanosecondsSinceEpoch))

        var reader = try CaptureReader(bytes: writer.bytes)
        var comments = ""
        while let record = try reader.next() { comments += (record.comment ?? "") + "\n" }
        for event in stage.injector.events.prefix(20) { #expect(comments.contains("\(event)")) }
    }

    @Test("the same seed gives the same capture, another one another")
    func determinism() throws {
        func run(_ seed: UInt64) throws -> [UInt8] {
            var faults = Faults.loss(0.2)
            faults.corruption = 0.2
            faults.delay = .exponential(mean: .milliseconds(3))
            let writer = CaptureWriter(inMemory: .pcapng)
            let stage = FaultStage(FaultInjector(FaultPlan(seed: seed, receiving: faults)), recording: writer)
            offer(200, stage)
            _ = drain(stage)
            try writer.close()
            return writer.bytes
        }
        #expect(try run(1) == run(1))
        #expect(try run(1) != run(2))
    }
}

/// Keeps what arrives, and when.
final class PayloadRecorder: DatagramProtocol {
    private(set) var payloads: [[UInt8]] = []
    private(set) var times: [Int64] = []

    func datagramReceived(_ datagram: Datagram) {
        payloads.append(Array(copying: datagram.payload))
        times.append(datagram.timestamp?.nanosecondsSinceEpoch ?? 0)
    }
}
