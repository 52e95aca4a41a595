import Foundation
import Testing
import Volley
import VolleyCapture
import VolleyReplay

/// The README's promises: its Swift code is compiled and run, its commands and files exist.
struct ReadmeTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func lines(_ path: String) throws -> [String] {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// The lines of each fenced block of `language`.
    private static func blocks(_ language: String) throws -> [[String]] {
        var blocks: [[String]] = []
        var isInside = false
        for line in try lines("README.md") {
            if line == "```\(language)" {
                isInside = true
                blocks.append([])
            } else if line.hasPrefix("```") {
                isInside = false
            } else if isInside {
                blocks[blocks.count - 1].append(line)
            }
        }
        return blocks
    }

    /// Lines without the indentation they share, or that they have beyond the block they are in.
    private static func dedented(_ lines: some Collection<String>) -> [String] {
        let indentation = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min() ?? 0
        return lines.map { String($0.dropFirst(indentation)) }
    }

    private static func contains(_ file: [String], _ block: [String]) -> Bool {
        guard file.count >= block.count else { return false }
        return (0...file.count - block.count).contains { dedented(file[$0..<$0 + block.count]) == dedented(block) }
    }

    @Test("every Swift block of the README stands in a file that is compiled")
    func swiftBlocksAreCompiled() throws {
        let files = [
            "Samples/EchoServer/EchoServer.swift", "Tests/Interop/ReadmeTests.swift",
            "Tests/VolleyTestingTests/StreamReadmeTests.swift",
            "Tests/VolleyDNSTests/LiveTests.swift",
        ]
        let sources = try files.map { try Self.lines($0) }
        let blocks = try Self.blocks("swift")
        #expect(blocks.count >= 2)
        for block in blocks {
            #expect(sources.contains { Self.contains($0, block) }, "\(block.joined(separator: "\n"))")
        }
    }

    private final class Echo: DatagramProtocol {
        func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
    }

    // As in the README, line by line.
    final class Sort: SubprocessProtocol {
        func connectionMade(_ transport: any SubprocessTransport) {
            let input = transport.pipe(0)
            input?.write("pear\napple\n")
            input?.close()
        }

        func pipeDataReceived(_ descriptor: CInt, _ data: RawSpan) {
            print("sort has written \(data.byteCount) bytes to \(descriptor)")
        }
    }

    @Test("the README's program runs")
    func subprocessExample() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let sort = try loop.startProcess("sort", ["--reverse"]) { Sort() }
        print("sort has ended with \(sort.waitUntilExited())")
        #expect(sort.waitUntilExited() == .exited(0))
    }

    @Test("the README's offline test finds nothing wrong with an echo")
    func replayExample() throws {
        let folder = try TemporaryFolder()
        let capture = folder.path("echo.pcapng")
        let (client, server) = (SocketAddress(.loopbackV4, port: 40_000), SocketAddress(.loopbackV4, port: 7007))
        let writer = try CaptureWriter(path: capture)
        for number in 0..<10 {
            let payload = [UInt8](repeating: UInt8(number), count: number)
            let time = Int64(1_700_000_000_000_000_000 + number * 1_000_000)
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1_000)
        }
        try writer.close()

        let report = try Replay(capture: capture, as: .server(port: 7007)).run { Echo() }
        #expect(report.statistics.received == 10)
        #expect(report.replies?.isIdentical == true)
    }
}
