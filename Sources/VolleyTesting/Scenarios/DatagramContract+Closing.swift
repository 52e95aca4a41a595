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
        DatagramScenario("abort with a queue drops it, and connectionLost comes once", ["D97"], needs: .sendFaults) { run in
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

    static let closingInBatch: [DatagramScenario] = [
        DatagramScenario("close in mid-batch: the rest is not delivered, and counted", styles: [.single]) { run in
            try run.open { $0.onDatagram = { transport, _, number in if number == 1 { transport.close() } } }
            run.deliver("a", "b", "c", "d", "e")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads")
            try run.expectEqual(run.statistics.received, 5, "received")
            try run.expectEqual(run.statistics.undelivered, 3, "undelivered")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("close in the last callback of a batch leaves nothing undelivered", styles: [.single]) { run in
            try run.open { $0.onDatagram = { transport, _, number in if number == 2 { transport.close() } } }
            run.deliver("a", "b", "c")
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c"], "payloads")
            try run.expectEqual(run.statistics.undelivered, 0, "undelivered")
        },
        DatagramScenario("close in mid-batch: replies before it are sent, replies after it dropped and counted") { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    datagram.reply(Array("copy".utf8))
                    guard number == 1 else { return }
                    transport.close()
                    datagram.reply(datagram.payload)
                    datagram.reply(capacity: 10) { $0.append(1) }
                }
            }
            run.deliver("a", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "copy", "b", "copy"], "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 2, "dropped since closing")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("close in mid-batch while sends block: replies wait, then connectionLost", needs: .sendFaults) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    if number == 1 { transport.close() }
                }
            }
            run.faults.isSendingBlocked = true
            run.deliver("a", "b")
            run.settle()
            try run.expectEqual(run.losses, 0, "calls of connectionLost while blocked")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("abort in mid-batch: the rest is not delivered, replies are dropped, all counted", styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    if number == 1 { transport.abort() }
                }
            }
            run.deliver("a", "b", "c", "d", "e")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads")
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.undelivered, 3, "undelivered")
            try run.expectEqual(run.statistics.abortedDropped, 2, "dropped by the abort")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("a protocol that takes batches sees all of one in which it closes", styles: [.batch]) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    if number == 1 { transport.close() }
                }
            }
            run.deliver("a", "b", "c", "d")
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c", "d"], "payloads")
            try run.expectEqual(run.statistics.undelivered, 0, "undelivered")
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 2, "dropped since closing")
        },
        DatagramScenario("a protocol that takes batches sees all of one in which it aborts", styles: [.batch]) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    if number == 1 { transport.abort() }
                }
            }
            run.deliver("a", "b", "c", "d")
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c", "d"], "payloads")
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 2, "dropped by the abort")
            try run.expectEqual(run.statistics.closedDropped, 2, "dropped since closing")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("close and abort in one callback: the abort wins") { run in
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    guard !transport.isClosing else { return }
                    datagram.reply(datagram.payload)
                    transport.close()
                    transport.abort()
                }
            }
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.abortedDropped, 1, "dropped by the abort")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("pause and close in one callback: the rest is dropped and counted", styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, _, number in
                    guard number == 1 else { return }
                    transport.pauseReading()
                    transport.close()
                    transport.resumeReading()
                }
            }
            run.deliver("a", "b", "c", "d")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads")
            try run.expectEqual(run.statistics.undelivered, 2, "undelivered")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario("close in the rest of a paused batch counts what is left of it", styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, _, number in
                    if number == 0 { transport.pauseReading() }
                    if number == 2 { transport.close() }
                }
            }
            run.deliver("a", "b", "c", "d", "e", "f")
            run.settle()
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c"], "payloads")
            try run.expectEqual(run.statistics.undelivered, 3, "undelivered")
        },
        DatagramScenario("close inside a flush's error in mid-batch ends the batch", needs: .sendFaults, styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    datagram.reply(datagram.payload)
                    transport.flush()
                }
                $0.onError = { transport, _ in transport.close() }
            }
            run.faults.poisonedTags = [UInt8(ascii: "x"): .notPermitted]
            run.deliver("a", "x", "b", "c")
            run.settle()
            try run.expectEqual(run.received, ["a", "x"], "payloads")
            try run.expectEqual(run.statistics.undelivered, 2, "undelivered")
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
    ]

    static let closingInCallbacks: [DatagramScenario] = [
        DatagramScenario("close in connectionMade: sends before it go out, nothing is delivered") { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onConnectionMade = { transport in
                    transport.send(Array("hello".utf8), to: peer)
                    transport.close()
                    transport.send(Array("late".utf8), to: peer)
                }
            }
            try run.expectEqual(run.losses, 0, "calls of connectionLost inside of the opening")
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.arrivals(), ["hello"], "arrivals")
            try run.expectEqual(run.received, [], "payloads")
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("abort in connectionMade: connectionMade, then connectionLost, nothing between") { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onConnectionMade = { transport in
                    transport.send([1], to: peer)
                    transport.abort()
                }
            }
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
            try run.expectBalance(submitted: 1)
        },
        DatagramScenario("close in errorReceived of a send: the rest of the batch still goes", needs: .sendFaults) { run in
            try run.open { $0.onError = { transport, _ in transport.close() } }
            run.faults.poisonedTags = [UInt8(ascii: "x"): .notPermitted]
            run.send("a", "x", "b", "x", "c")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals")
            try run.expectEqual(run.errors.count, 2, "errors")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectBalance(submitted: 5)
        },
        DatagramScenario("abort in errorReceived of a send drops what is queued", needs: .sendFaults) { run in
            try run.open { $0.onError = { transport, _ in transport.abort() } }
            run.faults.poisonedTags = [UInt8(ascii: "x"): .notPermitted]
            run.faults.sendScript = [.pass, .pass, .pass, .block]
            run.send("a", "x", "b")
            run.settle()
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("close in errorReceived of a refused send") { run in
            let isConnected = run.isConnected
            let stranger = run.world.peers[1]
            try run.open { $0.onError = { transport, _ in transport.close() } }
            run.send("a")
            isConnected ? run.transport.send([1], to: stranger) : run.transport.send([1])
            run.send("b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("in connectionLost the transport takes calls, and does nothing") { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onConnectionLost = { transport, _ in
                    transport.send([1], to: peer)
                    transport.send([2])
                    transport.flush()
                    transport.pauseReading()
                    transport.resumeReading()
                    transport.close()
                    transport.abort()
                    transport.writeBufferLimits = .standard
                    _ = transport.extraInfo("sockname")
                }
            }
            run.transport.close()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade, .connectionLost(nil)], "callbacks")
            try run.expectEqual(run.arrivals(), [], "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 2, "dropped since closing")
        },
        DatagramScenario("calls and timers of the loop go on after the endpoint's end") { run in
            try run.open()
            let loop = run.transport.eventLoop
            var calls = ""
            run.transport.close()
            loop.callSoon { calls += "s" }
            loop.callLater(.zero) { calls += "t" }
            loop.callLater(.zero) { calls += "c" }.cancel()
            run.settle()
            try run.expectEqual(calls, "st", "calls")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
    ]
}
