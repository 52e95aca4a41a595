import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// `volley replay --tcp`.
@Suite("volley replay of streams", .timeLimit(.minutes(10)))
struct ReplayStreamTests {
    private struct Report: Decodable {
        struct Connections: Decodable { let all, closed: Int }
        struct Direction: Decodable { let delivered, retransmitted: Int }
        struct Written: Decodable { let compared, identical, different: Int }
        let connections: Connections
        let received: Direction
        let bytesRead, bytesWritten: Int
        let written: Written?
        let differences: [String]
    }

    /// One connection of a client who says hello twice, and of a server that answers.
    private static func capture(answer: String) throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        func add(_ text: String, _ flags: UInt8, _ sequence: UInt8, ack: UInt8, isFromServer: Bool = false) throws {
            let (server, client): ([UInt8], [UInt8]) = ([192, 0, 2, 1], [192, 0, 2, 2])
            let (serverPort, clientPort): ([UInt8], [UInt8]) = ([0x1b, 0x5f], [0x9c, 0x40])
            let payload = Array(text.utf8)
            let packet: [UInt8] =
                [0x45, 0, 0, UInt8(40 + payload.count), 0, 0, 0, 0, 64, 6, 0, 0]
                + (isFromServer ? server + client + serverPort + clientPort : client + server + clientPort + serverPort)
                + [0, 0, 0, sequence, 0, 0, 0, ack, 0x50, flags, 4, 0, 0, 0, 0, 0] + payload
            try writer.write(RawSpan(packet.span), at: 1_700_000_000_000_000_000)
        }
        try add("", 0x02, 0, ack: 0)
        try add("", 0x12, 0, ack: 1, isFromServer: true)
        try add("hello", 0x10, 1, ack: 1)
        try add("hello", 0x10, 1, ack: 1)
        try add(answer, 0x10, 1, ack: 6, isFromServer: true)
        try add("", 0x11, 6, ack: 6)
        try add("", 0x11, UInt8(1 + answer.utf8.count), ack: 7, isFromServer: true)
        return try TemporaryFile(writer.bytes)
    }

    @Test("an echo of a connection is compared with what the server sent")
    func echo() throws {
        let same = try Self.capture(answer: "hello")
        let result = try Command.run(
            "replay", [same.path, "--as", "server:7007", "--tcp", "--into", "echo", "--json"])
        #expect(result.status == 0, "\(result.errors)")
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        #expect(report.connections.all == 1 && report.connections.closed == 1)
        #expect(report.received.delivered == 5 && report.received.retransmitted == 5)
        #expect(report.bytesRead == 5 && report.bytesWritten == 5 && report.written?.identical == 1)
        let other = try Self.capture(answer: "help!")
        let differs = try Command.run("replay", [other.path, "--as", "server:7007", "--tcp", "--into", "echo"])
        #expect(differs.status == 1)
        #expect(differs.output.contains("first difference at byte 3"), "\(differs.output)")
        let sink = try Command.run("replay", [other.path, "--as", "server:7007", "--tcp", "--into", "sink"])
        #expect(sink.status == 0 && !sink.output.contains("written:"), "\(sink.output)")
    }

    @Test("what does not go together is refused")
    func refusals() throws {
        for arguments in [
            ["--as", "server:7007", "--into", "echo", "--midstream"],
            ["--as", "server:7007", "--into", "echo", "--tcp", "--output", "x.pcapng"],
            ["--as", "server:7007", "--into", "echo", "--tcp", "--loss", "5%"],
            ["--to", "127.0.0.1:7", "--tcp"], ["--as", "server:7007", "--into", "reflect", "--tcp"],
        ] {
            let result = try Command.run("replay", ["x.pcap"] + arguments)
            #expect(result.status == 64, "\(arguments): \(result.errors)")
        }
    }
}
