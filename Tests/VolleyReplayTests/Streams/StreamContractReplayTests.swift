import SystemPackage
import Testing
import VolleyCapture
import VolleyCore
import VolleyTesting
import VolleyWire

@testable import VolleyReplay

/// The stream contract's world over a replay: what the peer sends are segments of a capture in memory, and what arrives
/// there is what the connection's world has taken.
final class ReplayStreamContractWorld: StreamContractWorld {
    private let isIPv6: Bool
    private let isReversed: Bool
    private let streamFaults = StreamFaults()
    private var run: StreamReplayRun
    // What a callback may ask for while the run is at work.
    private let loop: VirtualEventLoop
    private var world: StreamReplayWorld?
    /// Captures that wait for their turn.
    private var pending: [[UInt8]] = []
    private var sequence = UInt32.max - 2
    private var time: Int64 = 1_000_000_000

    /// - Parameter isReversed: whether what is delivered comes in two segments, the second first.
    init(isIPv6: Bool, isReversed: Bool) {
        self.isIPv6 = isIPv6
        self.isReversed = isReversed
        var options = StreamReplayOptions()
        options.keepsWritten = true
        run = StreamReplayRun(.server(port: 53), options)
        loop = run.loop
    }

    var capabilities: StreamCapabilities { [.writing, .faults, .reset, .interactive, .internet] }
    var faults: StreamFaults? { streamFaults }
    private var local: SocketAddress { address(isIPv6 ? "[2001:db8::1]:53" : "192.0.2.1:53") }
    private var peer: SocketAddress { address(isIPv6 ? "[2001:db8::2]:40000" : "198.51.100.7:40000") }

    func open(_ protocol: any BaseStreamProtocol, options: StreamContractOptions) throws {
        let connection = run.add(StreamKey(local: local, peer: peer), hasBeginning: true)
        connection.transport.writeBufferLimits = options.writeBufferLimits
        let faulty = FaultyStreamWorld(
            connection.world, loop: loop, faults: streamFaults, transport: connection.transport)
        world = connection.world
        // The SYN by itself, so that the first turn is the scenario's.
        addSegments([([], .syn)])
        turn()
        connection.transport.start(`protocol`, in: faulty)
        if !options.earlyBytes.isEmpty { deliver(options.earlyBytes) }
    }

    func deliver(_ bytes: [UInt8]) {
        let half = bytes.count / 2
        isReversed && half > 0
            ? addSegments([(Array(bytes[..<half]), .ack), (Array(bytes[half...]), .ack)])
            : addSegments([(bytes, .ack)])
    }

    func deliverEnd() { addSegments([([], [.fin, .ack])]) }
    func deliverReset() { addSegments([([], .rst)]) }

    /// A capture of these segments, the last first if there are two.
    private func addSegments(_ segments: [([UInt8], TCPFlags)]) {
        var packets: [[UInt8]] = []
        for (payload, flags) in segments {
            // More than a packet holds, one after the other.
            for start in stride(from: 0, through: max(0, payload.count - 1), by: 32_768) {
                let part = Array(payload[start..<min(payload.count, start + 32_768)])
                let segment = StreamCapture.segment(
                    part, flags, sequence, ack: 1, window: 1_000, from: peer, to: local)
                packets.append(TestCapture.packet(from: peer.ip, to: local.ip, number: 6, segment))
                sequence &+= UInt32(part.count) + (flags.contains(.syn) || flags.contains(.fin) ? 1 : 0)
            }
        }
        if segments.count > 1 { packets.reverse() }
        time += 1_000
        do throws(CaptureError) {
            let writer = CaptureWriter(inMemory: .pcapng)
            for packet in packets { try writer.write(RawSpan(packet.span), at: time) }
            try writer.close()
            pending.append(writer.bytes)
        } catch {
            Issue.record(error)
        }
    }

    var arrived: [UInt8] { world?.written ?? [] }
    var hasEnded: Bool { world?.hasWrittenEnd ?? false }
    var isShutDown: Bool { world?.isShutDown ?? false }

    func turn() {
        guard !pending.isEmpty else { return loop.hasWork ? loop.turn() : () }
        do throws(CaptureError) {
            var reader = try CaptureReader(bytes: pending.removeFirst())
            while try run.takeNext(of: &reader, nil, { preconditionFailure("the connection is open") }) {}
        } catch {
            Issue.record(error)
        }
    }

    func settle() {
        while !pending.isEmpty { turn() }
        while !loop.runUntilIdle() {}
    }
}

/// A stream's world whose reads and writes obey a scenario's faults.
@safe
final class FaultyStreamWorld: StreamWorld {
    private let inner: StreamReplayWorld
    private let loop: VirtualEventLoop
    private let faults: StreamFaults
    private weak var transport: FlowTransport?
    private var isReading = false
    private var isAwaitingWritable = false
    private var isWriteScheduled = false

    init(_ inner: StreamReplayWorld, loop: VirtualEventLoop, faults: StreamFaults, transport: FlowTransport) {
        self.inner = inner
        self.loop = loop
        self.faults = faults
        self.transport = transport
        faults.onUnblocked = { [weak self] in self?.scheduleWrite() }
        faults.onReadScripted = { [weak self] in
            self?.loop.callSoon {
                guard let self, self.isReading else { return }
                self.transport?.readable()
            }
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if let errno = faults.nextRead() { return -Int(errno.rawValue) }
        return unsafe inner.read(into: buffer)
    }

    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int {
        let offered = (0..<count).reduce(0) { unsafe $0 + vectors[$1].count }
        let allowed = faults.nextWrite(offered)
        var result = allowed
        if allowed > 0 {
            result = 0
            for index in 0..<count where result < allowed {
                var vector = unsafe vectors[index]
                unsafe vector.count = min(vector.count, allowed - result)
                let taken = unsafe inner.write(&vector, count: 1)
                guard taken >= 0 else {
                    if result == 0 { result = taken }
                    break
                }
                result += taken
            }
        }
        faults.noteWrite(offered: offered, vectors: count, result: result)
        return result
    }

    var receiveBuffer: UnsafeMutableRawBufferPointer { unsafe inner.receiveBuffer }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        inner.setReading(isOn)
    }

    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        scheduleWrite()
    }

    private func scheduleWrite() {
        guard isAwaitingWritable, !isWriteScheduled, !faults.isWritingBlocked else { return }
        isWriteScheduled = true
        loop.callSoon { [weak self] in
            guard let self else { return }
            isWriteScheduled = false
            guard isAwaitingWritable, !faults.isWritingBlocked else { return }
            transport?.writable()
            scheduleWrite()
        }
    }

    func shutDownWriting() -> Int { inner.shutDownWriting() }

    func shutDown(isAborted: Bool) {
        isAwaitingWritable = false
        inner.shutDown(isAborted: isAborted)
    }

    func extraInfo(_ name: String) -> (any Sendable)? { inner.extraInfo(name) }
}

@Suite("The stream contract, on a capture")
struct StreamContractReplayTests {
    @Test("replay over IPv4", arguments: StreamContract.scenarios)
    func replayIPv4(_ scenario: StreamScenario) throws {
        try check(scenario) { ReplayStreamContractWorld(isIPv6: false, isReversed: false) }
    }

    @Test("replay over IPv6", arguments: StreamContract.scenarios)
    func replayIPv6(_ scenario: StreamScenario) throws {
        try check(scenario) { ReplayStreamContractWorld(isIPv6: true, isReversed: false) }
    }

    @Test("replay of segments out of order", arguments: StreamContract.scenarios)
    func replayOutOfOrder(_ scenario: StreamScenario) throws {
        try check(scenario) { ReplayStreamContractWorld(isIPv6: false, isReversed: true) }
    }
}
