import Foundation
import Testing
import VolleyCapture
import VolleyCore

/// `volley replay --to`: a capture sent to a real service, which here is our own echo.
@Suite("live replay", .timeLimit(.minutes(10)))
struct ReplayLiveTests {
    /// An echo on a free port of 127.0.0.1.
    private struct Service {
        let running: Command.Running
        let address: String

        init() throws {
            running = try Command.start(["serve", "echo", "--listen", "127.0.0.1:0"])
            let line = running.readLine()
            address = String(try #require(line.split(separator: " ").last))
        }

        func end() {
            running.process.terminate()
            running.process.waitUntilExit()
        }
    }

    private static let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 7007)

    /// Requests of some clients, one each 100 µs, and their answers.
    private static func capture(
        _ datagrams: Int, clients: Int = 3, answer: (Int, [UInt8]) -> [UInt8]? = { $1 }
    ) throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        for index in 0..<datagrams {
            let client = SocketAddress(IPAddress(v4: 0xc000_0300 + UInt32(index % clients)), port: 40_000)
            let payload = Array("\(index) datagram".utf8)
            let time = 1_700_000_000_000_000_000 + Int64(index) * 100_000
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            guard let answer = answer(index, payload) else { continue }
            try writer.writeDatagram(RawSpan(answer.span), from: server, to: client, at: time + 1_000)
        }
        return try TemporaryFile(writer.bytes)
    }

    private struct Report: Decodable {
        struct Lateness: Decodable { let datagrams: Int }
        struct Replies: Decodable { let identical, equalUnderMask, different, missing, extra: Int }
        let sent, answers, sockets, clients, passes: Int
        let lateness: Lateness?
        let replies: Replies?
        let isInterrupted: Bool
    }

    private static func replay(_ file: TemporaryFile, _ arguments: String...) throws -> (Report, Command) {
        let service = try Service()
        defer { service.end() }
        let result = try Command.run(
            "replay",
            [file.path, "--as", "server:7007", "--to", service.address, "--json", "--drain", "0.3"] + arguments)
        return (try JSONDecoder().decode(Report.self, from: Data(result.output.utf8)), result)
    }

    @Test("every datagram is sent from its client's socket, answered and compared")
    func golden() throws {
        let (report, result) = try Self.replay(try Self.capture(60))
        #expect(result.status == 0, "\(result.errors)")
        #expect(report.sent == 60 && report.answers == 60)
        #expect(report.sockets == 3 && report.clients == 3)
        #expect(report.replies?.identical == 60)
        #expect(report.lateness?.datagrams == 60)
    }

    @Test("answers that differ end with status 1, unless the bytes may differ")
    func differing() throws {
        let file = try Self.capture(6) { index, payload in index == 0 ? [0] + payload.dropFirst() : payload }
        let (report, result) = try Self.replay(file)
        #expect(result.status == 1)
        #expect(report.replies?.different == 1 && report.replies?.identical == 5)
        let (masked, accepted) = try Self.replay(file, "--ignore", "0")
        #expect(accepted.status == 0)
        #expect(masked.replies?.equalUnderMask == 1)
    }

    @Test("an answer that never comes is missing, one that was not captured is extra")
    func missingAndExtra() throws {
        let file = try Self.capture(4, clients: 1) { index, payload in index == 3 ? nil : payload }
        let (report, result) = try Self.replay(file)
        #expect(result.status == 1)
        #expect(report.replies?.extra == 1 && report.replies?.identical == 3)
        let silent = try Self.capture(2, clients: 1)
        // Nobody listens on the discard port's neighbour of this socket, which is bound but never reads.
        let deaf = try UDPClient()
        let missing = try Command.run(
            "replay",
            [silent.path, "--as", "server:7007", "--to", "127.0.0.1:\(deaf.port)", "--json", "--drain", "0"])
        #expect(missing.status == 1)
        let decoded = try JSONDecoder().decode(Report.self, from: Data(missing.output.utf8))
        #expect(decoded.replies?.missing == 2)
    }

    @Test("passes, rates and shared sockets", arguments: ["--pps", "--speed", "--top-speed"])
    func paces(pace: String) throws {
        let value = ["--pps": ["20000"], "--speed": ["2"]][pace] ?? []
        let service = try Service()
        defer { service.end() }
        let file = try Self.capture(40)
        let result = try Command.run(
            "replay",
            [
                file.path, "--as", "server:7007", "--to", service.address, "--json", "--drain", "0.3", "--loop", "3",
                "--sockets", "2", "--key", "0-3", pace,
            ] + value)
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        #expect(report.sent == 120 && report.passes == 3)
        #expect(report.sockets == 2 && report.clients == 3)
        #expect(report.replies?.identical == 120)
        #expect((report.lateness == nil) == (pace == "--top-speed"))
        #expect(result.errors.contains("shared 2 sockets"))
    }

    @Test("the golden capture that it writes is what the next replay compares with")
    func update() throws {
        let file = try Self.capture(5) { _, payload in payload + [0] }
        let golden = TemporaryFile("pcapng")
        let (_, first) = try Self.replay(file, "--update", golden.path)
        #expect(first.status == 1)
        let (report, second) = try Self.replay(golden)
        #expect(second.status == 0)
        #expect(report.replies?.identical == 5)
        let offline = try Command.run("replay", golden.path, "--as", "server:7007", "--into", "echo")
        #expect(offline.status == 0, "\(offline.output)")
        let refused = try Command.run(
            "replay", file.path, "--as", "server:7007", "--into", "echo", "--update", golden.path)
        #expect(refused.status == 4)
    }

    @Test("an interrupt ends with a report")
    func interrupt() throws {
        let service = try Service()
        defer { service.end() }
        // One datagram now, the next in an hour.
        let writer = CaptureWriter(inMemory: .pcapng)
        let client = SocketAddress(IPAddress(v4: 0xc000_0301), port: 40_000)
        for hour in 0...1 {
            let payload = Array("x".utf8)
            try writer.writeDatagram(
                RawSpan(payload.span), from: client, to: Self.server, at: Int64(hour) * 3_600_000_000_000)
        }
        let file = try TemporaryFile(writer.bytes)
        let deaf = try UDPClient()
        let running = try Command.start([
            "replay", file.path, "--as", "server:7007", "--to", "127.0.0.1:\(deaf.port)", "--drain", "0",
        ])
        // The first datagram shows that it is at work.
        var byte: UInt8 = 0
        #expect(unsafe recv(deaf.descriptor, &byte, 1, 0) == 1)
        running.process.interrupt()
        let line = running.readLine()
        running.process.waitUntilExit()
        #expect(line.contains("1 datagrams"))
        #expect(running.process.terminationStatus == 0)
    }

    @Test("nothing to send ends with 65 and the reason, and a wrong command line with 64")
    func nothing() throws {
        let file = try Self.capture(2)
        let result = try Command.run("replay", file.path, "--to", "127.0.0.1:9")
        #expect(result.status == 65)
        #expect(result.errors.contains("nothing was sent") && result.errors.contains("7007 (2)"))
        for arguments in [
            [], ["--to", "127.0.0.1:9", "--into", "echo"], ["--to", "127.0.0.1:0"],
            ["--to", "127.0.0.1:9", "--speed", "0"], ["--to", "127.0.0.1:9", "--pps", "5", "--top-speed"],
            ["--into", "echo", "--as", "server:7", "--pps", "5"], ["--to", "127.0.0.1:9", "--key", "3-1"],
            ["--to", "127.0.0.1:9", "--as", "every-server"], ["--to", "127.0.0.1:9", "--loop", "0"],
        ] {
            #expect(try Command.run("replay", [file.path] + arguments).status == 64, "\(arguments)")
        }
    }
}
