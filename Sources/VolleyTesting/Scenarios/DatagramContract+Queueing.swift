internal import SystemPackage

extension DatagramContract {
    static let queueing: [DatagramScenario] = [
        DatagramScenario(
            "a send that would block is queued with its destination, and goes when it can", ["D28", "D83"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            let second = run.isConnected ? 0 : 1
            run.send("a", to: 0)
            run.send("b", to: second)
            run.transport.flush()
            try run.expectEqual(run.transport.writeBufferSize, 18, "write buffer")
            try run.expectEqual(run.statistics.queued, 2, "queued")
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals while blocked")
            try run.expect(run.statistics.sendBlocked >= 1, "blocked sends counted")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(at: 0), run.isConnected ? ["a", "b"] : ["a"], "arrivals at the first")
            try run.expectEqual(run.arrivals(at: 1), run.isConnected ? [] : ["b"], "arrivals at the second")
            try run.expectEqual(run.errors, [], "errors")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario(
            "while something is queued, sends are appended and the kernel is not asked", ["D24"], needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            run.send("a")
            run.transport.flush()
            let attempts = run.faults.sendAttempts.count
            run.send("b", "c")
            run.transport.flush()
            try run.expectEqual(run.faults.sendAttempts.count, attempts, "attempts to send")
            try run.expectEqual(run.transport.writeBufferSize, 27, "write buffer")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals")
        },
        DatagramScenario("what is queued is a copy", ["D25", "D26"], needs: .sendFaults) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            run.send("first")
            run.transport.flush()
            var bytes = Array("second".utf8)
            run.transport.send(bytes, to: run.world.peers[0])
            bytes[0] = UInt8(ascii: "S")
            run.transport.send(bytes, to: run.world.peers[0])
            bytes.removeAll()
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["first", "second", "Second"], "arrivals")
        },
        DatagramScenario(
            "an empty datagram is queued like any other, and costs eight bytes", ["D27", "F18"], needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            run.send("", "", "a", "")
            run.transport.flush()
            try run.expectEqual(run.transport.writeBufferSize, 33, "write buffer")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["", "", "a", ""], "arrivals")
        },
        DatagramScenario(
            "queueing costs the payload and eight bytes each, draining gives all of it back", ["D42", "D100", "F18"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            for count in 0..<100 { run.transport.send([UInt8](repeating: 1, count: count), to: run.world.peers[0]) }
            run.transport.flush()
            try run.expectEqual(run.transport.writeBufferSize, 4_950 + 800, "write buffer")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.world.arrivals(at: 0).map(\.count), Array(0..<100), "sizes that arrived")
            try run.expectBalance(submitted: 100)
        },
        DatagramScenario("a drained queue is not asked for again", ["D35", "D37"], needs: .sendFaults) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            run.send("a")
            run.transport.flush()
            run.faults.isSendingBlocked = false
            run.settle()
            let attempts = run.faults.sendAttempts.count
            for _ in 0..<5 { run.turn() }
            try run.expectEqual(run.faults.sendAttempts.count, attempts, "attempts to send")
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
        },
        DatagramScenario(
            "a drain that blocks again keeps the rest in order and counts it exactly", ["D38", "D43"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            run.send("aa", "bb", "cc", "dd", "ee")
            run.transport.flush()
            run.faults.sendScript = [.block, .take(2), .block, .take(1), .block]
            run.faults.isSendingBlocked = false
            try run.turn(until: "two are sent") { run.transport.writeBufferSize != 50 }
            try run.expectEqual(run.transport.writeBufferSize, 30, "write buffer")
            run.send("ff")
            try run.turn(until: "a third is sent") { run.transport.writeBufferSize != 40 }
            try run.expectEqual(run.transport.writeBufferSize, 30, "write buffer")
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa", "bb", "cc", "dd", "ee", "ff"], "arrivals")
            try run.expectBalance(submitted: 6)
        },
        DatagramScenario("a long queue is drained to its end, in order", needs: .sendFaults) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            let texts = (0..<1_000).map { "\($0)" }
            for text in texts { run.send(text) }
            run.transport.flush()
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), texts, "arrivals")
            try run.expectBalance(submitted: 1_000)
        },
        DatagramScenario("replies are queued behind what waits", needs: .sendFaults) { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    datagram.reply(datagram.payload)
                    datagram.reply(capacity: 8) { $0.append(UInt8(ascii: "+")) }
                    transport.send([UInt8(ascii: "-")], to: peer)
                }
            }
            run.faults.isSendingBlocked = true
            run.send("first")
            run.transport.flush()
            run.deliver("a", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals while blocked")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["first", "a", "+", "-", "b", "+", "-"], "arrivals")
        },
        DatagramScenario("a batch answered while sends block is queued whole and in order", needs: .sendFaults) { run in
            try run.open { $0.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) } }
            run.faults.sendScript = [.take(2), .block, .block]
            run.deliver("a", "b", "c", "d", "e")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c", "d", "e"], "arrivals")
            try run.expectEqual(run.statistics.queued, 3, "queued")
            try run.expectBalance(submitted: 5)
        },
        DatagramScenario("replies written while sends block do not use up the ring", needs: .sendFaults) { run in
            try run.open {
                $0.onDatagram = { _, datagram, number in
                    guard number == 0 else { return }
                    for index in 0..<400 {
                        datagram.reply(capacity: 1_500) { for _ in 0..<1_000 { $0.append(UInt8(index % 251)) } }
                    }
                }
            }
            run.faults.isSendingBlocked = true
            run.send("first")
            run.transport.flush()
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.statistics.sendsDropped, 0, "dropped")
            run.faults.isSendingBlocked = false
            run.settle()
            let expected = (0..<400).map { [UInt8](repeating: UInt8($0 % 251), count: 1_000) }
            try run.expect(Array(run.world.arrivals(at: 0).dropFirst()) == expected, "400 replies, whole and in order")
            try run.expectBalance(submitted: 401)
        },
        DatagramScenario("at the maximum, sends are dropped and counted, and what waits stays", needs: .sendFaults) {
            run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 20, maximum: 35))
            run.faults.isSendingBlocked = true
            run.send("aa", "bb", "cc")
            run.transport.flush()
            run.send("dd", "")
            try run.expectEqual(run.transport.writeBufferSize, 30, "write buffer")
            try run.expectEqual(run.statistics.overflowDropped, 2, "dropped at the maximum")
            run.faults.isSendingBlocked = false
            run.settle()
            run.send("ee")
            run.settle()
            try run.expectEqual(run.arrivals(), ["aa", "bb", "cc", "ee"], "arrivals")
            try run.expectEqual(run.errors, [], "errors")
            try run.expectBalance(submitted: 6)
        },
        DatagramScenario("with a maximum of zero nothing is queued, and sending goes on", needs: .sendFaults) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 0, maximum: 0))
            run.faults.isSendingBlocked = true
            run.send("a", "b")
            run.transport.flush()
            run.faults.isSendingBlocked = false
            run.send("c")
            run.settle()
            try run.expectEqual(run.arrivals(), ["c"], "arrivals")
            try run.expectEqual(run.statistics.overflowDropped, 2, "dropped at the maximum")
            try run.expectEqual(run.flowControl, "", "calls of flow control")
            try run.expectBalance(submitted: 3)
        },
    ]
}
