import ArgumentParser
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// The flags of `volley replay --tcp`.
struct ReplayStreamOptions: ParsableArguments {
    /// What happens behind bytes that the capture lacks.
    enum Gaps: String, ExpressibleByArgument, CaseIterable { case end, `continue` }

    @Flag(help: "Replay TCP connections, each into a service of its own, instead of datagrams.")
    var tcp = false

    @Flag(help: "Pick connections up whose beginning the capture does not show.")
    var midstream = false

    @Option(
        help: ArgumentHelp(
            "What a stream does where the capture lacks bytes: end or continue. (default: end)",
            valueName: "end|continue"))
    var gaps: Gaps?

    func validate() throws {
        guard !tcp, midstream || gaps != nil else { return }
        throw ValidationError("\(midstream ? "--midstream" : "--gaps") is for streams: it takes --tcp.")
    }
}

extension Service {
    /// A new stream protocol of the service; `nil` if it has none.
    var makeStreamProtocol: (() -> any BaseStreamProtocol)? {
        switch self {
        case .echo: { StreamEcho() }
        case .sink: { StreamSink() }
        case .reflect: nil
        }
    }
}

/// Sends everything back.
final class StreamEcho: StreamProtocol {
    private var transport: (any StreamTransport)?

    func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
    func dataReceived(_ data: RawSpan) { transport?.write(data) }
    func connectionLost(_ error: StreamError?) { transport = nil }
}

/// Takes everything.
final class StreamSink: StreamProtocol {}

/// `volley replay --tcp --into`.
struct StreamReplayCommand {
    let file: String
    let role: ReplayRole
    let service: Service
    var options = StreamReplayOptions()

    func run(json: Bool, _ open: () throws(CaptureError) -> CaptureReader) throws {
        guard let makeProtocol = service.makeStreamProtocol else {
            throw ValidationError("\(service.rawValue) is no stream service: --tcp takes --into echo or --into sink.")
        }
        let report: StreamReplayReport
        let clock = ContinuousClock()
        let start = clock.now
        do throws(CaptureError) {
            let progress = ProgressLine("replaying", total: fileSize(file))
            defer { progress.end() }
            var options = options
            options.progress = { progress.update(bytes: $0.byteOffset, records: $0.records) }
            report = try StreamReplay(reader: open(), as: role, options: options).run(makeProtocol)
        } catch {
            Console.complain("\(error)")
            throw ExitCode(of: error)
        }
        let summary = StreamReplaySummary(report, file: file, elapsed: start.duration(to: clock.now))
        if json { try Console.print(json: summary, indented: true) } else { try Console.print(summary.lines) }
        report.warnings.forEach { Console.complain($0) }
        if let damage = report.damage {
            Console.complain("\(damage); what came before it was replayed")
            throw ExitCode.unusableInput
        }
        if report.totals.connections == 0 { throw ExitCode.unusableInput }
        if report.totals.identical < report.totals.compared { throw ExitCode.repliesDiffer }
    }
}

/// What `volley replay --tcp` says.
struct StreamReplaySummary: Encodable {
    struct Connections: Encodable {
        let all, midstream, closed, resetByPeer, resetByLocal, incomplete, evicted: Int
    }
    struct Segments: Encodable {
        let received, captured, elsewhere, withoutBeginning, fragments, cut, malformed, badChecksum: Int
    }
    struct Direction: Encodable {
        let segments, bytes, delivered, retransmitted, overlapping, outOfOrder, keepAlives, gaps: Int
        let missing: Int64

        init(_ counts: StreamReassemblyCounts) {
            (segments, bytes, delivered) = (counts.segments, counts.bytes, counts.deliveredBytes)
            (retransmitted, overlapping) = (counts.retransmittedBytes, counts.overlappingBytes)
            (outOfOrder, keepAlives) = (counts.outOfOrder, counts.keepAlives)
            (gaps, missing) = (counts.gaps, counts.missingBytes)
        }
    }
    struct Written: Encodable {
        let compared, identical, different: Int
        let missingBytes, extraBytes: Int64
    }

    let file, role: String
    let records: Int
    let connections: Connections
    let segments: Segments
    /// What the peers sent, and what the local side sent in the capture.
    let received, captured: Direction
    let bytesRead, bytesWritten: UInt64
    /// Nil when what was written was not compared.
    let written: Written?
    let differences: [String]
    let virtualSeconds: Double
    let seconds: Double
    let damage: String?
    let warnings: [String]

    init(_ report: StreamReplayReport, file: String, elapsed: Duration) {
        self.file = file
        role = "\(report.role)"
        records = report.records.total
        let totals = report.totals
        connections = Connections(
            all: totals.connections, midstream: totals.midstream, closed: totals.closed,
            resetByPeer: totals.resetByPeer, resetByLocal: totals.resetByLocal, incomplete: totals.incomplete,
            evicted: totals.evicted)
        let counts = report.segments
        segments = Segments(
            received: counts.received, captured: counts.captured, elsewhere: counts.elsewhere,
            withoutBeginning: counts.withoutBeginning, fragments: counts.fragments, cut: counts.cut,
            malformed: counts.malformed, badChecksum: counts.badChecksum)
        (received, captured) = (Direction(report.received), Direction(report.captured))
        (bytesRead, bytesWritten) = (report.statistics.bytesReceived, report.statistics.bytesSent)
        written =
            totals.compared == 0
            ? nil
            : Written(
                compared: totals.compared, identical: totals.identical, different: totals.different,
                missingBytes: totals.missingBytes, extraBytes: totals.extraBytes)
        differences = Array(
            report.connections.compactMap { connection in
                connection.comparison?.difference.map {
                    "connection \(connection.number) with \(connection.peer): first difference at byte \($0.offset)"
                }
            }.prefix(10))
        virtualSeconds = report.duration / .seconds(1)
        seconds = elapsed / .seconds(1)
        damage = report.damage.map { "\($0)" }
        warnings = report.warnings
    }

    /// The same for a person.
    var lines: [String] {
        var lines = [
            "\(file) as \(role): \(records.grouped) records, \(connections.all.grouped) TCP connections, "
                + "\(bytesRead.grouped) bytes delivered, \(bytesWritten.grouped) written",
            "connections: \(connections.closed.grouped) closed, \(connections.resetByPeer.grouped) reset by the peer, "
                + "\(connections.resetByLocal.grouped) reset by the local side, "
                + "\(connections.incomplete.grouped) incomplete",
        ]
        for (name, direction) in [("received", received), ("captured", captured)] {
            lines.append(
                "\(name): \(direction.segments.grouped) segments, \(direction.delivered.grouped) bytes in order; "
                    + "retransmitted \(direction.retransmitted.grouped), overlapping \(direction.overlapping.grouped), "
                    + "missing \(Int(direction.missing).grouped) bytes; out of order \(direction.outOfOrder.grouped)")
        }
        if let written {
            lines.append(
                "written: \(written.identical.grouped) of \(written.compared.grouped) connections identical; "
                    + "\(written.different.grouped) different, \(Int(written.missingBytes).grouped) bytes missing, "
                    + "\(Int(written.extraBytes).grouped) extra")
        }
        lines += differences
        lines.append("time: \(virtualSeconds.text(6)) s of capture in \(seconds.text(6)) s")
        return lines
    }
}
