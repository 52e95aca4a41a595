import Testing
import VolleyCapture
import VolleyCore

/// What others read in the captures we write.
struct WrittenCaptureTests {
    @Test(
        "tshark sees every datagram, payload, microsecond and correct checksum we wrote", .needs(.tshark),
        arguments: [CaptureFormat.pcapng, .pcapMicroseconds, .pcapNanoseconds])
    func tsharkReadsOurFiles(format: CaptureFormat) async throws {
        let folder = try TemporaryFolder()
        let samples = try TestDatagram.samples()
        try CaptureWriter(path: folder.path("written"), format: format).writeAll(samples)
        let packets = try await TsharkPackets(path: folder.path("written"))
        #expect(packets.datagrams == samples.map(\.description))
        #expect(packets.badChecksums.isEmpty)
    }

    @Test(
        "tcpdump finds no bad checksum in what we wrote", .needs(.tcpdump),
        arguments: [CaptureFormat.pcapng, .pcapMicroseconds, .pcapNanoseconds])
    func tcpdumpReadsOurFiles(format: CaptureFormat) async throws {
        let folder = try TemporaryFolder()
        let samples = try TestDatagram.samples()
        try CaptureWriter(path: folder.path("written"), format: format).writeAll(samples)
        let output = try await Tool.tcpdump.run(["-nn", "-vv", "-r", folder.path("written")])
        let verdicts = output.text.split(whereSeparator: { "[]".contains($0) }).filter { $0.hasPrefix("udp sum") }
        #expect(verdicts.count == samples.count)
        #expect(verdicts.allSatisfy { $0 == "udp sum ok" })
        #expect(!output.text.contains("bad"))
    }

    @Test("capinfos takes our files for what they are", .needs(.capinfos))
    func capinfosKnowsOurFormats() async throws {
        let folder = try TemporaryFolder()
        let samples = try TestDatagram.samples()
        let formats: [(CaptureFormat, String)] = [
            (.pcapng, "pcapng"), (.pcapMicroseconds, "pcap"), (.pcapNanoseconds, "nsecpcap"),
        ]
        for (format, name) in formats {
            try CaptureWriter(path: folder.path(name), format: format).writeAll(samples)
            let lines = try await Tool.capinfos.run(["-t", "-E", "-c", "-M", "-T", "-r", folder.path(name)]).lines
            #expect(lines == ["\(folder.path(name))\t\(name)\trawip\t\(samples.count)"])
        }
    }
}

/// The packets of a file as tshark sees them.
struct TsharkPackets {
    /// Source, destination, microseconds since 1970 and payload of each.
    var datagrams: [String] = []
    /// Lines of those whose IP or UDP checksum is wrong.
    var badChecksums: [String] = []

    init(path: String) async throws {
        let fields = [
            "ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport", "frame.time_epoch", "udp.payload",
            "ip.checksum.status", "udp.checksum.status",
        ]
        let options = ["-n", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
        let output = try await Tool.tshark.run(
            ["-r", path, "-T", "fields"] + options + fields.flatMap { ["-e", $0] })
        for line in output.lines {
            let values = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            try #require(values.count == fields.count, "\(line)")
            let source = values[0].isEmpty ? "[\(values[1])]" : values[0]
            let destination = values[3].isEmpty ? "[\(values[4])]" : values[3]
            let time = values[6].split(separator: ".")
            let microseconds = try #require(Int64(time[0] + time[1].prefix(6)))
            datagrams.append("\(source):\(values[2]) \(destination):\(values[5]) \(microseconds) \(values[7])")
            // 1 is good; IPv6 has no checksum of its own.
            if values[9] != "1" || !["1", ""].contains(values[8]) { badChecksums.append(line) }
        }
    }
}
