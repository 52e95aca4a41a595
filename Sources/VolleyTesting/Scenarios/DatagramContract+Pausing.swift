internal import SystemPackage

extension DatagramContract {
    static let pausing: [DatagramScenario] = [
        DatagramScenario("pauseReading leaves datagrams where they are, resumeReading delivers them", ["D93"]) { run in
            try run.open()
            try run.expect(run.transport.isReading, "reading at first")
            run.transport.pauseReading()
            try run.expect(!run.transport.isReading, "not reading after pauseReading")
            run.deliver("a", "b")
            run.settle()
            try run.expectEqual(run.received, [], "payloads while paused")
            run.transport.resumeReading()
            try run.expect(run.transport.isReading, "reading after resumeReading")
            try run.expectEqual(run.received, [], "payloads before the next turn")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads")
        },
        DatagramScenario("pauseReading and resumeReading may be repeated") { run in
            try run.open()
            for _ in 0..<3 { run.transport.pauseReading() }
            run.deliver("a", "b")
            run.turn()
            for _ in 0..<3 { run.transport.resumeReading() }
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads")
        },
        DatagramScenario(
            "a pause in mid-batch keeps the rest, which comes on resume before anything later",
            needs: .interactive, styles: [.single]
        ) { run in
            try run.open { $0.onDatagram = { transport, _, number in if number == 1 { transport.pauseReading() } } }
            run.deliver("a", "b", "c", "d", "e")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads before the pause")
            try run.expectEqual(run.statistics.received, 5, "received")
            run.deliver("f", "g")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads while paused")
            run.transport.resumeReading()
            try run.expectEqual(run.received.count, 2, "payloads before the next turn")
            run.settle()
            try run.expectEqual(run.received.joined(), "abcdefg", "payloads")
            try run.expectEqual(run.statistics.undelivered, 0, "undelivered")
            try run.expectEqual(run.statistics.receiveBatches, 2, "batches, the rest not counted again")
        },
        DatagramScenario("a pause in the middle of the rest keeps the rest of the rest", styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, _, number in if number.isMultiple(of: 2) { transport.pauseReading() } }
            }
            run.deliver("a", "b", "c", "d", "e", "f", "g")
            for count in [1, 3, 5, 7] {
                run.settle()
                try run.expectEqual(run.received.count, count, "payloads up to the pause")
                run.transport.resumeReading()
            }
            run.settle()
            try run.expectEqual(run.received.joined(), "abcdefg", "payloads")
        },
        DatagramScenario("a protocol that pauses and resumes in one callback loses nothing") { run in
            try run.open {
                $0.onDatagram = { transport, _, _ in
                    transport.pauseReading()
                    transport.resumeReading()
                }
            }
            run.deliver("a", "b", "c", "d")
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c", "d"], "payloads")
            try run.expect(run.transport.isReading, "reading afterwards")
        },
        DatagramScenario("of several pauses and resumes in one callback, the last counts", styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, _, number in
                    guard number == 1 else { return }
                    transport.pauseReading()
                    transport.resumeReading()
                    transport.pauseReading()
                }
            }
            run.deliver("a", "b", "c")
            run.settle()
            try run.expectEqual(run.received, ["a", "b"], "payloads while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c"], "payloads")
        },
        DatagramScenario("resuming and pausing again before the next turn delivers nothing", styles: [.single]) { run in
            try run.open { $0.onDatagram = { transport, _, number in if number == 0 { transport.pauseReading() } } }
            run.deliver("a", "b", "c")
            run.settle()
            run.transport.resumeReading()
            run.transport.pauseReading()
            run.settle()
            try run.expectEqual(run.received, ["a"], "payloads while paused")
            run.transport.resumeReading()
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c"], "payloads")
        },
        DatagramScenario("replies before a pause are sent at the end of the batch", styles: [.single]) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    if number == 1 { transport.pauseReading() }
                }
            }
            run.deliver("a", "b", "c")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals")
        },
        DatagramScenario(
            "a protocol that takes batches gets all of one, and the next only when it has resumed",
            needs: .interactive, styles: [.batch]
        ) { run in
            try run.open { $0.onDatagram = { transport, _, number in if number == 0 { transport.pauseReading() } } }
            run.deliver("a", "b", "c")
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c"], "payloads of the batch")
            run.deliver("d")
            run.settle()
            try run.expectEqual(run.received.count, 3, "payloads while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c", "d"], "payloads")
        },
        DatagramScenario("a pause in connectionMade holds back the first datagram") { run in
            try run.open { $0.onConnectionMade = { $0.pauseReading() } }
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.received, [], "payloads while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a"], "payloads")
        },
        DatagramScenario("a rest kept back when the endpoint closes is counted as undelivered", styles: [.single]) {
            run in
            try run.open { $0.onDatagram = { transport, _, _ in transport.pauseReading() } }
            run.deliver("a", "b", "c", "d")
            run.settle()
            run.transport.close()
            try run.expectEqual(run.statistics.undelivered, 3, "undelivered")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a"], "payloads")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("resumeReading after close delivers nothing") { run in
            try run.open()
            run.transport.pauseReading()
            run.deliver("a")
            run.turn()
            run.transport.close()
            run.transport.resumeReading()
            try run.expect(!run.transport.isReading, "not reading once closing")
            run.settle()
            try run.expectEqual(run.received, [], "payloads")
        },
        DatagramScenario(
            "resuming in an errorReceived at the end of the batch delivers the rest once", needs: .sendFaults,
            styles: [.single]
        ) { run in
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    transport.pauseReading()
                }
                $0.onError = { transport, _ in transport.resumeReading() }
            }
            run.faults.poisonedTags = [UInt8(ascii: "x"): .messageTooLong]
            run.deliver("x1", "x2", "x3", "a", "b")
            run.settle()
            try run.expectEqual(run.received, ["x1", "x2", "x3", "a"], "payloads")
            try run.expectEqual(run.errors.count, 3, "errors")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["x1", "x2", "x3", "a", "b"], "payloads")
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
        },
    ]
}
