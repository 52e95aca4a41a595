internal import SystemPackage

extension DatagramContract {
    static let receiving: [DatagramScenario] = [
        DatagramScenario("a datagram is delivered once, with its bytes and its source", ["D1"]) { run in
            try run.open()
            run.deliver("hello")
            run.settle()
            try run.expectEqual(run.received, ["hello"], "payloads")
            try run.expectEqual(run.recorder?.datagrams.first?.source, run.world.peers[0], "source")
            try run.expectEqual(run.recorder?.datagrams.first?.isTruncated, false, "truncated")
            try run.expectEqual(run.statistics.received, 1, "received")
            try run.expectEqual(run.statistics.bytesReceived, 5, "bytes received")
        },
        DatagramScenario("the datagrams of one batch are delivered in order, and counted as one batch", ["D95"]) {
            run in
            try run.open()
            run.deliver("a", "b", "c", "d", "e")
            run.settle()
            try run.expectEqual(run.received, ["a", "b", "c", "d", "e"], "payloads")
            try run.expectEqual(run.statistics.receiveBatches, 1, "batches")
            try run.expectEqual(run.statistics.receiveBatchSizes[2], 1, "batches of 4 to 7")
            try run.expectEqual(run.events.contains(.batch(5)), !run.isSingle, "datagramsReceived with five")
        },
        DatagramScenario("batches follow one another, each counted by its size", needs: .interactive) { run in
            try run.open()
            run.deliver("a")
            run.settle()
            run.deliver("b", "c")
            run.settle()
            run.deliver("d", "e", "f", "g", "h", "i", "j", "k")
            run.settle()
            try run.expectEqual(run.received.joined(), "abcdefghijk", "payloads")
            try run.expectEqual(run.statistics.received, 11, "received")
            try run.expectEqual(run.statistics.receiveBatchSizes, [1, 1, 0, 1, 0, 0, 0], "batch sizes")
        },
        DatagramScenario(
            "datagrams of several peers keep their order and their sources", needs: .unconnected
        ) { run in
            try run.open()
            run.world.deliver([
                ContractDatagram(peer: 0, payload: [1]), ContractDatagram(peer: 1, payload: [2]),
                ContractDatagram(peer: 0, payload: [3]),
            ])
            run.settle()
            let peers = run.world.peers
            try run.expectEqual(run.recorder?.payloads, [[1], [2], [3]], "payloads")
            try run.expectEqual(run.recorder?.datagrams.map(\.source), [peers[0], peers[1], peers[0]], "sources")
        },
        DatagramScenario("a connected endpoint hears its peer and no stranger", needs: .connected) { run in
            try run.open()
            run.deliver("stranger", from: 1)
            run.deliver("peer")
            run.settle()
            try run.expectEqual(run.received, ["peer"], "payloads")
        },
        DatagramScenario("a zero-length datagram is delivered like any other", ["D12", "D90"]) { run in
            try run.open()
            run.deliver("", "after")
            run.settle()
            try run.expectEqual(run.received, ["", "after"], "payloads")
            try run.expectEqual(run.recorder?.datagrams.first?.source, run.world.peers[0], "source")
            try run.expectEqual(run.errors, [], "errors")
            try run.expect(!run.transport.isClosing, "the endpoint stays open")
        },
        DatagramScenario(
            "a datagram longer than its slot is delivered truncated, flagged and counted", needs: .truncation
        ) { run in
            try run.open(slotSize: 8)
            run.deliver("0123456789", "short")
            run.settle()
            try run.expectEqual(run.received, ["01234567", "short"], "payloads")
            try run.expectEqual(run.recorder?.datagrams.map(\.isTruncated), [true, false], "truncated")
            try run.expectEqual(run.statistics.truncated, 1, "truncations")
            try run.expectEqual(run.statistics.bytesReceived, 13, "bytes received")
        },
        DatagramScenario("nothing to receive is no error", ["D3"]) { run in
            try run.open()
            run.turn()
            run.settle()
            try run.expectEqual(run.events, [.connectionMade], "callbacks")
        },
        DatagramScenario("the names of both ends are known inside connectionMade", ["F16"]) { run in
            var isNamed = false
            try run.open {
                $0.onConnectionMade = { isNamed = $0.localAddress != nil || $0.unixLocalAddress != nil }
            }
            try run.expect(isNamed, "a local address inside connectionMade")
            let transport: any DatagramTransport = run.transport
            let peer =
                transport.remoteAddress.map(PeerAddress.init) ?? transport.unixRemoteAddress.map(PeerAddress.init)
            try run.expectEqual(peer, run.isConnected ? run.world.peers[0] : nil, "remote address")
        },
        DatagramScenario("extra info gives a value, the fallback, or nothing", ["F16"]) { run in
            try run.open()
            let transport: any DatagramTransport = run.transport
            if let address = transport.localAddress {
                try run.expectEqual(transport.extraInfo("sockname") as? SocketAddress, address, "sockname")
            } else {
                try run.expectEqual(
                    transport.extraInfo("sockname") as? UnixAddress, transport.unixLocalAddress, "sockname")
            }
            try run.expectEqual(transport.extraInfo("peername") != nil, run.isConnected, "a peername")
            try run.expect(transport.extraInfo("no such thing") == nil, "nil for an unknown name")
            try run.expectEqual(transport.extraInfo("no such thing", default: 7), 7, "the fallback")
        },
    ]

    static let receiveErrors: [DatagramScenario] = [
        DatagramScenario("would-block on a receive is no error", ["D3"], needs: .receiveFaults) { run in
            try run.open()
            run.faults.receiveScript = [.wouldBlock]
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.received, ["a"], "payloads")
            try run.expectEqual(run.errors, [], "errors")
        },
        DatagramScenario(
            "every errno of a receive reaches errorReceived, and the endpoint lives on", ["D5", "D9"],
            needs: .receiveFaults
        ) { run in
            try run.open()
            let errnos: [Errno] = [
                .connectionRefused, .noRouteToHost, .networkUnreachable, .messageTooLong, .notPermitted, .noMemory,
            ]
            run.faults.receiveScript = errnos
            run.deliver("after")
            run.settle()
            try run.expectEqual(run.errors.map(\.errno), errnos, "errors")
            try run.expect(run.errors.allSatisfy { $0.operation == .receive }, "errors of receives")
            try run.expectEqual(run.errors.first?.peer, run.transport.remoteAddress, "peer of the error")
            try run.expectEqual(run.received, ["after"], "payloads")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
        },
        DatagramScenario("an error on a receive costs none of the datagrams behind it", needs: .receiveFaults) { run in
            try run.open()
            run.deliver("a", "b", "c")
            run.faults.receiveScript = [.connectionRefused]
            run.settle()
            try run.expectEqual(run.errors.map(\.errno), [.connectionRefused], "errors")
            try run.expectEqual(run.received, ["a", "b", "c"], "payloads")
        },
        DatagramScenario("closing in errorReceived stops the receiving", needs: .receiveFaults) { run in
            try run.open { $0.onError = { transport, _ in transport.close() } }
            run.faults.receiveScript = [.connectionRefused, .connectionRefused]
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.errors.count, 1, "errors")
            try run.expectEqual(run.received, [], "payloads")
            try run.expectEqual(run.events.last, .connectionLost(nil), "last callback")
        },
        DatagramScenario("pausing in errorReceived holds back what follows", needs: .receiveFaults) { run in
            try run.open { $0.onError = { transport, _ in transport.pauseReading() } }
            run.faults.receiveScript = [.connectionRefused]
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.received, [], "payloads while paused")
            run.transport.resumeReading()
            run.settle()
            try run.expectEqual(run.received, ["a"], "payloads")
        },
        DatagramScenario(
            "an errno of a receive that says the descriptor is gone ends the endpoint, and is no errorReceived", ["D6"],
            needs: .receiveFaults
        ) { run in
            try run.open()
            run.faults.receiveScript = [.badFileDescriptor]
            run.deliver("a")
            run.settle()
            try run.expectEqual(run.errors, [], "errors")
            guard case .connectionLost(let error?) = run.events.last else {
                return try run.expect(false, "connectionLost with an error, not \(run.events)")
            }
            try run.expectEqual(error.errno, .badFileDescriptor, "errno")
            try run.expectEqual(error.operation, .receive, "operation")
        },
    ]
}
