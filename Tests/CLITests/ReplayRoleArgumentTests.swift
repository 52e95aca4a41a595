import Foundation
import Testing
import VolleyCapture
import VolleyCore

/// `volley replay --as`.
@Suite("volley replay --as", .timeLimit(.minutes(10)))
struct ReplayRoleArgumentTests {
    private struct Report: Decodable {
        struct ICMPErrors: Decodable { let delivered, unheard: Int }
        let role: String
        let received: Int
        let icmpErrors: ICMPErrors
        let errors: [String: Int]
    }

    private static let client = SocketAddress(IPAddress(v4: 0xc633_6407), port: 40_000)
    private static let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 7007)

    /// What two servers send a client, and "host unreachable" (a soft error) about what it sent the first of them.
    private static func capture() throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        let other = SocketAddress(IPAddress(v4: 0xc000_0202), port: 7007)
        let payload = Array("hello".utf8)
        try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: 1)
        try writer.writeDatagram(RawSpan(payload.span), from: other, to: client, at: 2)
        let router: [UInt8] = [192, 0, 2, 254]
        let quote: [UInt8] =
            [0x45, 0, 0, 33, 0, 0, 0x40, 0, 64, 17, 0, 0, 198, 51, 100, 7, 192, 0, 2, 1]
            + [0x9c, 0x40, 0x1b, 0x5f, 0, 13, 0, 0] + payload
        let icmp: [UInt8] = [3, 1, 0, 0, 0, 0, 0, 0] + quote
        let header: [UInt8] =
            [0x45, 0, 0, UInt8(20 + icmp.count), 0, 0, 0x40, 0, 64, 1, 0, 0] + router + [198, 51, 100, 7]
        let packet = header + icmp
        try writer.write(RawSpan(packet.span), at: 3)
        return try TemporaryFile(writer.bytes)
    }

    private func replay(_ file: TemporaryFile, _ role: String, _ arguments: String...) throws -> Report {
        let result = try Command.run("replay", [file.path, "--as", role, "--into", "sink", "--json"] + arguments)
        #expect(result.status == 0, "\(result.errors)")
        return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    }

    @Test("a client with a peer is connected: it receives from that one only, and hears of its errors")
    func connected() throws {
        let file = try Self.capture()
        let role = "client:\(Self.client),peer=\(Self.server)"
        let plain = try replay(file, role)
        #expect(plain.role == "\(Self.client) connected to \(Self.server)")
        #expect(plain.received == 1)
        #expect(plain.icmpErrors.delivered == 0 && plain.icmpErrors.unheard == 1)
        let hearing = try replay(file, role, "--receive-errors", "connected")
        #expect(hearing.icmpErrors.delivered == 1 && hearing.icmpErrors.unheard == 0)
        #expect(hearing.errors.keys.contains { $0.hasPrefix("113 ") })
        let unconnected = try replay(file, "client:\(Self.client)", "--receive-errors", "connected")
        #expect(unconnected.received == 2 && unconnected.icmpErrors.unheard == 1)
    }

    @Test(
        "a role that is none gets one line that says how to write one, and status 64",
        arguments: [
            ("client:192.0.2.1:5,peer=", "after \",peer=\" come an address and port"),
            ("client:192.0.2.1:5,peer=192.0.2.2", "after \",peer=\" come"),
            ("client:192.0.2.1:5,peer=0.0.0.0:5", "is nobody's address"),
            ("client:192.0.2.1:5,peer=[2001:db8::1]:5", "different families"),
            ("client:192.0.2.1:5,port=7", "\"port=7\" is nothing of a role"),
            ("server:192.0.2.1:5,peer=192.0.2.2:5", "only a client has a peer"),
            ("client:5,peer=192.0.2.2:5", "comes a port (1 to 65535), or an address and port"),
            ("peer:5", "client:ADDRESS:PORT,peer=ADDRESS:PORT"),
        ])
    func wrong(_ role: String, _ message: String) throws {
        let result = try Command.run("replay", "x.pcap", "--into", "sink", "--as", role)
        #expect(result.status == 64)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }
}
