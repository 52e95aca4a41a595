import Foundation
import Testing
import VolleyCapture
import VolleyCore

/// How `volley replay` pairs replies with the captured ones.
@Suite("volley replay compares", .timeLimit(.minutes(10)))
struct ReplayComparisonCommandTests {
    private struct Report: Decodable {
        struct Replies: Decodable {
            let identical, different, missing, extra, lostByFaults, withoutKey: Int
        }
        let replies: Replies?
        let errors: [String: Int]
        let warnings: [String]
    }

    /// Questions of one client and their answers, but for one.
    private static func capture(_ count: Int = 1_000, without lacking: Int? = nil) throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        let client = SocketAddress(IPAddress(v4: 0xc000_0300), port: 40_000)
        let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 7007)
        for index in 0..<count {
            let payload = Array("\(index) datagram".utf8)
            let time = 1_700_000_000_000_000_000 + Int64(index) * 100_000
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            guard index != lacking else { continue }
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1_000)
        }
        return try TemporaryFile(writer.bytes)
    }

    private static func replay(_ file: TemporaryFile, _ arguments: String...) throws -> (Report, Int32) {
        let result = try withExtendedLifetime(file) {
            try Command.run("replay", [file.path, "--as", "server:7007", "--into", "echo", "--json"] + arguments)
        }
        return (try JSONDecoder().decode(Report.self, from: Data(result.output.utf8)), result.status)
    }

    @Test("a reply that the capture lacks is extra, and the others are identical")
    func lacking() throws {
        let (report, status) = try Self.replay(Self.capture(20, without: 4))
        let replies = try #require(report.replies)
        #expect(status == 1)
        #expect(replies.identical == 19 && replies.extra == 1 && replies.different + replies.missing == 0)
    }

    @Test("what a lossy network loses is no difference, if every reply sent was right")
    func lossy() throws {
        let (report, status) = try Self.replay(Self.capture(), "--loss", "1%", "--seed", "1")
        let replies = try #require(report.replies)
        #expect(status == 0)
        #expect(replies.lostByFaults > 0 && replies.identical == 1_000 - replies.lostByFaults)
    }

    @Test("a run that ends early is identical, too")
    func early() throws {
        let (report, status) = try Self.replay(Self.capture(), "--max-datagrams", "3")
        #expect(status == 0)
        #expect(report.replies?.identical == 3 && report.replies?.extra == 0)
    }

    @Test("replies too short for the key go by their order, and are told of")
    func key() throws {
        let (report, status) = try Self.replay(Self.capture(20), "--key", "100-101")
        #expect(status == 0)
        #expect(report.replies?.identical == 20 && report.replies?.withoutKey == 40)
        #expect(report.warnings.contains { $0.hasPrefix("40 replies") })
    }

    @Test("injected error numbers come back with what was delivered")
    func errors() throws {
        let delivered = TemporaryFile("pcapng")
        let (first, _) = try Self.replay(
            Self.capture(), "--seed", "4", "--inject-error", "ECONNREFUSED:3%", "--inject-error", "EIO:2%",
            "--output-delivered", delivered.path, "--no-compare")
        let (second, _) = try Self.replay(delivered, "--no-compare")
        #expect(first.errors.count == 2 && first.errors == second.errors)
    }
}
