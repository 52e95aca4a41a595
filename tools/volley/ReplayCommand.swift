import ArgumentParser
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// `volley replay`: a capture into a built-in service, offline.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay a capture into a built-in service, offline: no socket, on the capture's own clock.",
        discussion: """
            The service takes the part of one endpoint of the capture. What the capture shows as sent to it is delivered; \
            what the service sends is compared with what the capture shows as sent by it.

            EXAMPLES
              volley replay echo.pcapng --as server:7007 --into echo
              volley replay echo.pcapng --as server:192.0.2.1:7007 --into echo --output replies.pcapng
              volley replay big.pcap --as server:53 --into sink --filter 'udp and host 192.0.2.1' --json

            Exit status 1 means that the replies differ, 65 that nothing could be delivered or the file is damaged.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Captures, compressed or not; \"-\" for standard input; several are merged in time order.",
            valueName: "file"))
    var files: [String]
    private var file: String { files.joined(separator: ", ") }

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Whose part to take: server:PORT, server:ADDRESS:PORT, client:PORT or client:ADDRESS:PORT.",
            valueName: "role"),
        transform: parseRole)
    var role: ReplayRole

    @Option(help: "The service: \(Service.allValueStrings.joined(separator: ", ")).")
    var into: Service

    @Option(help: ArgumentHelp("Write what the service sends to a new pcapng file.", valueName: "file"))
    var output: String?

    @Option(help: ArgumentHelp("Look only at records that match (see pcap-filter(7)).", valueName: "expression"))
    var filter: String?

    @Flag(inversion: .prefixedNo, help: "Compare replies with the captured ones. (default: all services but sink)")
    var compare: Bool?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        try output.map(requireNew)
        let report: ReplayReport
        let elapsed: Duration
        do throws(CaptureError) {
            (report, elapsed) = try replay()
        } catch {
            Console.complain("\(error)")
            let isFile = error.code == .cannotOpen || error.code == .readFailed || error.code == .writeFailed
            throw isFile ? ExitCode.ioFailure : .unusableInput
        }
        let summary = ReplaySummary(report, file: file, elapsed: elapsed)
        if json {
            try Console.print(json: summary, indented: true)
        } else {
            try Console.print(summary.lines)
        }
        report.warnings.forEach { Console.complain($0) }
        if let damage = report.damage {
            Console.complain("\(damage); what came before it was replayed")
            throw ExitCode.unusableInput
        }
        if report.datagrams.received == 0 { throw ExitCode.unusableInput }
        if report.replies?.isIdentical == false { throw ExitCode.repliesDiffer }
    }

    private func replay() throws(CaptureError) -> (ReplayReport, Duration) {
        var options = ReplayOptions()
        options.filter = filter
        options.comparesReplies = compare ?? (into != .sink)
        let progress = ProgressLine("replaying", total: fileSize(file))
        defer { progress.end() }
        options.progress = { progress.update(bytes: $0.byteOffset, records: $0.records) }
        // The input first: a mistyped name must not leave an empty output behind.
        let reader = try CaptureReader(paths: CapturePaths.expand(files))
        options.output = try output.map { path throws(CaptureError) in
            try CaptureWriter(path: path, format: .pcapng, linkType: .rawIP)
        }
        let replay = Replay(reader: reader, as: role, options: options)
        let clock = ContinuousClock()
        let start = clock.now
        let service = into
        let report = try replay.run { service.makeProtocol() }
        return (report, start.duration(to: clock.now))
    }
}

/// A role from the command line, or why it is none.
func parseRole(_ argument: String) throws -> ReplayRole {
    let (kind, rest) =
        argument.firstIndex(of: ":").map {
            (argument[..<$0], String(argument[argument.index(after: $0)...]))
        } ?? (argument[...], "")
    guard kind == "server" || kind == "client" else {
        throw ValidationError("a role is server:PORT, server:ADDRESS:PORT, client:PORT or client:ADDRESS:PORT.")
    }
    if let port = UInt16(rest), port > 0 { return kind == "server" ? .server(port: port) : .client(port: port) }
    let address: SocketAddress
    do {
        address = try SocketAddress(parsing: rest)
    } catch {
        throw ValidationError("after \"\(kind):\" comes a port (1 to 65535), or an address and port: \(error)")
    }
    return kind == "server" ? .server(address) : .client(address)
}
