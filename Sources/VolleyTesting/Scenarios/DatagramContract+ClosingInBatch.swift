internal import SystemPackage

extension DatagramContract {
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
        DatagramScenario("close in mid-batch: replies before it are sent, replies after it dropped and counted") {
            run in
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
        DatagramScenario("close in mid-batch while sends block: replies wait, then connectionLost", needs: .sendFaults)
        { run in
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
        DatagramScenario(
            "abort in mid-batch: the rest is not delivered, replies are dropped, all counted", styles: [.single]
        ) { run in
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
        DatagramScenario(
            "close inside a flush's error in mid-batch ends the batch", needs: .sendFaults, styles: [.single]
        ) { run in
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
}
