import ArgumentParser
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// `volley replay`: a capture into a built-in service, offline, or to a real one.
struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Replay a capture: offline into a built-in service, or live to a real one.",
        discussion: """
            The service takes the part of one endpoint of the capture. What the capture shows as sent to it is delivered; \
            what the service sends is compared with what the capture shows as sent by it.

            With --into there is no socket, and the clock is the capture's: an hour takes moments. With --to the \
            datagrams are sent from a socket for each client, each at its own time after one and the same beginning, and \
            the report says how late they were. Ctrl-C ends the sending, and then comes the report.

            Replies are paired flow by flow, in their order and, with --key, by these bytes. Where the two sides differ, \
            up to \(ReplyComparison.window) of either are paired so that the fewest differences remain: a reply that lacks is missing, one too \
            many is extra, and those that follow are compared as if nothing had been. A captured reply that lacks \
            because a fault lost its request or itself is not expected, and no difference.

            EXAMPLES
              volley replay echo.pcapng --as server:7007 --into echo
              volley replay echo.pcapng --as server:192.0.2.1:7007 --into echo --output replies.pcapng
              volley replay big.pcap --as server:53 --into sink --filter 'udp and host 192.0.2.1' --json
              volley replay echo.pcapng --as every-server --into echo --ignore 0-1
              volley replay dns.pcap --as server:53 --to 127.0.0.1:5353 --speed 10 --key 0-1
              volley replay dns.pcap --to localhost:53 --pps 10000 --loop 100 --no-compare
              volley replay echo.pcapng --as server:7007 --into echo --seed 7 --loss 5% --reorder 10%
              volley replay web.pcapng --as server:7007 --tcp --into echo
              volley replay overlay.pcap --as server:53 --into echo --tunnels vxlan --checksums verify
              volley replay --exec 'tcpdump -i lo -U -w - udp port 53' --as server:53 --into echo

            Exit status 1 means that the replies differ, 65 that nothing could be delivered or the file is damaged.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Captures, compressed or not; \"-\" for standard input; several are merged in time order.",
            valueName: "file"))
    var files: [String] = []
    private var file: String { exec ?? files.joined(separator: ", ") }

    @Option(
        help: ArgumentHelp(
            "Instead of files: a command for the shell that writes a capture to its standard output, read as it comes.",
            valueName: "command"))
    var exec: String?

    @Option(
        name: .customLong("as"),
        help: ArgumentHelp(
            "Whose part the service takes: server:PORT, server:ADDRESS:PORT, client:PORT, client:ADDRESS:PORT, "
                + "client:ADDRESS:PORT,peer=ADDRESS:PORT for a connected one, or, offline, every-server. (default with "
                + "--to: the server on its port)",
            valueName: "role"),
        transform: parseRole)
    var role: ReplayRole?

    @Option(help: "Offline: the service, \(Service.allValueStrings.joined(separator: ", ")).")
    var into: Service?

    @Option(help: ArgumentHelp("Offline: write what the service sends to a new pcapng file.", valueName: "file"))
    var output: String?

    @Option(
        help: ArgumentHelp(
            "Write requests and the service's answers to a new pcapng file, to compare with next time.",
            valueName: "file"))
    var update: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Let no more than this pass between two datagrams.", valueName: "seconds"))
    var maxGap: Double?

    @Option(help: ArgumentHelp("Look only at records that match (see pcap-filter(7)).", valueName: "expression"))
    var filter: String?

    @Flag(inversion: .prefixedNo, help: "Compare replies with the captured ones. (default: all services but sink)")
    var compare: Bool?

    @OptionGroup(title: "Records") var decoding: DecodingArguments
    @OptionGroup(title: "The modelled host (offline)") var model: ReplayModelOptions
    @OptionGroup(title: "Faults (offline)") var faults: FaultArguments
    @OptionGroup(title: "Streams (offline)") var streams: ReplayStreamOptions
    @OptionGroup(title: "Live replay") var live: ReplayLiveOptions
    @OptionGroup(title: "Comparison") var rules: ReplayRuleOptions

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard files.isEmpty == (exec != nil) else {
            throw ValidationError("say which file to replay, or --exec and a command that writes one.")
        }
        if exec != nil, live.loop > 1 {
            throw ValidationError("what a command writes can be read only once: leave out --loop.")
        }
        guard (into == nil) != (live.to == nil) else {
            throw ValidationError("say either --into and a built-in service, or --to and where a real one is.")
        }
        if let maxGap, !(maxGap >= 0 && maxGap <= 1e9) {
            throw ValidationError("--max-gap must be 0 to 1,000,000,000 seconds.")
        }
        if streams.tcp {
            let files = [output.map { _ in "--output" }, update.map { _ in "--update" }].compactMap(\.self)
            if let used = (model.used + faults.used + files).first {
                throw ValidationError("\(used) is for datagrams: leave out --tcp.")
            }
            if live.to != nil { throw ValidationError("--tcp is for offline replays: it takes --into, not --to.") }
        }
        guard let target = live.to else {
            guard let role else { throw ValidationError("--into takes --as: whose part the service takes.") }
            if role.isEveryEndpoint, faults.outputDelivered != nil {
                throw ValidationError("--output-delivered takes one server: --as server:PORT.")
            }
            if !role.isEveryEndpoint, model.maxEndpoints != nil {
                throw ValidationError("--max-endpoints takes --as every-server.")
            }
            return try requireDistinctFiles()
        }
        if let first = (model.used + faults.used).first {
            throw ValidationError("\(first) is for offline replays: it takes --into, not --to.")
        }
        if output != nil { throw ValidationError("--output is for offline replays; with --to there is --update.") }
        if role?.isEveryEndpoint == true { throw ValidationError("--to takes one server: --as server:PORT.") }
        if target.port == 0 { throw ValidationError("--to takes an address and a port.") }
        if files.contains("-"), live.loop > 1 {
            throw ValidationError("standard input can be read only once: leave out --loop.")
        }
        try requireDistinctFiles()
    }

    private var outputs: [(option: String, path: String)] {
        [("--output", output), ("--update", update), ("--output-delivered", faults.outputDelivered)]
            .compactMap { option, path in path.map { (option, $0) } }
    }

    private func requireDistinctFiles() throws {
        try requireDistinct(outputs: outputs, inputs: files)
        if json, let output = outputs.first(where: { isStandardOutput($0.path) }) {
            throw ValidationError("--json prints to standard output, which \(output.option) writes to: name a file.")
        }
    }

    /// Prints the report; to standard error if standard output is a capture.
    private func printReport(_ summary: some Encodable, _ lines: [String]) throws {
        if json {
            try Console.print(json: summary, indented: true)
        } else if outputs.contains(where: { isStandardOutput($0.path) }) {
            lines.forEach { Console.complain($0) }
        } else {
            try Console.print(lines)
        }
    }

    func run() throws {
        try output.map(requireNew)
        try update.map(requireNew)
        try faults.outputDelivered.map(requireNew)
        try withCapture(of: exec) { open in
            if let target = live.to { try runLive(target, open) } else { try runOffline(open) }
        }
    }

    private typealias Opener = () throws(CaptureError) -> CaptureReader

    /// Runs `body` with what opens the capture: the files, or a command that runs as long as `body`.
    private func withCapture(of exec: String?, _ body: (@escaping Opener) throws -> Void) throws {
        guard let exec else {
            let files = files
            return try body { () throws(CaptureError) in try CaptureReader(paths: CapturePaths.expand(files)) }
        }
        let command: CapturingCommand
        do {
            command = try CapturingCommand(exec)
        } catch {
            Console.complain("\(error)")
            throw ExitCode.ioFailure
        }
        let result = Result { try body(command.open) }
        try command.finish()
        try result.get()
    }

    private var maxGapDuration: Duration? { maxGap.map { .seconds($0) } }

    private func runOffline(_ open: Opener) throws {
        guard let into, let role else { return }
        if streams.tcp { return try runStreams(into, as: role, open) }
        let report: ReplayReport
        let elapsed: Duration
        do throws(CaptureError) {
            (report, elapsed) = try replay(into, as: role, open)
        } catch {
            Console.complain("\(error)")
            throw ExitCode(of: error)
        }
        let summary = ReplaySummary(report, file: file, elapsed: elapsed)
        try printReport(summary, summary.lines)
        report.warnings.forEach { Console.complain($0) }
        if let damage = report.damage {
            Console.complain("\(damage); what came before it was replayed")
            throw ExitCode.unusableInput
        }
        if report.datagrams.received == 0 { throw ExitCode.unusableInput }
        if report.replies?.isAccepted == false { throw ExitCode.repliesDiffer }
    }

    private func runStreams(_ service: Service, as role: ReplayRole, _ open: Opener) throws {
        var command = StreamReplayCommand(file: file, role: role, service: service)
        command.options.filter = filter
        command.options.checksums = decoding.options.checksums ?? .ignore
        command.options.picksUpMidstream = streams.midstream
        command.options.gaps = streams.gaps == .continue ? .goOn : .endStream
        command.options.comparesWritten = compare ?? (service != .sink)
        command.options.maxGap = maxGapDuration
        command.options.drain = .seconds(live.drain ?? 0)
        try command.run(json: json, open)
    }

    private func replay(
        _ service: Service, as role: ReplayRole, _ open: Opener
    ) throws(CaptureError) -> (ReplayReport, Duration) {
        var options = ReplayOptions()
        options.filter = filter
        options.comparesReplies = compare ?? (service != .sink)
        options.replyRules = rules.rules
        options.maxGap = maxGapDuration
        options.drain = .seconds(live.drain ?? 0)
        options.differencesMax = rules.differences
        options.decoding = decoding.options
        model.apply(to: &options)
        options.faults = faults.plan
        let progress = ProgressLine("replaying", total: exec == nil ? fileSize(file) : nil)
        defer { progress.end() }
        options.progress = { progress.update(bytes: $0.byteOffset, records: $0.records) }
        // The input first: a mistyped name must not leave an empty output behind.
        let reader = try open()
        options.output = try output.map { path throws(CaptureError) in
            try CaptureWriter(path: path, format: .pcapng, linkType: .rawIP)
        }
        options.deliveredOutput = try faults.outputDelivered.map { path throws(CaptureError) in
            try CaptureWriter(path: path, format: .pcapng, linkType: .rawIP)
        }
        let golden = try update.map { path throws(CaptureError) in try CaptureTap(path: path) }
        options.tap = golden
        let replay = Replay(reader: reader, as: role, options: options)
        let clock = ContinuousClock()
        let start = clock.now
        let report = try replay.run { service.makeProtocol() }
        try golden?.close()
        return (report, start.duration(to: clock.now))
    }
}

/// `--to`.
extension ReplayCommand {
    private func runLive(_ service: ServiceAddress, _ open: @escaping Opener) throws {
        let role = role ?? .server(port: service.port)
        let target: SocketAddress
        do throws(ServiceAddress.NameError) {
            target = try service.resolve()
        } catch {
            Console.complain("\(error)")
            throw ExitCode.ioFailure
        }
        var options = ReplayLive.Options(target: target)
        options.isComing = exec != nil
        options.pacing = live.pacing(maxGap: maxGapDuration)
        options.socketsMax = live.sockets
        options.usesOriginalSources = live.originalSources
        options.drain = .seconds(live.drain ?? 1)
        options.differencesMax = rules.differences
        options.rules = compare ?? true ? rules.rules : nil
        options.fileSize = exec == nil ? fileSize(file) : nil
        let source: PacedCapture
        do throws(CaptureError) {
            source = try PacedCapture(
                as: role, filter: filter, decoding: decoding.options, passes: live.loop, open: open)
            options.golden = try update.map { path throws(CaptureError) in try CaptureWriter(path: path) }
        } catch {
            Console.complain("\(error)")
            throw ExitCode(of: error)
        }
        let outcome: ReplayLive.Outcome
        do {
            outcome = try ReplayLive(source, options).run()
        } catch {
            Console.complain("\(error)")
            throw ExitCode.ioFailure
        }
        let golden = options.golden
        let closing = Result { try golden?.close() }
        let place = "\(service)" == "\(target)" ? "\(target)" : "\(service) (\(target))"
        let summary = ReplayLiveSummary(outcome, source, file: file, role: role, target: place)
        try printReport(summary, summary.lines)
        summary.warnings.forEach { Console.complain($0) }
        if let failure = outcome.failure {
            Console.complain(failure)
            throw ExitCode.ioFailure
        }
        do {
            try closing.get()
        } catch {
            Console.complain(
                "\(update ?? ""): the golden capture is incomplete: \(outcome.writeFailure.map { "\($0)" } ?? "\(error)")"
            )
            throw ExitCode.ioFailure
        }
        if let damage = outcome.damage {
            Console.complain("\(damage); what came before it was sent")
            throw ExitCode.unusableInput
        }
        if outcome.sent > 0, outcome.statistics.sent == 0, !outcome.isInterrupted { throw ExitCode.ioFailure }
        if outcome.sent == 0 { throw outcome.isInterrupted ? ExitCode(130) : ExitCode.unusableInput }
        if outcome.replies?.isAccepted == false { throw ExitCode.repliesDiffer }
    }
}

extension ExitCode {
    /// What an error of a capture ends the command with.
    init(of error: CaptureError) {
        let isFile = error.code == .cannotOpen || error.code == .readFailed || error.code == .writeFailed
        self = isFile ? .ioFailure : .unusableInput
    }
}

/// A role from the command line, or why it is none.
func parseRole(_ argument: String) throws -> ReplayRole {
    if argument == "every-server" { return .everyServer }
    let (kind, rest) =
        argument.firstIndex(of: ":").map {
            (argument[..<$0], String(argument[argument.index(after: $0)...]))
        } ?? (argument[...], "")
    guard kind == "server" || kind == "client" else {
        throw ValidationError(
            "a role is server:PORT, server:ADDRESS:PORT, client:PORT, client:ADDRESS:PORT or "
                + "client:ADDRESS:PORT,peer=ADDRESS:PORT.")
    }
    if let port = UInt16(rest), port > 0 { return kind == "server" ? .server(port: port) : .client(port: port) }
    let parts = rest.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let address: SocketAddress
    do {
        address = try SocketAddress(parsing: parts[0])
    } catch {
        throw ValidationError("after \"\(kind):\" comes a port (1 to 65535), or an address and port: \(error)")
    }
    guard parts.count > 1 else { return kind == "server" ? .server(address) : .client(address) }
    return try .client(address, connectedTo: parsePeer(parts[1], of: kind, address))
}

/// The peer of a connected client: `peer=192.0.2.1:53`.
private func parsePeer(_ argument: String, of kind: Substring, _ local: SocketAddress) throws -> SocketAddress {
    let name = "peer="
    guard argument.hasPrefix(name) else {
        throw ValidationError("\"\(argument)\" is nothing of a role: after the address comes ,peer=ADDRESS:PORT.")
    }
    guard kind == "client" else {
        throw ValidationError("only a client has a peer: write client:ADDRESS:PORT,peer=ADDRESS:PORT.")
    }
    let peer: SocketAddress
    do {
        peer = try SocketAddress(parsing: String(argument.dropFirst(name.count)))
    } catch {
        throw ValidationError("after \",peer=\" come an address and port: \(error)")
    }
    guard peer.port > 0, !peer.ip.isUnspecified else {
        throw ValidationError("\(peer) is nobody's address: after \",peer=\" come the peer's address and port.")
    }
    guard peer.family == local.family else {
        throw ValidationError("\(local) and its peer \(peer) are of different families.")
    }
    return peer
}
