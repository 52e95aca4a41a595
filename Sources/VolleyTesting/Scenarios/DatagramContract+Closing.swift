internal import SystemPackage

extension DatagramContract {
    static let closing: [DatagramScenario] = [
        DatagramScenario("close ends an idle endpoint from a later turn, once", ["D44"]) { run in
            try run.open()
            run.transport.close()
            try run.expect(run.transport.isClosing, "closing at once")
            try run.expect(!run.transport.isReading, "not reading once closing")
            try run.expectEqual(run.losses, 0, "calls of connectionLost inside close")
            run.transport.close()
            run.settle()
            run.transport.close()
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
        },
        DatagramScenario("abort ends an idle endpoint from a later turn, once") { run in
            try run.open()
            run.transport.abort()
            try run.expect(run.transport.isClosing, "closing at once")
            try run.expectEqual(run.losses, 0, "calls of connectionLost inside abort")
            run.transport.abort()
            run.transport.close()
            run.settle()
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
        },
        DatagramScenario("what was sent before close in the same turn goes out") { run in
            try run.open()
            run.send("a", "b")
            run.transport.close()
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("what was sent before abort in the same turn is dropped and counted") { run in
            try run.open()
            run.send("a", "b")
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 2, "dropped by the abort")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario(
            "close with a queue waits until it is sent, then connectionLost comes once", ["D36", "D96"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            let texts = (0..<11).map { "\($0)" }
            for text in texts { run.send(text) }
            run.transport.close()
            run.settle()
            try run.expectEqual(run.losses, 0, "calls of connectionLost while blocked")
            try run.expectEqual(run.arrivals(), [], "arrivals while blocked")
            run.faults.sendScript = [.take(4), .block]
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), texts, "arrivals")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectBalance(submitted: 11)
        },
        DatagramScenario("close with a long queue sends all of it", needs: .sendFaults) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            let texts = (0..<700).map { "\($0)" }
            for text in texts { run.send(text) }
            run.transport.flush()
            run.transport.close()
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), texts, "arrivals")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("abort with a queue drops it, and connectionLost comes once", ["D97"], needs: .sendFaults) {
            run in
            try run.open()
            run.faults.isSendingBlocked = true
            for index in 0..<11 { run.send("\(index)") }
            run.transport.flush()
            run.transport.abort()
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 11, "dropped by the abort")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectBalance(submitted: 11)
        },
        DatagramScenario("abort after close drops what close waits for", needs: .sendFaults) { run in
            try run.open()
            run.faults.isSendingBlocked = true
            run.send("a", "b")
            run.transport.close()
            run.settle()
            run.transport.abort()
            run.settle()
            try run.expectEqual(run.statistics.abortedDropped, 2, "dropped by the abort")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("an error while closing is reported before connectionLost", needs: .sendFaults) { run in
            try run.open()
            run.faults.poisonedTags = [UInt8(ascii: "x"): .notPermitted]
            run.faults.isSendingBlocked = true
            run.send("a", "x", "b")
            run.transport.close()
            run.settle()
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectEqual(run.errors.count, 1, "errors")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("a send while closing is dropped and counted", ["D34", "D98"]) { run in
            try run.open()
            run.transport.close()
            run.send("a", "b")
            try run.expectEqual(run.statistics.closedDropped, 2, "dropped since closing")
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("a send after connectionLost is dropped and counted", ["D99"]) { run in
            try run.open()
            run.transport.close()
            run.settle()
            run.send("a", to: 0)
            run.send("b", to: 1)
            run.transport.send([1])
            run.transport.flush()
            run.settle()
            try run.expectEqual(run.statistics.closedDropped, 3, "dropped since closing")
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("nothing is delivered after close", needs: .interactive) { run in
            try run.open()
            run.deliver("a")
            run.transport.close()
            run.settle()
            run.deliver("b")
            run.settle()
            try run.expectEqual(run.received, [], "payloads")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("setting limits of a closed endpoint calls nothing", needs: .sendFaults) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 0))
            run.block(with: "a")
            run.transport.abort()
            run.settle()
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 0, high: 5)
            run.transport.writeBufferLimits = try WriteBufferLimits(low: 1_000, high: 5_000)
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
    ]
}
