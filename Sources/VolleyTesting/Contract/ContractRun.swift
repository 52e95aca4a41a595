internal import SystemPackage

/// One play of a scenario: the endpoint, what its protocol has recorded, and what the scenario expects.
final class ContractRun {
    let world: any ContractWorld
    let style: ProtocolStyle
    private(set) var recorder = CallbackRecorder?.none
    private(set) var transport: (any DatagramTransport)!

    init(_ world: any ContractWorld, style: ProtocolStyle) {
        self.world = world
        self.style = style
    }

    var isSingle: Bool { style == .single }
    var isConnected: Bool { world.capabilities.contains(.connected) }
    var statistics: DatagramStatistics { transport.statistics }
    /// The world's faults; a scenario that uses them needs the capability.
    var faults: TransportFaults {
        guard let faults = world.faults else { preconditionFailure("the world offers no faults but says it does") }
        return faults
    }

    // MARK: The endpoint

    /// Opens the endpoint; `configure` hangs hooks into the recorder first.
    @discardableResult
    func open(
        limits: WriteBufferLimits = .standard, slotSize: Int = 2_048, _ configure: (CallbackRecorder) -> Void = { _ in }
    ) throws -> CallbackRecorder {
        let recorder: any CallbackRecorder & DatagramProtocol =
            switch style {
            case .single: RecordingProtocol()
            case .batch: RecordingBatchProtocol()
            }
        configure(recorder)
        self.recorder = recorder
        var options = ContractOptions()
        options.writeBufferLimits = limits
        options.slotSize = slotSize
        try world.open(recorder, options: options)
        transport = recorder.transport
        try expect(transport != nil, "connectionMade has been called when the endpoint is open")
        return recorder
    }

    /// Has a peer send texts as one batch.
    func deliver(_ texts: String..., from peer: Int = 0) {
        world.deliver(texts.map { ContractDatagram(peer: peer, payload: Array($0.utf8)) })
    }

    /// Sends texts to a peer.
    func send(_ texts: String..., to peer: Int = 0) {
        for text in texts { transport.send(Array(text.utf8), to: world.peers[peer]) }
    }

    func turn() { world.turn() }
    func settle() { world.settle() }

    /// Runs turns until `condition` holds.
    func turn(
        until what: String, fileID: String = #fileID, filePath: String = #filePath, line: Int = #line,
        _ condition: () -> Bool
    ) throws {
        for _ in 0..<100 {
            if condition() { return }
            turn()
        }
        try expect(condition(), "\(what) within 100 turns", fileID: fileID, filePath: filePath, line: line)
    }

    /// What has arrived at a peer, as text.
    func arrivals(at peer: Int = 0) -> [String] {
        world.arrivals(at: peer).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What the protocol has received, as text.
    var received: [String] { recorder?.payloads.map { String(decoding: $0, as: UTF8.self) } ?? [] }
    var events: [RecordedEvent] { recorder?.events ?? [] }
    var errors: [DatagramError] { recorder?.errors ?? [] }
    var losses: Int { recorder?.losses ?? 0 }
    /// The calls of `pauseWriting` and `resumeWriting`, as `P` and `R`.
    var flowControl: String {
        events.reduce(into: "") {
            if $1 == .pauseWriting { $0 += "P" } else if $1 == .resumeWriting { $0 += "R" }
        }
    }

    // MARK: Expectations

    func expect(
        _ condition: Bool, _ message: @autoclosure () -> String, fileID: String = #fileID,
        filePath: String = #filePath, line: Int = #line
    ) throws(ContractFailure) {
        guard !condition else { return }
        throw ContractPlace(fileID: fileID, filePath: filePath, line: line).failure("expected: \(message())")
    }

    func expectEqual<Value: Equatable>(
        _ actual: Value, _ expected: Value, _ what: String, fileID: String = #fileID, filePath: String = #filePath,
        line: Int = #line
    ) throws(ContractFailure) {
        guard actual != expected else { return }
        throw ContractPlace(fileID: fileID, filePath: filePath, line: line)
            .failure("\(what): expected \(expected), got \(actual)")
    }

    /// Nothing is queued any more, and of what was given to the transport, everything was sent or counted as dropped.
    func expectBalance(
        submitted: Int, fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) throws(ContractFailure) {
        let place = (fileID, filePath, line)
        try expectEqual(
            transport.writeBufferSize, 0, "write buffer", fileID: place.0, filePath: place.1, line: place.2)
        try expectEqual(
            statistics.sent + statistics.sendsDropped, UInt64(submitted), "sent and dropped", fileID: place.0,
            filePath: place.1, line: place.2)
    }

    /// Aborts the endpoint if the scenario has not ended it, then checks what is true of every life of an endpoint.
    func finish() throws {
        guard let recorder else { return }
        recorder.removeHooks()
        transport.abort()
        settle()
        try checkOrder(of: recorder.events)
        try checkAccounts(recorder)
    }

    private func checkOrder(of events: [RecordedEvent]) throws {
        try expectEqual(events.first, .connectionMade, "first callback")
        try expectEqual(events.count { $0 == .connectionMade }, 1, "calls of connectionMade")
        try expectEqual(losses, 1, "calls of connectionLost")
        if case .connectionLost = events.last {} else { try expect(false, "connectionLost last, not \(events)") }
        let isPaired = zip(flowControl, "PRPRPRPRPRPRPRPRPRPR").allSatisfy { $0 == $1 }
        try expect(isPaired, "pauseWriting and resumeWriting in turns, not \(flowControl)")
    }

    private func checkAccounts(_ recorder: CallbackRecorder) throws {
        let statistics = statistics
        let delivered = recorder.datagrams
        try expectEqual(statistics.received, UInt64(delivered.count) + statistics.undelivered, "received")
        try expectEqual(statistics.receiveBatchSizes.reduce(0, +), statistics.receiveBatches, "batch sizes")
        try expect(
            statistics.truncated >= UInt64(delivered.count { $0.isTruncated }), "every truncation counted")
        let arrived = world.peers.indices.reduce(0) { $0 + world.arrivals(at: $1).count }
        try expect(UInt64(arrived) <= statistics.sent, "no more arrivals than sends: \(arrived), \(statistics.sent)")
        var counts: [Errno: UInt64] = [:]
        for error in recorder.errors { counts[error.errno, default: 0] += 1 }
        if case .connectionLost(let error?) = recorder.events.last { counts[error.errno, default: 0] += 1 }
        try expectEqual(statistics.errors, counts, "errors by errno")
        try expectEqual(transport.writeBufferSize, 0, "write buffer after the end")
    }
}
