import SystemPackage
import Testing
import VolleyCapture
import VolleyReplay
import VolleyWire

/// Captures of others, if `../shared/captures` is there; a test without it is shown as skipped.
@Suite struct ReferenceReplayTests {
    /// The folder beside the repository.
    static let folder: String = {
        var path = FilePath(#filePath)
        for _ in 0..<4 { path.removeLastComponent() }
        return path.appending("shared/captures").string
    }()
    static let dns = folder + "/DNS-OARC+dnscap/src/test/dns.pcap"

    static func exists(_ path: String) -> Bool {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly) else { return false }
        try? file.close()
        return true
    }

    /// Answers a query with its own header turned into a response without records.
    private final class Responder: DatagramProtocol {
        var queries = 0

        func datagramReceived(_ datagram: Datagram) {
            guard datagram.count >= 12, datagram.bytes[2] & 0x80 == 0 else { return }
            queries += 1
            datagram.reply(capacity: 12) { output in
                for index in 0..<12 {
                    let byte = datagram.bytes[index]
                    output.append(index == 2 ? byte | 0x80 : index >= 6 ? 0 : byte)
                }
            }
        }
    }

    @Test(.enabled(if: exists(dns), "needs ../shared/captures"))
    func aRealCaptureOfDNSRunsIntoASmallResponder() throws {
        let first = try Self.replayDNS()
        let report = first.report
        #expect(report.damage == nil)
        #expect(report.isBalanced)
        #expect(first.queries > 0)
        #expect(report.statistics.sent == UInt64(first.queries))
        let replies = try #require(report.replies)
        #expect(replies.identical + replies.different + replies.missing == report.datagrams.captured)
        #expect(replies.identical + replies.different + replies.extra == first.queries)
        #expect(try Self.replayDNS().output == first.output)
    }

    private static func replayDNS() throws -> (report: ReplayReport, queries: Int, output: [UInt8]) {
        let responder = Responder()
        var options = ReplayOptions()
        let writer = CaptureWriter(inMemory: .pcapng)
        options.output = writer
        let report = try Replay(capture: dns, as: .server(port: 53), options: options).run { responder }
        return (report, responder.queries, writer.bytes)
    }
}
