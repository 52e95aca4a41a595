internal import SystemPackage

extension DatagramContract {
    private struct WriterFailure: Error {}

    static let replying: [DatagramScenario] = [
        DatagramScenario("replies go back to the source, in order, at the end of the batch") { run in
            var arrivedInside = -1
            try run.open {
                $0.onDatagram = { _, datagram, _ in
                    datagram.reply(datagram.payload)
                    arrivedInside = run.arrivals().count
                }
            }
            run.deliver("a", "b", "c")
            run.settle()
            try run.expectEqual(arrivedInside, 0, "arrivals before the end of the batch")
            try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals")
            try run.expectEqual(run.statistics.sent, 3, "sent")
            try run.expectEqual(run.statistics.sendBatches, 1, "batches sent")
        },
        DatagramScenario("the replies to a batch are one batch", needs: .sendFaults) { run in
            try run.open { $0.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) } }
            run.deliver("a", "b", "c", "d", "e", "f", "g", "h")
            run.settle()
            let attempt = TransportFaults.SendAttempt(offered: 8, taken: 8, errno: nil)
            try run.expectEqual(run.faults.sendAttempts, [attempt], "attempts to send")
        },
        DatagramScenario("each peer gets its own replies", needs: .unconnected) { run in
            try run.open { $0.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) } }
            run.world.deliver([
                ContractDatagram(peer: 0, payload: [1]), ContractDatagram(peer: 1, payload: [2]),
                ContractDatagram(peer: 0, payload: [3]),
            ])
            run.settle()
            try run.expectEqual(run.world.arrivals(at: 0), [[1], [3]], "arrivals at the first")
            try run.expectEqual(run.world.arrivals(at: 1), [[2]], "arrivals at the second")
        },
        DatagramScenario("replies of every form are sent in order") { run in
            try run.open {
                $0.onDatagram = { _, datagram, _ in
                    datagram.reply(datagram.payload)
                    datagram.reply(Array("copied".utf8))
                    datagram.reply(capacity: 100) { output in for byte in "written".utf8 { output.append(byte) } }
                    datagram.reply(capacity: 100) { _ in }
                    datagram.reply([])
                    datagram.reply(datagram.payload.extracting(last: 2))
                }
            }
            run.deliver("echo")
            run.settle()
            try run.expectEqual(run.arrivals(), ["echo", "copied", "written", "", "", "ho"], "arrivals")
        },
        DatagramScenario("a writer that throws sends nothing, and its error is the caller's") { run in
            var caught = 0
            try run.open {
                $0.onDatagram = { _, datagram, _ in
                    do {
                        try datagram.reply(capacity: 100) { output throws(WriterFailure) in
                            output.append(1)
                            throw WriterFailure()
                        }
                    } catch { caught += 1 }
                    datagram.reply(datagram.payload)
                }
            }
            run.deliver("a", "b")
            run.settle()
            try run.expectEqual(caught, 2, "errors caught")
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectBalance(submitted: 2)
        },
        DatagramScenario("more replies than the ring holds are all sent, whole and in order") { run in
            try run.open {
                $0.onDatagram = { _, datagram, _ in
                    for index in UInt8(0)..<200 {
                        switch index % 3 {
                        case 0: datagram.reply(datagram.payload)
                        case 1: datagram.reply([UInt8](repeating: index, count: 900))
                        default: datagram.reply(capacity: 900) { for _ in 0..<900 { $0.append(index) } }
                        }
                    }
                }
            }
            run.deliver("a", "b")
            run.settle()
            let expected: [[UInt8]] = ["a", "b"].flatMap { text in
                (UInt8(0)..<200).map { $0 % 3 == 0 ? Array(text.utf8) : [UInt8](repeating: $0, count: 900) }
            }
            try run.expect(run.world.arrivals(at: 0) == expected, "400 replies, whole and in order")
        },
        DatagramScenario("a reply made while another is written comes first, and both are whole") { run in
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    datagram.reply(capacity: 64) { outer in
                        outer.append(UInt8(ascii: "o"))
                        datagram.reply(capacity: 64) { for byte in "inner".utf8 { $0.append(byte) } }
                        transport.flush()
                        datagram.reply(Array("between".utf8))
                        for byte in "uter".utf8 { outer.append(byte) }
                    }
                }
            }
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.arrivals(), ["inner", "between", "outer"], "arrivals")
        },
        DatagramScenario("a reply of a size that can never fit is refused: EMSGSIZE") { run in
            try run.open {
                $0.onDatagram = { _, datagram, _ in
                    for capacity in [-1, .min, .max, 1 << 24] {
                        datagram.reply(capacity: capacity) { $0.append(1) }
                    }
                    datagram.reply(datagram.payload)
                }
            }
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectEqual(run.errors.map(\.errno), Array(repeating: .messageTooLong, count: 4), "errors")
            try run.expectEqual(run.statistics.refusedDropped, 4, "refused")
            try run.expectBalance(submitted: 5)
        },
        DatagramScenario("flush in mid-batch sends the replies so far") { run in
            var arrivals: [String] = []
            try run.open {
                $0.onDatagram = { transport, datagram, number in
                    datagram.reply(datagram.payload)
                    guard number == 1 else { return }
                    transport.flush()
                    arrivals = run.arrivals()
                }
            }
            run.deliver("a", "b", "c")
            run.settle()
            try run.expectEqual(arrivals, ["a", "b"], "arrivals inside of the batch")
            try run.expectEqual(run.arrivals(), ["a", "b", "c"], "arrivals")
        },
        DatagramScenario("closing while a reply is being written drops that reply and counts it") { run in
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    datagram.reply(datagram.payload)
                    datagram.reply(capacity: 10) { output in
                        output.append(1)
                        transport.close()
                    }
                }
            }
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario(
            "replies stay whole when errors of earlier ones make the protocol send", needs: .sendFaults
        ) { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onDatagram = { _, datagram, _ in
                    for index in UInt8(0)..<200 {
                        let tag = index % 8 == 0 ? UInt8(ascii: "x") : UInt8(ascii: "r")
                        datagram.reply(capacity: 400) { output in
                            output.append(tag)
                            for _ in 1..<400 { output.append(index) }
                        }
                    }
                }
                $0.onError = { transport, _ in
                    transport.send([UInt8](repeating: UInt8(ascii: "z"), count: 5_000), to: peer)
                }
            }
            run.faults.poisonedTags = [UInt8(ascii: "x"): .messageTooLong]
            run.deliver("a")
            run.settle()
            let expected = (UInt8(0)..<200).filter { $0 % 8 != 0 }
                .map { [UInt8(ascii: "r")] + [UInt8](repeating: $0, count: 399) }
            let replies = run.world.arrivals(at: 0).filter { $0.first == UInt8(ascii: "r") }
            try run.expect(replies == expected, "175 replies, whole and in order")
            try run.expectEqual(run.errors.count, 25, "errors")
            try run.expectBalance(submitted: 225)
        },
    ]
}
