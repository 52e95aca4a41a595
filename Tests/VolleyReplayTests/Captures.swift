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

    let writer: CaptureWriter

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

extension TestCapture {
    /// An ICMP or ICMPv6 error about a datagram, without checksums.
    func addError(
        _ type: UInt8, _ code: UInt8, word: UInt32 = 0, about source: SocketAddress = client,
        to destination: SocketAddress = server, quoting text: String = "", from offender: IPAddress = offender,
        at time: Int64 = 0
    ) throws {
        let isIPv6 = source.ip.isIPv6
        let payload = Array(text.utf8)
        let udp =
            source.port.bytes + destination.port.bytes + UInt16(8 + payload.count).bytes + [0, 0] + payload
        let quote = Self.packet(from: source.ip, to: destination.ip, number: 17, udp)
        let message = [type, code, 0, 0] + word.bytes + quote
        try addPacket(Self.packet(from: offender, to: source.ip, number: isIPv6 ? 58 : 1, message), at: time)
    }

    /// A router.
    static let offender = address("203.0.113.1:0").ip

    /// A datagram in two fragments of IPv4, the second of which comes first if `isReversed`.
    func addFragments(_ text: String, split: Int, isReversed: Bool = false, at times: (Int64, Int64)) throws {
        let payload = Array(text.utf8)
        let udp =
            Self.client.port.bytes + Self.server.port.bytes + UInt16(8 + payload.count).bytes + [0, 0] + payload
        var parts: [[UInt8]] = [Array(udp[..<split]), Array(udp[split...])]
        var words: [UInt16] = [0x2000, UInt16(split / 8)]
        if isReversed {
            parts.reverse()
            words.reverse()
        }
        for (index, time) in [times.0, times.1].enumerated() {
            try addPacket(
                Self.packet(
                    from: Self.client.ip, to: Self.server.ip, number: 17, parts[index], fragment: words[index]),
                at: time)
        }
    }

    static func packet(
        from source: IPAddress, to destination: IPAddress, number: UInt8, _ content: [UInt8], fragment: UInt16 = 0
    ) -> [UInt8] {
        if source.isIPv6 {
            return [0x60, 0, 0, 0] + UInt16(content.count).bytes + [number, 64] + source.octets + destination.octets
                + content
        }
        return [0x45, 0] + UInt16(20 + content.count).bytes + [0, 7] + fragment.bytes + [64, number, 0, 0]
            + source.octets + destination.octets + content
    }

    func addPacket(_ packet: [UInt8], at time: Int64) throws {
        try writer.write(RawSpan(packet.span), at: Self.origin + time)
    }
}

extension FixedWidthInteger {
    /// The bytes in network order.
    var bytes: [UInt8] { (0..<bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (bitWidth - 8 - 8 * $0)) } }
}

extension IPAddress {
    /// The address as a header has it.
    var octets: [UInt8] { isIPv6 ? high.bytes + low.bytes : UInt32(truncatingIfNeeded: low).bytes }
}
