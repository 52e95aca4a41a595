import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// What we read in the captures that others write.
struct ForeignCaptureTests {
    @Test(
        "what editcap makes of our file reads like our file", .needs(.editcap),
        arguments: ["pcap", "nsecpcap", "pcapng", "modpcap"])
    func editcapConverts(format: String) async throws {
        let folder = try TemporaryFolder()
        let samples = try TestDatagram.samples()
        try CaptureWriter(path: folder.path("ours")).writeAll(samples)
        try await Tool.editcap.run(["-F", format, folder.path("ours"), folder.path("theirs")])
        #expect(try ReadCapture(path: folder.path("theirs")).datagrams == samples)
    }

    @Test("packets that editcap has cut short are counted, not delivered", .needs(.editcap))
    func editcapCutsShort() async throws {
        let folder = try TemporaryFolder()
        let samples = try TestDatagram.samples()
        try CaptureWriter(path: folder.path("ours")).writeAll(samples)
        // Headers are 28 and 48 bytes long: 100 keep payloads up to 72 and 52.
        try await Tool.editcap.run(["-s", "100", folder.path("ours"), folder.path("theirs")])
        let capture = try ReadCapture(path: folder.path("theirs"))
        let whole = samples.filter { $0.payload.count + ($0.source.ip.isIPv4 ? 28 : 48) <= 100 }
        #expect(capture.datagrams == whole)
        #expect(capture.accounting.total == samples.count)
        #expect(capture.accounting[.cut] == samples.count - whole.count)
    }

    @Test("a file of mixed link types, merged by mergecap, is read whole", .needs(.mergecap, .text2pcap))
    func mergecapMixesLinkTypes() async throws {
        let folder = try TemporaryFolder()
        let samples = try TestDatagram.samples()
        try CaptureWriter(path: folder.path("raw")).writeAll(samples)
        let hexadecimalDump = Array("0000 76 6f 6c 6c 65 79\n".utf8)
        try await Tool.text2pcap.run(
            ["-q", "-4", "192.0.2.9,192.0.2.10", "-u", "1000,2000", "-", folder.path("ethernet")],
            input: hexadecimalDump)
        try await Tool.mergecap.run(["-a", "-w", folder.path("both"), folder.path("raw"), folder.path("ethernet")])
        let capture = try ReadCapture(path: folder.path("both"))
        #expect(capture.linkTypes == [.rawIP, .ethernet])
        #expect(capture.datagrams.dropLast() == samples[...])
        let last = try #require(capture.datagrams.last)
        #expect("\(last.source) \(last.destination)" == "192.0.2.9:1000 192.0.2.10:2000")
        #expect(last.payload == Array("volley".utf8))
    }
}
