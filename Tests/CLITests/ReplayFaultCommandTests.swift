import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// `volley replay --into` with faults, and with a host that is modelled more closely.
@Suite("volley replay with faults", .timeLimit(.minutes(10)))
struct ReplayFaultCommandTests {
    private struct Report: Decodable {
        struct Datagrams: Decodable { let received, kernelDropped, lost, duplicated: Int }
        struct ICMPErrors: Decodable { let delivered, unheard: Int }
        struct Faults: Decodable {
            let seed: UInt64
            let received, sent: [String: Int]
        }
        let classes: [String: Int]
        let datagrams: Datagrams
        let icmpErrors: ICMPErrors
        let batches, sent: Int
        let errors: [String: Int]
        let faults: Faults?
        let virtualSeconds: Double
    }

    private static let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 7007)

    /// Requests of some clients, one each 100 µs, and their answers.
    private static func capture(_ count: Int = 400) throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        for index in 0..<count {
            let client = SocketAddress(IPAddress(v4: 0xc000_0300 + UInt32(index % 3)), port: 40_000)
            let payload = Array("\(index) datagram".utf8)
            let time = 1_700_000_000_000_000_000 + Int64(index) * 100_000
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1_000)
        }
        return try TemporaryFile(writer.bytes)
    }

    private static func replay(_ path: String, _ arguments: String...) throws -> (Report, Command) {
        let result = try Command.run(
            "replay", [path, "--as", "server:7007", "--into", "echo", "--no-compare", "--json"] + arguments)
        return (try JSONDecoder().decode(Report.self, from: Data(result.output.utf8)), result)
    }

    @Test("all faults are counted, and the same seed gives the same files")
    func faults() throws {
        let file = try Self.capture()
        func run(_ seed: String) throws -> (report: Report, output: Data, delivered: TemporaryFile) {
            let (output, delivered) = (TemporaryFile("pcapng"), TemporaryFile("pcapng"))
            let (report, result) = try Self.replay(
                file.path, "--seed", seed, "--loss", "5%", "--burst-loss", "1%,50%", "--duplicate", "0.05", "--reorder",
                "10%,2ms", "--delay", "1ms", "--jitter", "500us", "--delay-shape", "normal", "--truncate", "5%",
                "--corrupt", "5%", "--inject-error", "ECONNREFUSED:2%", "--inject-error", "ENOBUFS:2%", "--inject-icmp",
                "3/3:5%", "--output", output.path, "--output-delivered", delivered.path)
            #expect(result.status == 0, "\(result.errors)")
            return (report, try Data(contentsOf: URL(fileURLWithPath: output.path)), delivered)
        }
        let (one, same, other) = (try run("7"), try run("7"), try run("8"))
        let faults = try #require(one.report.faults)
        #expect(faults.seed == 7)
        let kinds = [
            "loss", "burstLoss", "duplication", "reordering", "delay", "truncation", "corruption", "errno",
        ]
        for kind in kinds { #expect(faults.received[kind] ?? 0 > 0 && faults.sent[kind] ?? 0 > 0, "\(kind)") }
        #expect(faults.sent["icmp"] ?? 0 > 0 && faults.received["icmp"] == nil)
        let datagrams = one.report.datagrams
        #expect(datagrams.received == 400 - datagrams.lost + datagrams.duplicated)
        #expect(one.output == same.output && one.output != other.output)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: one.delivered.path))
        #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: same.delivered.path)))

        let (again, _) = try Self.replay(one.delivered.path, "--receive-errors", "all", "--error-order", "kernel")
        #expect(again.datagrams.received == datagrams.received)
        #expect(again.faults == nil)
        #expect(again.icmpErrors.delivered == again.classes["icmpError"] && again.icmpErrors.delivered > 0)
    }

    @Test("the seed is printed, also one that nobody gave, and brings the same again")
    func seed() throws {
        let file = try Self.capture()
        let (first, _) = try Self.replay(file.path, "--loss", "50%")
        let seed = try #require(first.faults).seed
        let (second, _) = try Self.replay(file.path, "--loss", "50%", "--seed", "\(seed)")
        #expect(first.datagrams.received == second.datagrams.received)
        let text = try Command.run(
            "replay", file.path, "--as", "server:7007", "--into", "sink", "--seed", "9", "--loss", "100%")
        #expect(text.output.contains("faults: seed 9; received: loss 400; sent: none"))
        #expect(text.output.contains("400 lost by faults"))
        #expect(text.status == 65)
        #expect(text.errors.contains("faults lost 400 datagrams"))
    }

    @Test("faults of one direction leave the other alone", arguments: ["receive", "send"])
    func direction(_ direction: String) throws {
        let file = try Self.capture()
        let (report, _) = try Self.replay(file.path, "--loss", "50%", "--faults-on", direction)
        let faults = try #require(report.faults)
        #expect((faults.received["loss"] != nil) == (direction == "receive"))
        #expect((faults.sent["loss"] != nil) == (direction == "send"))
    }

    @Test("the host can be modelled: buffers, batches, MTU, rate, limits")
    func model() throws {
        let file = try Self.capture()
        let (plain, _) = try Self.replay(file.path)
        #expect(plain.batches == 400 && plain.sent == 400)
        let (batched, _) = try Self.replay(file.path, "--batch-window", "10ms", "--batch-size", "50")
        #expect(batched.batches == 8)
        let (busy, _) = try Self.replay(file.path, "--turn-duration", "5ms", "--receive-buffer", "8000")
        #expect(busy.datagrams.kernelDropped > 100)
        let (narrow, _) = try Self.replay(file.path, "--mtu", "38")
        #expect(narrow.errors.keys.contains { $0.hasPrefix("90 ") } && narrow.sent < 400)
        let (slow, _) = try Self.replay(
            file.path, "--send-rate", "1000", "--send-buffer", "100", "--write-limits", "100,200,300")
        #expect(slow.sent < 100)
        let (short, _) = try Self.replay(file.path, "--max-datagrams", "10", "--drain", "3")
        #expect(short.datagrams.received == 10 && short.virtualSeconds > 3)
    }

    @Test("checksums and tunnels are those of inspect")
    func decoding() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        let client = SocketAddress(IPAddress(v4: 0xc000_0300), port: 40_000)
        var inner = [UInt8](repeating: 0, count: UDPPacket.length(payloadLength: 5, isIPv6: false))
        let payload = Array("inner".utf8)
        // SAFETY: the output writes within the array, all of which is initialised.
        try unsafe inner.withUnsafeMutableBytes { buffer in
            var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
            try UDPPacket.write(from: client, to: Self.server, payload: RawSpan(payload.span), into: &output)
            _ = unsafe output.finalize(for: buffer)
        }
        var bad = inner
        bad[26] ^= 1
        try writer.write(RawSpan(bad.span), at: 1)
        let vxlan: [UInt8] = [8, 0, 0, 0, 0, 0, 1, 0] + [UInt8](repeating: 2, count: 12) + [8, 0] + inner
        try writer.writeDatagram(
            RawSpan(vxlan.span), from: SocketAddress(IPAddress(v4: 0x0a00_0001), port: 9),
            to: SocketAddress(IPAddress(v4: 0x0a00_0002), port: 4_789), at: 2)
        let file = try TemporaryFile(writer.bytes)
        #expect(try Self.replay(file.path).0.datagrams.received == 1)
        let (verified, _) = try Self.replay(file.path, "--checksums", "verify", "--tunnels", "vxlan")
        #expect(verified.datagrams.received == 1 && verified.classes == ["badChecksum": 1, "delivered": 1])
        #expect(try Self.replay(file.path, "--tunnels", "all").0.datagrams.received == 2)
    }

    @Test(
        "a wrong value gets one line that names the flag, and status 64",
        arguments: [
            ["--loss", "7"], ["--loss", "101%"], ["--loss", "many"], ["--burst-loss", "1%"], ["--duplicate", "-1%"],
            ["--reorder", "5%,soon"], ["--delay", "5x"], ["--delay", "-5ms"], ["--jitter", "5ms"], ["--seed", "x"],
            ["--delay-shape", "normal"], ["--truncate", ""], ["--corrupt", "nan"], ["--inject-error", "EFOO:1%"],
            ["--inject-error", "ECONNREFUSED"], ["--inject-error", "EAGAIN:1%"], ["--inject-icmp", "3:1%"],
            ["--inject-icmp", "3/3:1%", "--faults-on", "receive"], ["--faults-on", "x"], ["--mtu", "3"],
            ["--send-rate", "0"], ["--batch-size", "0"], ["--batch-size", "1025"], ["--receive-buffer", "-1"],
            ["--error-order", "x"], ["--receive-errors", "x"], ["--write-limits", "1,2"], ["--write-limits", "5,4,3"],
            ["--checksums", "maybe"], ["--tunnels", "foo"], ["--turn-duration", "x"], ["--max-datagrams", "0"],
            ["--differences", "-1"], ["--output-delivered", "x.pcapng", "--as", "every-server"],
        ])
    func wrong(_ arguments: [String]) throws {
        let role = arguments.contains("--as") ? [] : ["--as", "server:7007"]
        let result = try Command.run("replay", ["x.pcap", "--into", "echo"] + role + arguments)
        #expect(result.status == 64)
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.errors.contains(arguments[0]) || result.errors.contains("EAGAIN"), "\(result.errors)")
    }

    @Test("what is for offline replays is refused for live ones", arguments: ["--loss", "--mtu", "--seed"])
    func live(_ option: String) throws {
        let result = try Command.run(
            "replay", "x.pcap", "--to", "127.0.0.1:9", option, option == "--loss" ? "5%" : "99")
        #expect(result.status == 64)
        #expect(result.errors.contains("\(option) is for offline replays"))
    }
}
