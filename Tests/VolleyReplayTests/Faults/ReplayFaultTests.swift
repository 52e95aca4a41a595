import SystemPackage
import Testing
import VolleyCapture

@testable import VolleyReplay

/// Faults between a capture and its endpoint, and behind it.
@Suite("A replay with faults")
struct ReplayFaultTests {
    /// Questions of three clients every millisecond, answers of the server, somebody else's datagrams and ICMP errors.
    static func capture(_ count: Int = 60) throws -> [UInt8] {
        let capture = TestCapture()
        try capture.add("elsewhere", at: 0, to: address("192.0.2.1:9"))
        for number in 0..<count {
            let time = 500_000 + Int64(number) * 1_000_000
            let client = SocketAddress(address("198.51.100.0:0").ip, port: UInt16(40_000 + number % 3))
            try capture.add("question \(number)", at: time, from: client)
            try capture.add("re:question \(number)", at: time, from: TestCapture.server, to: client)
            if number % 10 == 5 {
                try capture.addError(3, 3, about: TestCapture.server, to: client, quoting: "lost", at: time + 1_000)
            }
        }
        try capture.add("elsewhere", at: Int64(count) * 1_000_000 + 3_000_000, to: address("192.0.2.1:9"))
        return capture.bytes
    }

    /// Something of everything that a capture can hold.
    static func everything(_ seed: UInt64) -> FaultPlan {
        var faults = Faults.loss(0.05)
        faults.burstLoss = BurstLoss(p: 0.02, r: 0.5)
        faults.duplication = 0.1
        faults.corruption = 0.1
        faults.truncation = 0.1
        faults.reordering = Faults.Reordering(0.2, by: .uniform(.milliseconds(1), .milliseconds(9)))
        faults.delay = .uniform(.zero, .microseconds(1_500))
        var sending = faults
        sending.icmp = [Faults.ICMPFault(type: 3, code: 3, 0.1), Faults.ICMPFault(type: 3, code: 1, 0.05)]
        return FaultPlan(seed: seed, receiving: faults, sending: sending)
    }

    static func run(
        _ bytes: [UInt8], as role: ReplayRole = .server(port: 53), _ log: CallLog = CallLog(),
        _ change: (inout ReplayOptions) -> Void
    ) throws -> (log: CallLog, report: ReplayReport) {
        var options = ReplayOptions()
        options.receivesErrors = .all
        options.keepsSent = true
        change(&options)
        let report = try Replay(bytes: bytes, as: role, options: options).run { log }
        #expect(report.isBalanced)
        return (log, report)
    }

    @Test("what is lost is missing, what is doubled comes twice, and all of it is counted")
    func counts() throws {
        var faults = Faults.loss(0.2)
        faults.duplication = 0.3
        let (log, report) = try Self.run(Self.capture()) { $0.faults = FaultPlan(seed: 7, receiving: faults) }
        let found = try #require(report.faults)
        #expect(found.seed == 7 && found.receiving.datagrams == 60 && found.sending[.loss] == 0)
        #expect(found.receiving[.loss] > 2 && found.receiving[.duplication] > 5)
        #expect(report.datagrams.lost == found.receiving.lost)
        #expect(report.datagrams.duplicated == found.receiving[.duplication])
        #expect(report.datagrams.received == found.receiving.passed)
        #expect(log.texts.count == found.receiving.passed)
        let replies = try #require(report.replies)
        #expect(replies.lostByFaults <= found.receiving.lost)
        #expect(
            replies.extra - replies.missing - replies.lostByFaults
                == found.receiving[.duplication] - found.receiving.lost)
        #expect(found.events.count == found.receiving[.loss] + found.receiving[.duplication])
    }

    @Test("sums add up, whatever the seed")
    func sums() throws {
        let bytes = try Self.capture(40)
        for seed in 0..<200 as Range<UInt64> {
            var plan = Self.everything(seed)
            plan.receiving[0].errors = [Faults.ErrnoFault(.noMemory, 0.05)]
            plan.sending[0].errors = [
                Faults.ErrnoFault(.noBufferSpace, 0.05), Faults.ErrnoFault(.permissionDenied, 0.05),
                Faults.ErrnoFault(.wouldBlock, 0.05),
            ]
            let (log, report) = try Self.run(bytes) { $0.faults = plan }
            let faults = try #require(report.faults)
            #expect(faults.receiving.datagrams == 40)
            #expect(report.datagrams.received == faults.receiving.passed)
            #expect(report.sent.count == faults.sending.passed)
            let failures = faults.sending[.errno]
            let others = log.errors.count { $0.origin == .local }
            let isCounted =
                faults.sending.datagrams - failures == Int(report.statistics.sent)
                && others + Int(report.statistics.sendBlocked) >= failures
            #expect(isCounted, "seed \(seed)")
            #expect(log.errors.count { $0.errno == .noMemory } == faults.receiving[.errno])
            #expect(log.errors.count { $0.errno == .connectionRefused } >= report.errors.delivered)
        }
    }

    @Test("the same seed gives the same calls, bytes and counts, another one others")
    func determinism() throws {
        let bytes = try Self.capture()
        func run(_ seed: UInt64) throws -> (calls: [String], files: [[UInt8]], report: String) {
            let (output, delivered) = (CaptureWriter(inMemory: .pcapng), CaptureWriter(inMemory: .pcapng))
            let (log, report) = try Self.run(bytes) {
                $0.faults = Self.everything(seed)
                ($0.output, $0.deliveredOutput) = (output, delivered)
            }
            return (log.calls, [output.bytes, delivered.bytes], "\(report.faults.map { "\($0)" } ?? "none")")
        }
        let (one, same, other) = (try run(5), try run(5), try run(6))
        #expect(one.calls == same.calls && one.files == same.files && one.report == same.report)
        #expect(one.calls != other.calls && one.files[0] != other.files[0] && one.files[1] != other.files[1])
        #expect(one.report.hasPrefix("seed 5; received: 60 datagrams, loss "))
    }

    @Test(
        "what arrived, written and replayed without faults, makes the same calls at the same times", arguments: 0..<50)
    func delivered(seed: UInt64) throws {
        func change(_ options: inout ReplayOptions) {
            options.coalescing = seed % 2 == 0 ? .zero : .milliseconds(2)
            options.turnDuration = seed % 3 == 0 ? .microseconds(700) : .zero
            options.receivesErrors = seed % 5 == 0 ? .off : .all
            options.drain = .zero
        }
        let delivered = CaptureWriter(inMemory: .pcapng)
        let (log, report) = try Self.run(Self.capture()) {
            change(&$0)
            $0.faults = Self.everything(seed)
            // What is sent late ends batches.
            if seed % 2 == 1 { $0.faults?.sending = [] }
            $0.drain = .milliseconds(5)
            $0.maxGap = .milliseconds(2)
            $0.deliveredOutput = delivered
        }
        #expect(seed % 2 == 0 || log.calls.contains { $0.hasPrefix("batch of 2") })
        let (again, second) = try Self.run(delivered.bytes) { change(&$0) }
        #expect(again.calls == log.calls)
        #expect(log.calls.count > 80)
        #expect(second.faults == nil && second.damage == nil)
        #expect(second.timestampsBackwards == 0)
        #expect(second.datagrams.received == report.datagrams.received)
        #expect(second.datagrams.captured == report.datagrams.captured)
    }

    @Test("injected error numbers come back with the written capture", arguments: 0..<40)
    func deliveredErrors(seed: UInt64) throws {
        func change(_ options: inout ReplayOptions) {
            options.coalescing = seed % 2 == 0 ? .zero : .milliseconds(2)
            options.turnDuration = seed % 3 == 0 ? .microseconds(700) : .zero
            options.decoding.checksums = seed % 4 == 0 ? .verify : .ignore
        }
        let bytes = try Self.capture()
        let delivered = CaptureWriter(inMemory: .pcapng)
        let (log, report) = try Self.run(bytes) {
            change(&$0)
            var plan = Self.everything(seed)
            if seed % 2 == 1 { plan.sending = [Faults()] }
            plan.receiving[0].errors = [
                Faults.ErrnoFault(.connectionRefused, 0.1), Faults.ErrnoFault(.noMemory, 0.1),
            ]
            plan.sending[0].errors = [
                Faults.ErrnoFault(.noBufferSpace, 0.1), Faults.ErrnoFault(.permissionDenied, 0.1),
                Faults.ErrnoFault(.wouldBlock, 0.1), Faults.ErrnoFault(.hostIsDown, 0.1),
            ]
            $0.faults = plan
            $0.deliveredOutput = delivered
        }
        let faults = try #require(report.faults)
        #expect(faults.receiving[.errno] > 0 && faults.sending[.errno] > 0)
        let twice = CaptureWriter(inMemory: .pcapng)
        let (again, second) = try Self.run(delivered.bytes) {
            change(&$0)
            $0.deliveredOutput = twice
        }
        #expect(again.calls == log.calls)
        #expect(second.statistics.errors == report.statistics.errors)
        #expect(second.faults == nil)
        // What was written of the second run brings the same once more.
        let (third, _) = try Self.run(twice.bytes) { change(&$0) }
        #expect(third.calls == log.calls)
    }

    @Test("a mark is what it was written as; others are none, whatever they hold")
    func marks() {
        for mark in [
            DeliveredMark(.beginning), DeliveredMark(.end), DeliveredMark(.receiveError, errno: 4_095),
            DeliveredMark(.sendError, errno: 111, number: .max - 7),
        ] {
            let bytes = mark.bytes
            #expect(DeliveredMark(RawSpan(bytes.span)) == mark)
            for length in bytes.indices {
                let part = Array(bytes[..<length])
                #expect(DeliveredMark(RawSpan(part.span)) == nil)
            }
        }
        for errno in [0, 4_096, -1] as [CInt] {
            let bytes = DeliveredMark(.sendError, errno: errno).bytes
            #expect(DeliveredMark(RawSpan(bytes.span)) == nil)
        }
    }

    @Test("without faults the written capture brings the same as the original")
    func noFaults() throws {
        let delivered = CaptureWriter(inMemory: .pcapng)
        let (log, report) = try Self.run(Self.capture()) { $0.deliveredOutput = delivered }
        let (plain, other) = try Self.run(Self.capture()) { _ in }
        let (again, _) = try Self.run(delivered.bytes) { _ in }
        #expect(log.calls == plain.calls && again.calls == plain.calls)
        #expect(report.records == other.records && report.datagrams == other.datagrams)
        #expect(report.faults == nil && report.datagrams.received == 60)
    }

    @Test("an errno of a receive comes before its datagram, one of a send in its place")
    func errnos() throws {
        var (receiving, sending) = (Faults(), Faults())
        receiving.errors = [Faults.ErrnoFault(.noMemory, 1)]
        sending.errors = [Faults.ErrnoFault(.connectionRefused, 1)]
        let (log, report) = try Self.run(Self.capture(2)) {
            $0.faults = FaultPlan(seed: 1, receiving: receiving, sending: sending)
        }
        #expect(report.faults?.receiving[.errno] == 2 && report.faults?.sending[.errno] == 2)
        #expect(report.sent.isEmpty)
        let order = log.calls.compactMap { call in
            call.hasPrefix("error") ? "error \(call.split(separator: " ")[1])" : call.hasPrefix("got") ? "got" : nil
        }
        #expect(order == ["error 12", "got", "error 111", "error 12", "got", "error 111"])
    }

    @Test("what is late arrives and leaves after the end of the capture")
    func late() throws {
        var faults = Faults()
        faults.delay = .constant(.seconds(5))
        let (log, report) = try Self.run(Self.capture(3)) {
            $0.faults = FaultPlan(seed: 1, receiving: faults, sending: faults)
        }
        #expect(log.texts == ["question 0", "question 1", "question 2"])
        #expect(report.sent.map(\.time.nanoseconds) == [10_000_500_000, 10_001_500_000, 10_002_500_000])
        #expect(report.faults?.receiving[.delay] == 3 && report.faults?.sending[.delay] == 3)
    }

    @Test("a datagram that the send buffer has no room for is not judged twice")
    func slowLink() throws {
        var faults = Faults()
        faults.duplication = 0.5
        let (_, report) = try Self.run(Self.capture(200)) {
            $0.faults = FaultPlan(seed: 3, sending: faults)
            ($0.sendRate, $0.sendBufferSize) = (5_000, 100)
        }
        let sending = try #require(report.faults?.sending)
        #expect(report.statistics.sendBlocked > 10)
        #expect(sending.datagrams == 200 && report.sent.count == sending.passed)
    }

    @Test("a receive buffer drops what finds no room after the faults")
    func smallBuffer() throws {
        for seed in 0..<50 as Range<UInt64> {
            let (_, report) = try Self.run(Self.capture(40)) {
                $0.faults = Self.everything(seed)
                ($0.turnDuration, $0.receiveBufferSize) = (.milliseconds(4), 2_000)
            }
            let receiving = try #require(report.faults?.receiving)
            #expect(report.datagrams.kernelDropped > 0)
            #expect(report.datagrams.received + report.datagrams.kernelDropped == receiving.passed)
        }
    }

    @Test("what is too long for the network, and late, is counted as refused")
    func refused() throws {
        var faults = Faults()
        faults.delay = .constant(.milliseconds(1))
        let (log, report) = try Self.run(Self.capture(5)) {
            $0.faults = FaultPlan(seed: 1, sending: faults)
            $0.mtu = 30
        }
        #expect(report.faults?.refused == 5 && report.sent.isEmpty && log.errors.isEmpty)
    }

    @Test("sends that never find room end with the run")
    func neverRoom() throws {
        var faults = Faults()
        faults.errors = [Faults.ErrnoFault(.wouldBlock, 1)]
        let (log, report) = try Self.run(Self.capture(5)) { $0.faults = FaultPlan(seed: 1, sending: faults) }
        #expect(log.texts.count == 5 && report.sent.isEmpty)
        #expect(report.statistics.abortedDropped == 5)
    }

    @Test("a run that ends early accounts for what was on its way")
    func datagramsMax() throws {
        var faults = Faults()
        faults.delay = .constant(.milliseconds(20))
        let (log, report) = try Self.run(Self.capture()) {
            $0.faults = FaultPlan(seed: 3, receiving: faults)
            $0.datagramsMax = 10
        }
        #expect(log.texts.count == 10)
        #expect(report.datagrams.neverRead == 20)
    }

    @Test("every server has its faults, and only those of the filter")
    func everyServer() throws {
        var faults = Faults.loss(1)
        faults.filter = { $0.destination.port == 9 }
        let (log, report) = try Self.run(Self.capture(10), as: .everyServer) {
            $0.faults = FaultPlan(seed: 1, receiving: faults)
        }
        #expect(report.endpoints.count == 2)
        #expect(report.datagrams.lost == 2)
        #expect(log.texts.count == 10)
    }

    @Test("a datagram in fragments meets faults as one")
    func fragments() throws {
        let capture = TestCapture()
        try capture.addFragments("in two parts, but whole", split: 16, at: (0, 1))
        let (log, report) = try Self.run(capture.bytes) { $0.faults = FaultPlan(seed: 1, receiving: .loss(0)) }
        #expect(log.texts == ["in two parts, but whole"])
        #expect(report.faults?.receiving.datagrams == 1)
        let (_, lost) = try Self.run(capture.bytes) { $0.faults = FaultPlan(seed: 1, receiving: .loss(1)) }
        #expect(lost.datagrams.lost == 1 && lost.records[.joinedFragment] == 1)
        #expect(lost.warnings == ["nothing was delivered: faults lost 1 datagrams for port 53"])
    }

    @Test("no datagram is given to a protocol that has closed, and no error")
    func closed() throws {
        var faults = Faults()
        faults.errors = [Faults.ErrnoFault(.noMemory, 1)]
        let log = CallLog()
        log.closesAfter = 1
        let (_, report) = try Self.run(Self.capture(3), log) { $0.faults = FaultPlan(seed: 1, receiving: faults) }
        #expect(log.texts.count == 1)
        #expect(report.datagrams.afterClose == 2)
        #expect(report.faults?.errorsAfterClose == 2)
    }
}
