import SystemPackage
import VolleyCapture
import VolleyCore
import VolleyWire

@testable import VolleyReplay

/// A capture of TCP segments made by hand, between one client and one server unless told otherwise.
struct StreamCapture {
    static let server = address("192.0.2.1:53")
    static let client = address("198.51.100.7:40000")
    /// The numbers of the SYNs, unless told otherwise.
    static let clientStart: UInt32 = 1_000
    static let serverStart: UInt32 = 9_000

    let writer = CaptureWriter(inMemory: .pcapng)
    var bytes: [UInt8] { writer.bytes }

    /// A segment.
    ///
    /// - Parameter captured: how many bytes of the packet's end were not captured.
    func add(
        _ payload: [UInt8] = [], _ flags: TCPFlags, _ sequence: UInt32, ack: UInt32 = 0, window: UInt16 = 65_535,
        from source: SocketAddress = client, to destination: SocketAddress = server, at time: Int64 = 0,
        cutting cut: Int = 0
    ) throws {
        let segment = Self.segment(
            payload, flags, sequence, ack: ack, window: window, from: source, to: destination)
        let packet = TestCapture.packet(from: source.ip, to: destination.ip, number: 6, segment)
        let captured = Array(packet.dropLast(cut))
        try writer.write(RawSpan(captured.span), at: TestCapture.origin + time, originalLength: packet.count)
    }

    static func segment(
        _ payload: [UInt8], _ flags: TCPFlags, _ sequence: UInt32, ack: UInt32, window: UInt16,
        from source: SocketAddress, to destination: SocketAddress
    ) -> [UInt8] {
        source.port.bytes + destination.port.bytes + sequence.bytes + ack.bytes + [0x50, flags.rawValue]
            + window.bytes + [0, 0, 0, 0] + payload
    }

    /// The three segments that begin a connection.
    func open(at time: Int64 = 0) throws {
        try add([], .syn, Self.clientStart, at: time)
        try fromServer([], [.syn, .ack], at: -1, ack: 0, time: time)
        try fromClient("", at: 0, time: time)
    }

    /// Bytes of the client at an offset of its stream; `ack` is an offset of the server's.
    func fromClient(
        _ text: String, _ flags: TCPFlags = .ack, at offset: Int, ack: Int = 0, time: Int64 = 0, cutting cut: Int = 0
    ) throws {
        try add(
            Array(text.utf8), flags, Self.clientStart &+ 1 &+ UInt32(truncatingIfNeeded: offset),
            ack: Self.serverStart &+ 1 &+ UInt32(truncatingIfNeeded: ack), at: time, cutting: cut)
    }

    /// Bytes of the server at an offset of its stream; `ack` is an offset of the client's.
    func fromServer(
        _ payload: [UInt8], _ flags: TCPFlags = .ack, at offset: Int, ack: Int = 0, window: UInt16 = 65_535,
        time: Int64 = 0
    ) throws {
        try add(
            payload, flags, Self.serverStart &+ 1 &+ UInt32(truncatingIfNeeded: offset),
            ack: Self.clientStart &+ 1 &+ UInt32(truncatingIfNeeded: ack), window: window, from: Self.server,
            to: Self.client, at: time)
    }

    func fromServer(
        _ text: String, _ flags: TCPFlags = .ack, at offset: Int, ack: Int = 0, time: Int64 = 0
    ) throws {
        try fromServer(Array(text.utf8), flags, at: offset, ack: ack, time: time)
    }

    /// Replays it as the server.
    func replay(
        _ options: StreamReplayOptions = StreamReplayOptions(), as role: ReplayRole = .server(port: 53),
        _ makeProtocol: () -> any BaseStreamProtocol
    ) throws -> StreamReplayReport {
        let report = try StreamReplay(bytes: bytes, as: role, options: options).run(makeProtocol)
        guard report.received.isBalanced, report.captured.isBalanced, report.received.waitingBytes == 0 else {
            preconditionFailure("bytes are not accounted for: \(report.received), \(report.captured)")
        }
        return report
    }

    /// Replays it as the server into one recorder.
    func record(
        _ options: StreamReplayOptions = StreamReplayOptions(), _ recorder: StreamLog = StreamLog()
    ) throws -> (StreamLog, StreamReplayReport) {
        let report = try replay(options) { recorder }
        return (recorder, report)
    }
}

/// Logs every callback with the virtual time, and does what a test tells it to.
final class StreamLog: StreamProtocol {
    var log: [String] = []
    var received: [UInt8] = []
    var transport: (any StreamTransport)?
    var onMade: (any StreamTransport) -> Void = { _ in }
    var onData: (any StreamTransport, [UInt8]) -> Void = { _, _ in }
    var onEnd: (any StreamTransport) -> Void = { _ in }
    var keepsOpen = false

    private func note(_ text: String) { log.append("\(text)@\(transport?.eventLoop.now.nanoseconds ?? -1)") }

    func connectionMade(_ transport: any StreamTransport) {
        self.transport = transport
        note("made")
        onMade(transport)
    }

    func dataReceived(_ data: RawSpan) {
        let bytes = Array(copying: data)
        received += bytes
        note(String(decoding: bytes, as: UTF8.self))
        if let transport { onData(transport, bytes) }
    }

    func eofReceived() -> Bool {
        note("end")
        if let transport { onEnd(transport) }
        return keepsOpen
    }

    func connectionLost(_ error: StreamError?) {
        note(error.map { "lost \($0.errno.rawValue)" } ?? "lost")
        transport = nil
    }
}
