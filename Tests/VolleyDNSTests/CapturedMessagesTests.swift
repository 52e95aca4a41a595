import Testing
import VolleyCapture
import VolleyCore
import VolleyDNS
import VolleyReplay

/// Keeps what it receives and says nothing.
private final class Collector: DatagramProtocol {
    private(set) var payloads: [[UInt8]] = []
    func datagramReceived(_ datagram: Datagram) { payloads.append(Array(copying: datagram.payload)) }
}

private enum Captures {
    /// `shared/captures` beside the repository; empty where it is not there.
    static let folder: String = {
        let components = #filePath.split(separator: "/").dropLast(4)
        return "/" + components.joined(separator: "/") + "/shared/captures/DNS-OARC+dnscap/src/test/"
    }()

    static func isThere(_ name: String) -> Bool { (try? CaptureReader(path: folder + name)) != nil }
}

@Suite("Captured DNS traffic", .enabled(if: Captures.isThere("dns.pcap"), "needs the reference captures"))
struct CapturedMessagesTests {
    @Test(
        "every message of real servers and clients is read, written and read again",
        arguments: ["dns.pcap", "dns6.pcap"])
    func roundTrip(_ file: String) throws {
        let collector = Collector()
        var options = ReplayOptions()
        options.differencesMax = 100_000
        // What nobody answers is missing, and shown: the captured replies.
        let report = try Replay(capture: Captures.folder + file, as: .server(port: 53), options: options)
            .run { collector }
        let replies = report.replies?.differences.compactMap(\.expected) ?? []
        #expect(!collector.payloads.isEmpty && !replies.isEmpty)
        for bytes in collector.payloads + replies {
            let message = try DNSMessage(RawSpan(bytes.span))
            let written = try message.encoded()
            #expect(try DNSMessage(RawSpan(written.span)) == message)
            // Presentation form, both ways.
            for record in message.answers + message.authorities + message.additionals {
                #expect(try RecordData(parsing: record.data.description, type: record.type) == record.data)
            }
            var (one, other) = (bytes, written)
            DNSComparison.mask(&one)
            DNSComparison.mask(&other)
            #expect(one == other)
        }
    }
}
