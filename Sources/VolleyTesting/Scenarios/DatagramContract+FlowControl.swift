internal import SystemPackage

/// Every datagram of two bytes costs ten in these scenarios.
extension DatagramContract {
    static let flowControl: [DatagramScenario] = [
        DatagramScenario("limits are reported as they were set", ["F2"]) { run in
            try run.open(limits: WriteBufferLimits(low: 10, high: 20, maximum: 100))
            try run.expectEqual(
                run.transport.writeBufferLimits, WriteBufferLimits(low: 10, high: 20, maximum: 100), "limits")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 1, high: 2)
            try run.expectEqual(run.transport.writeBufferLimits.low, 1, "low")
            try run.expectEqual(run.transport.writeBufferLimits.high, 2, "high")
        },
        DatagramScenario("the limits are 64 KiB and 16 KiB unless set", ["F5"]) { run in
            try run.open()
            try run.expectEqual(run.transport.writeBufferLimits.high, 65_536, "high")
            try run.expectEqual(run.transport.writeBufferLimits.low, 16_384, "low")
        },
        DatagramScenario("setting limits above the present size does not pause", ["F3"], needs: .sendFaults) { run in
            try run.open()
            run.block(with: "aa", "bb")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 5, high: 21)
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 0, high: 20)
            try run.expectEqual(run.flowControl, "", "calls of flow control")
        },
        DatagramScenario("setting high below the present size pauses at once", ["F4"], needs: .sendFaults) { run in
            try run.open()
            run.block(with: "aa", "bb")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 0, high: 19)
            try run.expectEqual(run.flowControl, "P", "calls of flow control")
        },
        DatagramScenario("setting low at the present size or above resumes at once", ["F13"], needs: .sendFaults) {
            run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 0))
            run.block(with: "aa", "bb")
            try run.expectEqual(run.flowControl, "P", "calls of flow control")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 19, high: 19)
            try run.expectEqual(run.flowControl, "P", "calls of flow control")
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 20, high: 20)
            try run.expectEqual(run.flowControl, "PR", "calls of flow control")
        },
        DatagramScenario(
            "a size equal to the high-water mark does not pause, one above it does, inside the send", ["F7", "F11"],
            needs: .sendFaults
        ) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 28))
            run.block(with: "aa")
            run.send("bb", "")
            try run.expectEqual(run.transport.writeBufferSize, 28, "write buffer")
            try run.expectEqual(run.flowControl, "", "calls of flow control at the mark")
            run.send("")
            try run.expectEqual(run.flowControl, "P", "calls of flow control above the mark, without a turn")
        },
        DatagramScenario("a flush that crosses the mark pauses before it returns", ["F11"], needs: .sendFaults) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 20))
            run.faults.isSendingBlocked = true
            run.send("aa", "bb", "cc")
            try run.expectEqual(run.flowControl, "", "calls of flow control before the flush")
            run.transport.flush()
            try run.expectEqual(run.flowControl, "P", "calls of flow control after the flush")
        },
        DatagramScenario(
            "writing resumes when the size is at the low-water mark, and not above it", ["F8"], needs: .sendFaults
        ) { run in
            try run.open(limits: WriteBufferLimits(low: 20, high: 40))
            run.block(with: "aa", "bb", "cc", "dd", "ee")
            try run.expectEqual(run.flowControl, "P", "calls of flow control")
            run.faults.sendScript = [.take(1), .block, .take(1), .block, .take(1), .block]
            run.faults.isSendingBlocked = false
            for (size, calls) in [(40, "P"), (30, "P"), (20, "PR")] {
                try run.turn(until: "the buffer is down to \(size)") { run.transport.writeBufferSize <= size }
                try run.expectEqual(run.transport.writeBufferSize, size, "write buffer")
                try run.expectEqual(run.flowControl, calls, "calls of flow control at \(size)")
            }
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa", "bb", "cc", "dd", "ee"], "arrivals")
        },
        DatagramScenario("pauses and resumes come in turns", ["F9"], needs: .sendFaults) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 10))
            for _ in 0..<3 {
                run.block(with: "aa", "bb")
                run.send("cc", "dd")
                run.faults.isSendingBlocked = false
                run.settle()
            }
            try run.expectEqual(run.flowControl, "PRPRPR", "calls of flow control")
            try run.expectBalance(submitted: 12)
        },
        DatagramScenario(
            "with a high-water mark of zero any queued byte pauses, and the empty queue resumes", ["F10"],
            needs: .sendFaults
        ) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 0))
            run.send("aa")
            run.settle()
            try run.expectEqual(run.flowControl, "", "calls of flow control while nothing blocks")
            run.block(with: "")
            try run.expectEqual(run.flowControl, "P", "calls of flow control")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.flowControl, "PR", "calls of flow control")
        },
    ]

    static let flowControlCallbacks: [DatagramScenario] = [
        DatagramScenario("a protocol may send in resumeWriting", ["F17"], needs: .sendFaults) { run in
            let peer = run.world.peers[0]
            try run.open(limits: WriteBufferLimits(low: 0, high: 0)) {
                $0.onResumeWriting = { $0.send(Array("more".utf8), to: peer) }
            }
            run.block(with: "aa")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa", "more"], "arrivals")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("a send in resumeWriting may pause again", ["F9", "F17"], needs: .sendFaults) { run in
            let faults = run.faults
            let peer = run.world.peers[0]
            var rounds = 0
            try run.open(limits: WriteBufferLimits(low: 0, high: 0)) {
                $0.onResumeWriting = { transport in
                    rounds += 1
                    guard rounds < 4 else { return }
                    faults.sendScript = [.block]
                    transport.send([UInt8(ascii: "0") + UInt8(rounds)], to: peer)
                    transport.flush()
                }
            }
            run.block(with: "0")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.flowControl, "PRPRPRPR", "calls of flow control")
            try run.expectEqual(run.arrivals(), ["0", "1", "2", "3"], "arrivals")
        },
        DatagramScenario("a send in pauseWriting is queued, and pauses no second time", needs: .sendFaults) { run in
            let peer = run.world.peers[0]
            try run.open(limits: WriteBufferLimits(low: 0, high: 10)) {
                $0.onPauseWriting = { $0.send(Array("pp".utf8), to: peer) }
            }
            run.block(with: "aa", "bb")
            try run.expectEqual(run.transport.writeBufferSize, 30, "write buffer")
            try run.expectEqual(run.flowControl, "P", "calls of flow control")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa", "bb", "pp"], "arrivals")
        },
        DatagramScenario("limits raised in pauseWriting resume at once, in pairs", needs: .sendFaults) { run in
            let raised = try WriteBufferLimits(low: 1_000, high: 1_000)
            try run.open(limits: WriteBufferLimits(low: 0, high: 10)) {
                $0.onPauseWriting = { $0.writeBufferLimits = raised }
            }
            run.block(with: "aa", "bb")
            try run.expectEqual(run.flowControl, "PR", "calls of flow control")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.flowControl, "PR", "calls of flow control")
            try run.expectEqual(run.arrivals(), ["aa", "bb"], "arrivals")
        },
        DatagramScenario("closing in pauseWriting sends what is queued, and drops what comes after", needs: .sendFaults)
        { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 10)) { $0.onPauseWriting = { $0.close() } }
            run.block(with: "aa", "bb")
            run.send("cc")
            run.settle()
            try run.expectEqual(run.losses, 0, "calls of connectionLost while blocked")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa", "bb"], "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("aborting in pauseWriting drops what is queued and counts it", needs: .sendFaults) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 10)) { $0.onPauseWriting = { $0.abort() } }
            run.block(with: "aa", "bb")
            run.send("cc")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 2, "dropped by the abort")
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("closing in resumeWriting loses nothing that was sent before", needs: .sendFaults) { run in
            let peer = run.world.peers[0]
            try run.open(limits: WriteBufferLimits(low: 10, high: 10)) {
                $0.onResumeWriting = { transport in
                    transport.send(Array("last".utf8), to: peer)
                    transport.close()
                }
            }
            run.block(with: "aa", "bb")
            run.faults.sendScript = [.take(1), .block, .block]
            run.faults.isSendingBlocked = false
            run.settle()
            // The datagram that resumed sending queues again takes the buffer over its mark and back: two resumes.
            try run.expectEqual(run.flowControl, "PRPR", "calls of flow control")
            try run.expectEqual(run.arrivals(), ["aa", "bb", "last"], "arrivals")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectBalance(submitted: 4)
        },
        DatagramScenario("aborting in resumeWriting drops what is left of the queue", needs: .sendFaults) { run in
            try run.open(limits: WriteBufferLimits(low: 10, high: 10)) { $0.onResumeWriting = { $0.abort() } }
            run.block(with: "aa", "bb")
            run.faults.sendScript = [.take(1), .block]
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa"], "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 1, "dropped by the abort")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectBalance(submitted: 2)
        },
    ]
}

extension ContractRun {
    /// Blocks sending, and has these texts queued.
    func block(with texts: String...) {
        faults.isSendingBlocked = true
        for text in texts { send(text) }
        transport.flush()
    }
}
