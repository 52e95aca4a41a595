import Testing
import VolleyCapture
import VolleyCore

@testable import VolleyReplay

/// DNS over TCP in captures of others, if `../shared/captures` is there; a test without it is shown as skipped.
@Suite("Captured DNS over TCP")
struct StreamReferenceTests {
    private static let dnscap = ReferenceReplayTests.folder + "/DNS-OARC+dnscap/src/test/"
    private static let isThere = ReferenceReplayTests.exists(dnscap + "dnso1tcp.pcap")

    /// Takes messages with a length of two bytes before each (RFC 1035, 4.2.2).
    private final class Messages: StreamProtocol {
        var messages: [[UInt8]] = []
        var rest: [UInt8] = []

        func dataReceived(_ data: RawSpan) {
            rest += Array(copying: data)
            while rest.count >= 2 {
                let length = Int(rest[0]) << 8 | Int(rest[1])
                guard rest.count >= 2 + length else { return }
                messages.append(Array(rest[2..<2 + length]))
                rest.removeFirst(2 + length)
            }
        }
    }

    private static func messages(
        _ path: String, isMidstream: Bool = false
    ) throws -> ([Messages], StreamReplayReport) {
        var options = StreamReplayOptions()
        options.picksUpMidstream = isMidstream
        var all: [Messages] = []
        let report = try StreamReplay(capture: path, as: .server(port: 53), options: options).run {
            all.append(Messages())
            return all[all.count - 1]
        }
        return (all, report)
    }

    @Test(
        "every message is whole", .enabled(if: isThere, "needs ../shared/captures"),
        arguments: ["dnso1tcp.pcap", "dnsotcp-manyopkts.pcap", "dnsotcp-many1pkt.pcap", "1qtcppadd.pcap"])
    func wholeMessages(name: String) throws {
        let (all, report) = try Self.messages(Self.dnscap + name)
        #expect(!all.isEmpty && report.received.missingBytes == 0)
        for connection in all {
            #expect(!connection.messages.isEmpty && connection.rest.isEmpty)
            for message in connection.messages {
                // A header, one question at least, and not a response.
                #expect(message.count > 12 && message[2] & 0x80 == 0 && message[5] >= 1)
            }
        }
    }

    @Test(.enabled(if: isThere, "needs ../shared/captures"))
    func aConnectionWithoutItsBeginningIsPickedUpOnRequest() throws {
        let path = Self.dnscap + "1qtcpnosyn.pcap"
        let (none, without) = try Self.messages(path)
        #expect(none.isEmpty && without.segments.withoutBeginning > 0)
        let (all, report) = try Self.messages(path, isMidstream: true)
        #expect(all.count == 1 && report.totals.midstream == 1)
        #expect(all.first?.messages.count == 1 && all.first?.rest.isEmpty == true)
    }

    @Test(
        "what the capture lacks is reported", .enabled(if: isThere, "needs ../shared/captures"),
        arguments: [("dnso1tcp-midmiss.pcap", 30, 145), ("dnso1tcp-bighole.pcap", 79, 237)])
    func holes(name: String, missing: Int64, missingOfServer: Int64) throws {
        // As tshark counts them.
        let (_, report) = try Self.messages(Self.dnscap + name)
        #expect(report.received.missingBytes == missing && report.captured.missingBytes == missingOfServer)
        #expect(report.received.isBalanced && report.captured.isBalanced)
    }
}
