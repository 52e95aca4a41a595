internal import SystemPackage

extension DatagramContract {
    static let sendingUnderFaults: [DatagramScenario] =
        [
            DatagramScenario("a short send loses and repeats nothing", needs: .sendFaults) { run in
                try run.open()
                run.faults.sendScript = [.take(1), .take(2), .take(1)]
                run.send("a", "b", "c", "d", "e", "f", "g", "h")
                run.settle()
                try run.expectEqual(run.arrivals().joined(), "abcdefgh", "arrivals")
                try run.expectEqual(run.faults.sendAttempts.map(\.offered), [8, 7, 5, 4], "offered")
                try run.expectEqual(run.faults.sendAttempts.map(\.taken), [1, 2, 1, 4], "taken")
                try run.expectBalance(submitted: 8)
            },
            DatagramScenario(
                "would-block in mid-batch keeps the order, also with what is sent later", needs: .sendFaults
            ) { run in
                try run.open()
                run.faults.sendScript = [.take(3), .block]
                run.send("a", "b", "c", "d", "e")
                run.transport.flush()
                run.send("f", "g")
                try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals before the queue is drained")
                run.settle()
                try run.expectEqual(run.arrivals().joined(), "abcdefg", "arrivals")
                try run.expectEqual(run.statistics.queued, 4, "queued")
                try run.expectBalance(submitted: 7)
            },
        ]
        + (UInt64(1)...12).map { seed in
            DatagramScenario(
                "whatever is taken, and when, each datagram is sent once and in order, or counted (seed \(seed))",
                needs: .sendFaults
            ) { run in
                var script = FaultScript(seed: seed &* 0x5851_f42d)
                try script.play(run)
            }
        }
}

/// A random play of sends, flushes, turns and faults, the same for the same seed.
private struct FaultScript {
    private var generator: ContractGenerator
    private var submitted: [[UInt8]] = []
    /// How many arrivals have been checked, and where in `submitted` the next one may be.
    private var checked = (arrivals: 0, submitted: 0)

    private static let poison: [UInt8: Errno] = [7: .messageTooLong, 9: .notPermitted]
    /// Errnos that the poison does not use, so that none is taken for a datagram's own.
    private static let inherited: [Errno] = [.connectionRefused, .noRouteToHost, .networkUnreachable]

    init(seed: UInt64) { generator = ContractGenerator(seed: seed) }

    mutating func play(_ run: ContractRun) throws {
        let peer = run.world.peers[0]
        try run.open(limits: WriteBufferLimits(low: 100, high: 400, maximum: 2_000)) {
            $0.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) }
        }
        run.faults.poisonedTags = Self.poison
        for _ in 0..<400 {
            switch generator.next(below: 10) {
            case 0..<5: for _ in 0...generator.next(below: 6) { run.transport.send(makePayload(), to: peer) }
            case 5: run.transport.flush()
            case 6: run.turn()
            case 7: run.faults.isSendingBlocked.toggle()
            default: run.faults.sendScript.append(makeStep())
            }
            try check(run)
        }
        run.faults.isSendingBlocked = false
        run.faults.sendScript = []
        run.transport.flush()
        run.settle()
        try check(run)
        try finish(run)
    }

    /// A tag, a serial number, and anything.
    private mutating func makePayload() -> [UInt8] {
        let serial = submitted.count
        let filler = [UInt8](repeating: UInt8(truncatingIfNeeded: serial), count: generator.next(below: 60))
        let payload = [UInt8(generator.next(below: 20)), UInt8(serial >> 8), UInt8(serial & 255)] + filler
        submitted.append(payload)
        return payload
    }

    private mutating func makeStep() -> TransportFaults.SendStep {
        switch generator.next(below: 4) {
        case 0: .block
        case 1: .fail(Self.inherited[generator.next(below: Self.inherited.count)])
        default: .take(1 + generator.next(below: 4))
        }
    }

    /// What arrived is part of what was submitted, in its order, none of it twice.
    private mutating func check(_ run: ContractRun) throws {
        let arrivals = run.world.arrivals(at: 0)
        for payload in arrivals[checked.arrivals...] {
            guard let index = submitted[checked.submitted...].firstIndex(of: payload) else {
                return try run.expect(false, "\(payload.prefix(3)) is a duplicate or out of order")
            }
            checked = (checked.arrivals + 1, index + 1)
        }
        try run.expectEqual(run.statistics.sent, UInt64(arrivals.count), "sent")
        try run.expect(run.transport.writeBufferSize <= 2_000, "a write buffer within its maximum")
    }

    /// Every datagram was sent, or is in exactly one counter.
    private func finish(_ run: ContractRun) throws {
        let statistics = run.statistics
        let own = run.errors.count { $0.origin == .local }
        try run.expectEqual(statistics.failedDropped, UInt64(own), "dropped for an error, each reported")
        try run.expectEqual(
            statistics.bytesSent, UInt64(run.world.arrivals(at: 0).reduce(0) { $0 + $1.count }), "bytes sent")
        let dropped = statistics.failedDropped + statistics.overflowDropped
        try run.expectEqual(statistics.sendsDropped, dropped, "dropped in all")
        try run.expectBalance(submitted: submitted.count)
    }
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014): a seed gives the same numbers on every machine.
private struct ContractGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
