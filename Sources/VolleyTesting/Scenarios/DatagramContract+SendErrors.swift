internal import SystemPackage

/// A payload that begins with `x` is poisoned in these scenarios: its send fails, again and again.
extension DatagramContract {
    private static let tag = UInt8(ascii: "x")

    static let sendErrors: [DatagramScenario] = [
        DatagramScenario(
            "an error of one datagram in mid-batch is reported with its peer, and the others go",
            ["D30", "D31", "D91"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.poisonedTags = [tag: .messageTooLong]
            let second = run.isConnected ? 0 : 1
            run.send("a", "b", to: second)
            run.send("x", to: 0)
            run.send("c", "d", to: second)
            run.transport.flush()
            try run.expectEqual(run.arrivals(at: second), ["a", "b", "c", "d"], "arrivals")
            try run.expectEqual(run.errors.count, 1, "errors")
            if let error = run.errors.first { try run.expectOwn(error, .messageTooLong, peer: 0) }
            try run.expectEqual(run.statistics.failedDropped, 1, "dropped for an error")
            try run.expectBalance(submitted: 5)
        },
        DatagramScenario(
            "an error of one datagram in the queue is reported with its peer, and the others go", ["D40", "D41"],
            needs: .sendFaults
        ) { run in
            try run.open(limits: WriteBufferLimits(low: 0, high: 0))
            run.faults.poisonedTags = [tag: .connectionRefused]
            run.block(with: "a", "x", "b")
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectEqual(run.errors.count, 1, "errors")
            if let error = run.errors.first { try run.expectOwn(error, .connectionRefused, peer: 0) }
            try run.expectEqual(run.flowControl, "PR", "calls of flow control")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("every errno of a send reaches errorReceived, and the endpoint lives on", needs: .sendFaults) {
            run in
            try run.open()
            let errnos: [Errno] = [
                .connectionRefused, .noRouteToHost, .networkUnreachable, .hostIsDown, .messageTooLong, .notPermitted,
                .permissionDenied, .invalidArgument, .noBufferSpace, .protocolNotAvailable, .addressRequired,
                .noSuchFileOrDirectory, .brokenPipe,
            ]
            for errno in errnos {
                run.faults.poisonedTags = [tag: errno]
                run.send("x", "ok")
                run.settle()
            }
            try run.expectEqual(run.errors.map(\.errno), errnos, "errors")
            try run.expectEqual(run.arrivals().count, errnos.count, "arrivals")
            try run.expectEqual(run.losses, 0, "calls of connectionLost")
            try run.expectBalance(submitted: 2 * errnos.count)
        },
        DatagramScenario("a batch of nothing but bad datagrams is reported one by one", needs: .sendFaults) { run in
            try run.open()
            run.faults.poisonedTags = [tag: .notPermitted]
            run.send("x", "x", "x", "x", "x")
            run.settle()
            try run.expectEqual(run.errors.count, 5, "errors")
            try run.expectEqual(run.statistics.failedDropped, 5, "dropped for an error")
            try run.expectEqual(run.statistics.sendBatches, 0, "batches sent")
            run.send("a")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectBalance(submitted: 6)
        },
        DatagramScenario(
            "a payload too large for the network is reported, and the others go", ["D91"], needs: .oversized
        ) { run in
            try run.open()
            run.send("a")
            run.transport.send([UInt8](repeating: 1, count: run.world.oversizedCount), to: run.world.peers[0])
            run.send("b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b"], "arrivals")
            try run.expectEqual(run.errors.count, 1, "errors")
            if let error = run.errors.first { try run.expectOwn(error, .messageTooLong, peer: 0) }
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario("a send in errorReceived goes out", needs: .sendFaults) { run in
            let peer = run.world.peers[0]
            try run.open { $0.onError = { transport, _ in transport.send(Array("sorry".utf8), to: peer) } }
            run.faults.poisonedTags = [tag: .notPermitted]
            run.send("a", "x", "b")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a", "b", "sorry"], "arrivals")
            try run.expectBalance(submitted: 4)
        },
        DatagramScenario("a flush in errorReceived sends, and errors stay in order", needs: .sendFaults) { run in
            let peer = run.world.peers[0]
            try run.open {
                $0.onError = { [unowned recorder = $0] transport, _ in
                    guard recorder.errors.count < 4 else { return }
                    transport.send(Array("x\(recorder.errors.count)".utf8), to: peer)
                    transport.send(Array("sorry".utf8), to: peer)
                    transport.flush()
                }
            }
            run.faults.poisonedTags = [tag: .notPermitted]
            run.send("x")
            run.settle()
            try run.expectEqual(run.arrivals(), ["sorry", "sorry", "sorry"], "arrivals")
            try run.expectEqual(run.errors.count, 4, "errors")
            try run.expectBalance(submitted: 7)
        },
        DatagramScenario(
            "an errno of a send that says the descriptor is gone ends the endpoint, and is no errorReceived", ["D6"],
            needs: .sendFaults
        ) { run in
            try run.open()
            run.faults.sendScript = [.take(1), .fail(.badFileDescriptor)]
            run.send("a", "b", "c")
            run.settle()
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectLost(to: .badFileDescriptor)
            try run.expectEqual(run.statistics.failedDropped, 2, "dropped for an error")
            try run.expectBalance(submitted: 3)
        },
        DatagramScenario(
            "a descriptor gone on a receive counts what waits to be sent, and sends none of it", ["D6"],
            needs: [.sendFaults, .receiveFaults]
        ) { run in
            try run.open {
                $0.onError = { [unowned recorder = $0] transport, error in
                    if let peer = recorder.datagrams.first?.source { transport.send([1, 2], to: peer) }
                }
            }
            run.deliver("a")
            run.settle()
            run.faults.receiveScript = [.connectionRefused, .badFileDescriptor]
            run.deliver("b")
            run.settle()
            try run.expectEqual(run.errors.map(\.errno), [.connectionRefused], "errors")
            try run.expectBalance(submitted: 1)
        },
        DatagramScenario("closing inside of a send's own flush drops that send and counts it", needs: .sendFaults) {
            run in
            try run.open { $0.onError = { transport, _ in transport.close() } }
            run.faults.poisonedTags = [tag: .notPermitted]
            run.send("x")
            for index in 0..<2_000 where !run.transport.isClosing { run.send("\(index)") }
            let submitted = run.statistics.sent + 2
            try run.expectEqual(run.errors.count, 1, "errors inside of the send that found the ring full")
            run.settle()
            try run.expectEqual(run.statistics.sent, submitted - 2, "sent")
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectBalance(submitted: Int(submitted))
        },
        DatagramScenario("aborting inside of a send's own flush drops that send and counts it", needs: .sendFaults) {
            run in
            try run.open { $0.onError = { transport, _ in transport.abort() } }
            run.faults.poisonedTags = [tag: .notPermitted]
            run.send("x")
            for index in 0..<2_000 where !run.transport.isClosing { run.send("\(index)") }
            run.settle()
            try run.expectEqual(run.statistics.closedDropped, 1, "dropped since closing")
            try run.expectEqual(run.transport.writeBufferSize, 0, "write buffer")
            try run.expectEqual(run.losses, 1, "calls of connectionLost")
        },
        DatagramScenario(
            "a descriptor gone in the drain ends the endpoint and counts the queue", ["D6"], needs: .sendFaults
        ) { run in
            try run.open()
            run.block(with: "a", "b", "c")
            run.faults.sendScript = [.take(1), .fail(.notSocket)]
            run.faults.isSendingBlocked = false
            run.settle()
            try run.expectEqual(run.arrivals(), ["a"], "arrivals")
            try run.expectLost(to: .notSocket)
            try run.expectEqual(run.statistics.failedDropped, 2, "dropped for an error")
            try run.expectBalance(submitted: 3)
        },
    ]
}

extension ContractRun {
    /// `error` names a datagram for `peer` that this host refused to send.
    func expectOwn(
        _ error: DatagramError, _ errno: Errno, peer: Int, fileID: String = #fileID, filePath: String = #filePath,
        line: Int = #line
    ) throws {
        let address = error.peer.map(PeerAddress.init) ?? error.unixPeer.map(PeerAddress.init)
        let isRight =
            error.errno == errno && error.operation == .send && error.origin == .local && address == world.peers[peer]
        try expect(
            isRight, "a local \(errno) for peer \(peer), not \(error)", fileID: fileID, filePath: filePath, line: line)
    }

    /// The errors so far are these, none of them blamed on a datagram of the present.
    func expectInherited(
        _ errnos: [Errno], fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) throws {
        let isRight = errors.map(\.errno) == errnos && errors.allSatisfy { $0.origin == .network }
        try expect(isRight, "inherited \(errnos), not \(errors)", fileID: fileID, filePath: filePath, line: line)
        try expectEqual(
            statistics.failedDropped, 0, "dropped for an error", fileID: fileID, filePath: filePath, line: line)
    }

    /// The endpoint has ended with this errno, and errorReceived was not called.
    func expectLost(
        to errno: Errno, fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) throws {
        try expectEqual(errors, [], "errors", fileID: fileID, filePath: filePath, line: line)
        guard case .connectionLost(let error?) = events.last, error.errno == errno, error.operation == .send else {
            return try expect(
                false, "connectionLost with \(errno), not \(events)", fileID: fileID, filePath: filePath, line: line)
        }
    }
}
