import Glibc
import SystemPackage
import VolleyCapture
import VolleyReplay
import VolleyWire

/// A capture made by hand: datagrams of either direction with their times in nanoseconds since ``origin``.
struct TestCapture {
    static let origin: Int64 = 1_700_000_000_000_000_000
    static let server = address("192.0.2.1:53")
    static let client = address("198.51.100.7:40000")

    private let writer: CaptureWriter

    init(_ format: CaptureFormat = .pcapng) {
        writer = CaptureWriter(inMemory: format)
    }

    func add(
        _ text: String, at time: Int64 = 0, from source: SocketAddress = client, to destination: SocketAddress = server
    ) throws {
        let payload = Array(text.utf8)
        try writer.writeDatagram(RawSpan(payload.span), from: source, to: destination, at: Self.origin + time)
    }

    /// A datagram of the server to the client.
    func answer(_ text: String, at time: Int64 = 0) throws {
        try add(text, at: time, from: Self.server, to: Self.client)
    }

    var bytes: [UInt8] { writer.bytes }
}

func address(_ text: String) -> SocketAddress {
    guard let address = SocketAddress(text) else { preconditionFailure("not an address: \(text)") }
    return address
}

/// Logs every callback with the virtual time, and does what a test tells it to.
final class Probe: DatagramProtocol {
    var log: [String] = []
    var transport: (any DatagramTransport)?
    var onMade: (Probe) -> Void = { _ in }
    var onText: (Probe, String) -> Void = { _, _ in }
    /// Whether datagrams are answered with `re:` and what they say.
    var answers = false

    var now: Int64 { transport?.eventLoop.now.nanoseconds ?? -1 }

    func note(_ text: String) { log.append("\(text)@\(now)") }

    func connectionMade(_ transport: any DatagramTransport) {
        self.transport = transport
        note("made")
        onMade(self)
    }

    func datagramReceived(_ datagram: Datagram) {
        let text = String(decoding: Array(copying: datagram.payload), as: UTF8.self)
        note(text)
        if answers { datagram.reply(Array("re:\(text)".utf8)) }
        onText(self, text)
    }

    func errorReceived(_ error: DatagramError) { note("error \(error.errno.rawValue)") }

    func connectionLost(_ error: DatagramError?) { note(error == nil ? "lost" : "lost with error") }
}

/// Logs the batches it gets.
class BatchProbe: DatagramProtocol {
    var batches: [[String]] = []
    var times: [Int64] = []
    private var loop: (any EventLoop)?

    func connectionMade(_ transport: any DatagramTransport) { loop = transport.eventLoop }

    func datagramsReceived(_ batch: borrowing DatagramBatch) {
        var texts: [String] = []
        for index in batch.indices {
            texts.append(String(decoding: Array(copying: batch[index].payload), as: UTF8.self))
        }
        note(texts)
    }

    func note(_ texts: [String]) {
        batches.append(texts)
        times.append(loop?.now.nanoseconds ?? -1)
    }
}

/// Calls `body` with the path of a file of these bytes, and removes it: only from a file does the reader fill its buffer
/// again and again.
func withFile<Result>(of bytes: [UInt8], _ body: (String) throws -> Result) throws -> Result {
    let path = "/tmp/volley-replay-test-\(UInt64.random(in: 0...UInt64.max)).capture"
    // SAFETY: the string is a C string for the length of the call.
    defer { unsafe unlink(path) }
    let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
    try file.closeAfter { _ = try file.writeAll(bytes) }
    return try body(path)
}

extension ReplayReport {
    /// What holds after every replay.
    var isBalanced: Bool {
        records[.delivered] == datagrams.total && UInt64(datagrams.received) == statistics.received
            && statistics.sendsDropped == statistics.overflowDropped + statistics.failedDropped
                + statistics.closedDropped + statistics.abortedDropped + statistics.refusedDropped
    }
}
