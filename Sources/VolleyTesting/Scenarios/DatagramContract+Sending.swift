internal import SystemPackage

extension DatagramContract {
    static let sending: [DatagramScenario] = [
        DatagramScenario("with nothing queued, a send goes out by the end of the turn", ["D20"]) { run in
            try run.open()
            run.send("a", "bc")
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "bc"], "arrivals")
            try run.expectEqual(run.statistics.sent, 2, "sent")
            try run.expectEqual(run.statistics.bytesSent, 3, "bytes sent")
            try run.expectEqual(run.statistics.queued, 0, "queued")
        },
        DatagramScenario("flush sends at once", ["D20"]) { run in
            try run.open()
            run.send("a", "b")
            run.transport.flush()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals without a turn")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
        },
        DatagramScenario("the sends of one turn go in one batch", needs: .sendFaults) { run in
            try run.open()
            run.send("a", "b", "c")
            run.settle()
            let attempt = TransportFaults.SendAttempt(offered: 3, taken: 3, errno: nil)
            try run.expectEqual(run.faults.sendAttempts, [attempt], "attempts to send")
            try run.expectEqual(run.statistics.sendBatches, 1, "batches sent")
        },
        DatagramScenario("an empty payload is sent", ["D23"]) { run in
            try run.open()
            run.send("", "after")
            run.settle()
            try run.expectEqual(run.arrivals(), ["", "after"], "arrivals")
        },
        DatagramScenario("what is sent is what the buffer held at the send", ["D21", "D22"]) { run in
            try run.open()
            var bytes = Array("first".utf8)
            run.transport.send(bytes, to: run.world.peers[0])
            bytes[0] = UInt8(ascii: "F")
            run.transport.send(bytes, to: run.world.peers[0])
            bytes.removeAll()
            run.settle()
            try run.expectEqual(run.arrivals(), ["first", "First"], "arrivals")
        },
        DatagramScenario("more sends than the ring holds keep their order") { run in
            try run.open()
            let texts = (0..<300).map { "\($0)" }
            for text in texts { run.send(text) }
            run.settle()
            try run.expectEqual(run.arrivals(), texts, "arrivals")
            try run.expectBalance(submitted: 300)
        },
        DatagramScenario("more bytes than the ring holds keep their order") { run in
            try run.open()
            let payloads = (0..<40).map { [UInt8](repeating: $0, count: 8_000 + Int($0)) }
            for payload in payloads { run.transport.send(payload, to: run.world.peers[0]) }
            run.settle()
            try run.expect(run.world.arrivals(at: 0) == payloads, "40 payloads of 8,000 bytes, whole and in order")
        },
        DatagramScenario("sends to several peers reach each in order", needs: .unconnected) { run in
            try run.open()
            run.send("a", to: 0)
            run.send("b", to: 1)
            run.send("c", to: 0)
            run.settle()
            try run.expectEqual(run.arrivals(at: 0), ["a", "c"], "arrivals at the first")
            try run.expectEqual(run.arrivals(at: 1), ["b"], "arrivals at the second")
        },
        DatagramScenario("a connected endpoint sends without an address, and to its peer's", needs: .connected) { run in
            try run.open()
            run.transport.send([1])
            run.transport.send([2], to: run.world.peers[0])
            run.settle()
            try run.expectEqual(run.world.arrivals(at: 0), [[1], [2]], "arrivals")
        },
        DatagramScenario("a send in connectionMade goes out") { run in
            let peer = run.world.peers[0]
            try run.open { $0.onConnectionMade = { $0.send([1], to: peer) } }
            run.settle()
            try run.expectEqual(run.world.arrivals(at: 0), [[1]], "arrivals")
        },
        DatagramScenario("a send in datagramReceived goes out at the end of the batch, among the replies") { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    datagram.reply(datagram.payload)
                    transport.send([UInt8(ascii: "-")], to: peer)
                }
            }
            run.deliver("a", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "-", "b", "-"], "arrivals")
            try run.expectEqual(run.statistics.sendBatches, 1, "batches sent")
        },
        DatagramScenario(
            "a send to where nobody listens leaves the endpoint receiving", ["D8"],
            needs: [.unconnected, .deafPeer]
        ) { run in
            try run.open()
            if let deafPeer = run.world.deafPeer { run.transport.send([1], to: deafPeer) }
            run.turn()
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.received, ["a"], "payloads")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
            run.send("b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["b"], "arrivals")
        },
    ]

    static let refusals: [DatagramScenario] = [
        DatagramScenario("a send that finds no room while a reply is being written goes all the same") { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onDatagram = { transport, datagram, _ in
                    datagram.reply(capacity: 120_000) { output in
                        output.append(UInt8(ascii: "r"))
                        for index in UInt8(0)..<3 { transport.send([UInt8](repeating: index, count: 9_000), to: peer) }
                        datagram.reply(datagram.payload)
                    }
                }
            }
            run.deliver("a")
            run.settle()
            let sizes = run.world.arrivals(at: 0).map(\.count)
            try run.expectEqual(sizes, [9_000, 9_000, 9_000, 1, 1], "sizes that arrived")
            run.transport.close()
            run.settle()
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
            try run.expectBalance(submitted: 5)
        },
        DatagramScenario("a connected endpoint refuses another destination: EISCONN", ["D33"], needs: .connected) {
            run in
            try run.open()
            run.send("a", to: 1)
            try run.expectEqual(run.errors.map(\.errno), [.socketIsConnected], "errors, before the send returned")
            let peer = run.errors.first.flatMap { $0.peer.map(PeerAddress.init) ?? $0.unixPeer.map(PeerAddress.init) }
            try run.expectEqual(peer, run.world.peers[1], "peer of the error")
            run.settle()
            try run.expectEqual(run.arrivals(at: 1), [], "arrivals at the stranger")
            try run.expectEqual(run.statistics.refusedDropped, 1, "refused")
            try run.expectBalance(submitted: 1)
        },
        DatagramScenario("an unconnected endpoint refuses a send without address: EDESTADDRREQ", needs: .unconnected) {
            run in
            try run.open()
            run.transport.send([1])
            try run.expectEqual(run.errors.map(\.errno), [.addressRequired], "errors, before the send returned")
            try run.expectEqual(run.statistics.refusedDropped, 1, "refused")
            try run.expectBalance(submitted: 1)
        },
        DatagramScenario("an address that the endpoint cannot send to is an error, and the others go") { run in
            try run.open()
            run.send("a")
            if run.transport.localAddress != nil {
                run.transport.send([1], to: try UnixAddress(abstract: "volley-nobody"))
            } else {
                run.transport.send([1], to: SocketAddress(IPAddress(v4: 0x7f00_0001), port: 9))
            }
            run.transport.send([2], to: SocketAddress.unspecified)
            run.transport.send([3], to: SocketAddress(run.transport.localAddress?.ip ?? IPAddress(v4: 0), port: 0))
            run.send("b")
            run.settle()
            // Which errno it is differs between kinds of sockets.
            let errnos: Set<Errno> = [
                .addressFamilyNotSupported, .invalidArgument, .addressRequired, .socketIsConnected,
            ]
            try run.expect(Set(run.errors.map(\.errno)).isSubset(of: errnos), "errors of addresses, not \(run.errors)")
            try run.expectEqual(run.errors.count, 3, "errors")
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectBalance(submitted: 5)
        },
        DatagramScenario("a payload larger than any buffer is refused: EMSGSIZE") { run in
            try run.open()
            run.send("a")
            run.transport.send([UInt8](repeating: 1, count: 1 << 24), to: run.world.peers[0])
            run.send("b")
            run.settle()
            try run.expectEqual(run.errors.map(\.errno), [.messageTooLong], "errors")
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("an error caused inside errorReceived comes after it, not inside") { run in
            var depth = 0
            var isNested = false
            let isConnected = run.isConnected
            let stranger = run.world.peers[1]
            try run.open {
                $0.onError = { [unowned recorder = $0] transport, _ in
                    depth += 1
                    isNested = isNested || depth > 1
                    if recorder.errors.count < 50 {
                        isConnected ? transport.send([1], to: stranger) : transport.send([1])
                    }
                    depth -= 1
                }
            }
            isConnected ? run.transport.send([1], to: stranger) : run.transport.send([1])
            run.settle()
            try run.expect(!isNested, "errorReceived is never called inside errorReceived")
            try run.expectEqual(run.errors.count, 50, "errors")
            try run.expectBalance(submitted: 50)
        },
    ]
}
