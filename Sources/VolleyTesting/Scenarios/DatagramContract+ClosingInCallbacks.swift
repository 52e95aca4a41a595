internal import SystemPackage

extension DatagramContract {
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
        DatagramScenario("close in errorReceived of a send: the rest of the batch still goes", needs: .sendFaults) {
            run in
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
