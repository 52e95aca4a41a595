internal import SystemPackage

/// One play of a scenario: the stream, what its protocol has recorded, and what the scenario expects.
final class StreamRun {
    let world: any StreamContractWorld
    let style: StreamStyle
    private(set) var recorder: (any StreamRecorder & BaseStreamProtocol)!
    private(set) var transport: (any StreamTransport)!
    /// Protocols that have had the stream before, in order.
    private var replaced: [StreamRecorder] = []
    private(set) var submitted = 0
    private var untold = 0

    init(_ world: any StreamContractWorld, style: StreamStyle) {
        self.world = world
        self.style = style
    }

    var statistics: StreamStatistics { transport.statistics }
    /// The world's faults; a scenario that uses them needs the capability.
    var faults: StreamFaults {
        guard let faults = world.faults else { preconditionFailure("the world offers no faults but says it does") }
        return faults
    }

    // MARK: The stream

    /// A recorder of the play's kind.
    func makeRecorder() -> any StreamRecorder & BaseStreamProtocol {
        switch style {
        case .plain: RecordingStreamProtocol()
        case .buffered: RecordingBufferedProtocol()
        case .tiny: RecordingBufferedProtocol(bufferSize: 3)
        }
    }

    /// Opens the stream; `configure` hangs hooks into the recorder first.
    @discardableResult
    func open(
        limits: WriteBufferLimits = .stream, early: String = "", _ configure: (StreamRecorder) -> Void = { _ in }
    ) throws -> StreamRecorder {
        try open(makeRecorder(), limits: limits, early: early, configure)
    }

    /// Opens the stream with a recorder of the scenario's own.
    @discardableResult
    func open(
        _ recorder: any StreamRecorder & BaseStreamProtocol, limits: WriteBufferLimits = .stream, early: String = "",
        _ configure: (StreamRecorder) -> Void = { _ in }
    ) throws -> StreamRecorder {
        configure(recorder)
        self.recorder = recorder
        var options = StreamContractOptions()
        options.writeBufferLimits = limits
        options.earlyBytes = Array(early.utf8)
        try world.open(recorder, options: options)
        transport = recorder.transport
        try expect(transport != nil, "connectionMade has been called when the stream is open")
        return recorder
    }

    /// Hands the stream to another recorder, which then counts as the scenario's.
    func handOver(to other: any StreamRecorder & BaseStreamProtocol) {
        replaced.append(recorder)
        other.transport = transport
        recorder = other
        transport.setProtocol(other)
    }

    /// Has the peer write a text.
    func deliver(_ text: String) { world.deliver(Array(text.utf8)) }

    /// Writes texts, one by one.
    func write(_ texts: String...) {
        for text in texts { write(Array(text.utf8)) }
    }

    func write(_ bytes: [UInt8]) {
        submitted += bytes.count
        transport.write(bytes)
    }

    /// Notes that the transport has counted bytes which no protocol was told of, or which one was told of twice (negative).
    func noteUntold(_ count: Int) { untold += count }

    /// Notes bytes that the scenario has written in its own way.
    func noteSubmitted(_ count: Int) { submitted += count }

    /// Makes the stream queue a text.
    func block(with text: String) {
        faults.isWritingBlocked = true
        write(text)
    }

    func turn() { world.turn() }
    func settle() { world.settle() }

    /// What has arrived at the peer, as text.
    var arrivals: String { String(decoding: world.arrived, as: UTF8.self) }
    /// What the protocol has received, as text.
    var received: String { String(decoding: recorder.received, as: UTF8.self) }
    var events: [RecordedStreamEvent] { recorder.events }
    var losses: Int { recorder.losses }
    var flowControl: String { recorder.flowControl }

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

    /// The stream was lost once, last, with this errno.
    func expectLost(
        _ errno: Errno?, fileID: String = #fileID, filePath: String = #filePath, line: Int = #line
    ) throws(ContractFailure) {
        try expectEqual(losses, 1, "calls of connectionLost", fileID: fileID, filePath: filePath, line: line)
        try expectEqual(
            recorder.lossError?.errno, errno, "errno of connectionLost", fileID: fileID, filePath: filePath,
            line: line)
        try expect(
            world.isShutDown, "the socket closed after connectionLost", fileID: fileID, filePath: filePath, line: line)
    }

    /// Aborts the stream if the scenario has not ended it, then checks what is true of every life of a stream.
    func finish() throws {
        guard let recorder else { return }
        recorder.removeHooks()
        for old in replaced { old.removeHooks() }
        transport.abort()
        settle()
        try checkOrder(of: replaced.flatMap(\.events) + recorder.events)
        try checkAccounts()
        try expect(world.isShutDown, "the socket closed in the end")
        try expect(transport.currentProtocol == nil, "no protocol in the end")
    }

    /// CM → (DR | GB → BU?)* → ER? → CL.
    private func checkOrder(of events: [RecordedStreamEvent]) throws {
        try expectEqual(events.first, .connectionMade, "first callback")
        try expectEqual(events.count { $0 == .connectionMade }, 1, "calls of connectionMade")
        try expectEqual(losses, 1, "calls of connectionLost")
        if case .connectionLost = events.last {} else { try expect(false, "connectionLost last, not \(events)") }
        try expect(events.count { $0 == .endOfStream } <= 1, "eofReceived at most once")
        var hasEnded = false
        var isLent = false
        for event in events {
            switch event {
            case .data, .getBuffer:
                try expect(!hasEnded, "no data after eofReceived: \(events)")
                isLent = true
            case .bufferUpdated(let bytes):
                try expect(isLent && !bytes.isEmpty, "bufferUpdated after getBuffer, with bytes: \(events)")
                isLent = false
            case .endOfStream: hasEnded = true
            default: break
            }
        }
        let flowControl = (replaced + [recorder]).map(\.flowControl).joined()
        let isPaired = flowControl.enumerated().allSatisfy { $0.element == ($0.offset % 2 == 0 ? "P" : "R") }
        try expect(isPaired, "pauseWriting and resumeWriting in turns, not \(flowControl)")
    }

    private func checkAccounts() throws {
        let received = (replaced + [recorder]).reduce(0) { $0 + $1.received.count }
        try expectEqual(Int(statistics.bytesReceived) - untold, received, "bytes received")
        try expectEqual(transport.writeBufferSize, 0, "write buffer after the end")
        try expectEqual(statistics.bytesSent + statistics.bytesDropped, UInt64(submitted), "bytes sent and dropped")
        try expect(UInt64(world.arrived.count) <= statistics.bytesSent, "no more arrives than is sent")
    }
}
