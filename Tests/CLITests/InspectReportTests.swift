import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// The report of `volley inspect`, for people and for programs.
@Suite(.timeLimit(.minutes(10)))
struct InspectReportTests {
    /// Twenty DNS queries from two clients a millisecond apart, all but the last four answered, and a port unreachable.
    static func capture() throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 53)
        for index in 0..<20 as Range<UInt8> {
            let client = SocketAddress(IPAddress(v4: 0xc633_6402), port: 5_000 + UInt16(index % 2))
            let question: [UInt8] = [1, 0x61, 0, 0, 1, 0, 1]
            let query = [0, index, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + question
            let time = 1_700_000_000_000_000_000 + Int64(index) * 1_000_000
            try writer.writeDatagram(RawSpan(query.span), from: client, to: server, at: time)
            guard index < 16 else { continue }
            let answer = [0, index, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0] + question
            try writer.writeDatagram(RawSpan(answer.span), from: server, to: client, at: time + 500_000)
        }
        let packet = InspectErrorsTests.packets[0]
        try writer.write(RawSpan(packet.span), at: 1_700_000_000_030_000_000)
        try writer.close()
        return try TemporaryFile(writer.bytes)
    }

    static func run(_ arguments: [String], locale: String) throws -> String {
        let running = try Command.start(
            ["inspect"] + arguments, environment: ["LC_ALL": locale, "LC_CTYPE": "", "LANG": ""])
        let output = running.pipes?.output.fileHandleForReading.readDataToEndOfFile() ?? Data()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        return String(decoding: output, as: UTF8.self)
    }

    @Test("rates, sizes, protocols, losses and errors are there, within 80 columns")
    func report() throws {
        let file = try Self.capture()
        let text = try Self.run([file.path], locale: "C.UTF-8")
        for part in [
            "datagrams/s: 1,895 mean", "(a column is 500 us, peaks are over 500 us)", "█",
            "DNS  36  100.0 %  684 bytes", "20 queries, 0 of them repeated", "16 answered, after 500 us on average",
            "4 unanswered (20.0 %)", "answers: NOERROR 16", "1  ECONNREFUSED  hard  v4 3/3  port unreachable",
            "→ 10", "← 8", "18 ms",
        ] {
            #expect(text.contains(part), "\(part) is missing in\n\(text)")
        }
        for line in text.split(separator: "\n") where !line.contains(file.path) { #expect(line.count <= 80, "\(line)") }
    }

    @Test("a locale that is not UTF-8 gets ASCII", arguments: ["C", "POSIX", "de_DE.ISO-8859-1", ""])
    func ascii(locale: String) throws {
        let file = try Self.capture()
        let text = try Self.run([file.path], locale: locale)
        #expect(text.utf8.allSatisfy { $0 < 0x80 })
        #expect(text.contains("-> 10") && text.contains("##"))
    }

    @Test("JSON has the keys that --help names")
    func json() throws {
        let file = try Self.capture()
        let text = try Self.run([file.path, "--json", "--digest"], locale: "C")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let help = try Command.run("inspect", "--help").output
        func check(_ object: [String: Any]) {
            for (key, value) in object {
                let named = key.replacingOccurrences(of: "PerSecondPeak", with: "PerSecondMean")
                #expect(help.contains(named), "--help does not name \(key)")
                guard key != "classes", key != "malformed", key != "responseCodes" else { continue }
                if let inner = value as? [String: Any] { check(inner) }
                for element in value as? [[String: Any]] ?? [] { check(element) }
            }
        }
        check(object)
        let dns = try #require(object["dns"] as? [String: Any])
        #expect(dns["unanswered"] as? Int == 4)
        #expect((object["icmpErrors"] as? [[String: Any]])?.first?["errno"] as? String == "ECONNREFUSED")
        let rates = try #require(object["rates"] as? [String: Any])
        #expect((rates["columnDatagrams"] as? [Int])?.reduce(0, +) == 36)
        #expect((object["packetSizes"] as? [[String: Any]])?.count == 9)
    }

    @Test("--top says how many, --by in which order")
    func order() throws {
        let writer = CaptureWriter(inMemory: .pcapng)
        let (few, many) = (
            SocketAddress(IPAddress(v4: 0xc633_6402), port: 1), SocketAddress(IPAddress(v4: 0xc633_6402), port: 2)
        )
        let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 9)
        for (client, length) in [(many, 1), (many, 1), (few, 100)] {
            let payload = [UInt8](repeating: 0, count: length)
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: 0)
        }
        try writer.close()
        let file = try TemporaryFile(writer.bytes)
        func first(_ arguments: String...) throws -> String? {
            let text = try Self.run([file.path, "--json", "--top", "1"] + arguments, locale: "C")
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            let conversations = object?["conversations"] as? [[String: Any]]
            #expect(conversations?.count == 1)
            #expect(object?["conversationsTotal"] as? Int == 2)
            #expect(object?["rates"] == nil)
            return conversations?.first?["first"] as? String
        }
        #expect(try first() == "\(many)")
        #expect(try first("--by", "bytes") == "\(few)")
        #expect(try Command.run("inspect", file.path, "--by", "name").status == 64)
    }
}
