import SystemPackage
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// What `volley replay --to` says.
struct ReplayLiveSummary: Encodable {
    /// How late datagrams were given to the kernel, in microseconds after their deadlines.
    struct Lateness: Encodable {
        let datagrams: UInt64
        let p50, p90, p99, max: Double
    }

    let file, role, target: String
    let records: Int
    /// Records by class, of all passes; the sum is `records`.
    let classes: [String: Int]
    let passes: Int
    /// Datagrams given to sockets; `datagramsSent` are those the kernel has taken.
    let sent, bytesSent: Int
    let datagramsSent, sendsDropped: UInt64
    let skipped, elsewhere, clients, sockets: Int
    let answers, answersCaptured: Int
    let seconds, datagramsPerSecond: Double
    /// Nil at top speed, where nothing has a deadline.
    let lateness: Lateness?
    let shiftedSeconds: Double
    let timestampsBackwards, gapsClamped: Int
    let errors: [String: UInt64]
    /// Nil when answers were not compared.
    let replies: ReplySummary?
    let isInterrupted: Bool
    let damage: String?
    let warnings: [String]

    init(
        _ outcome: ReplayLive.Outcome, _ source: PacedCapture, file: String, role: ReplayRole, target: String
    ) {
        self.file = file
        self.role = "\(role)"
        self.target = target
        records = source.records.total
        classes = Dictionary(
            uniqueKeysWithValues: RecordClass.all.map { ($0.name, source.records[$0]) }.filter { $0.1 > 0 })
        passes = source.passes
        (sent, bytesSent) = (outcome.sent, outcome.bytesSent)
        (datagramsSent, sendsDropped) = (outcome.statistics.sent, outcome.statistics.sendsDropped)
        (skipped, elsewhere) = (outcome.skipped, source.elsewhere)
        (clients, sockets) = (outcome.clients, outcome.sockets)
        (answers, answersCaptured) = (outcome.answers, outcome.answersCaptured)
        seconds = outcome.seconds
        datagramsPerSecond = (Double(sent) / max(seconds, 1e-9)).rounded()
        let histogram = outcome.lateness
        func microseconds(_ share: Double) -> Double { histogram.quantile(share) / .microseconds(1) }
        lateness =
            histogram.count == 0
            ? nil
            : Lateness(
                datagrams: histogram.count, p50: microseconds(0.5), p90: microseconds(0.9), p99: microseconds(0.99),
                max: Double(histogram.maximum) / 1_000)
        shiftedSeconds = Double(outcome.shifted) / 1e9
        (timestampsBackwards, gapsClamped) = (outcome.backwards, outcome.gapsClamped)
        errors = Dictionary(
            outcome.statistics.errors.map { ("\($0.key.rawValue) \($0.key)", $0.value) }, uniquingKeysWith: +)
        replies = outcome.replies.map(ReplySummary.init)
        isInterrupted = outcome.isInterrupted
        damage = outcome.damage.map { "\($0)" }
        warnings = Self.warnings(outcome, source, role)
    }

    private static func warnings(
        _ outcome: ReplayLive.Outcome, _ source: PacedCapture, _ role: ReplayRole
    ) -> [String] {
        var warnings = source.warnings
        // Of a failure there is more to be said than that.
        if outcome.sent == 0, !outcome.isInterrupted, outcome.failure == nil {
            let reason =
                outcome.skipped > 0
                ? "all \(outcome.skipped) datagrams were late, and --catch-up skip leaves these out"
                : source.reasonForNothing(isDamaged: outcome.damage != nil)
            warnings.append("nothing was sent: \(reason)")
        }
        if outcome.sent > 0, outcome.statistics.sent == 0 {
            warnings.append("the kernel took none of the \(outcome.sent) datagrams")
        }
        if outcome.sockets < outcome.clients {
            warnings.append(
                "\(outcome.clients) clients shared \(outcome.sockets) sockets: their answers may be paired wrongly "
                    + "without --key")
        }
        if source.ambiguous > 0 {
            warnings.append(
                "\(source.ambiguous) datagrams have \(role) at both ends and were sent; they may be answers: name the "
                    + "address as well as the port")
        }
        if outcome.replies != nil, outcome.answersCaptured == 0, outcome.answers > 0 {
            warnings.append("no answers were compared: \(source.subject) holds none sent by \(role)")
        }
        return warnings + (outcome.replies?.warnings ?? [])
    }

    /// The same for a person.
    var lines: [String] {
        var lines = [
            "\(file) as \(role) to \(target): \(sent.grouped) datagrams (\(bytesSent.grouped) bytes) sent in "
                + "\(seconds.text(3)) s, \(Int(datagramsPerSecond).grouped)/s, by \(sockets.grouped) sockets; "
                + "\(answers.grouped) answers",
            "classes: "
                + RecordClass.all.compactMap { kind in classes[kind.name].map { "\(kind.name) \($0.grouped)" } }
                .joined(separator: ", "),
        ]
        if let lateness {
            lines.append(
                "lateness: p50 \(lateness.p50.text(1)) µs, p90 \(lateness.p90.text(1)) µs, "
                    + "p99 \(lateness.p99.text(1)) µs, max \(lateness.max.text(1)) µs")
        }
        var others: [String] = []
        if passes > 1 { others.append("\(passes.grouped) passes") }
        if skipped > 0 { others.append("\(skipped.grouped) skipped, too late") }
        if shiftedSeconds > 0 { others.append("schedule moved by \(shiftedSeconds.text(6)) s") }
        if sendsDropped > 0 { others.append("\(sendsDropped.grouped) dropped") }
        if gapsClamped > 0 { others.append("\(gapsClamped.grouped) gaps cut") }
        if timestampsBackwards > 0 { others.append("\(timestampsBackwards.grouped) time stamps backwards") }
        if elsewhere > 0 { others.append("\(elsewhere.grouped) datagrams of other endpoints") }
        if isInterrupted { others.append("interrupted") }
        if !others.isEmpty { lines.append(others.joined(separator: ", ")) }
        if let replies { lines += replies.lines }
        lines += errors.sorted { $0.key < $1.key }.map { "errors: \($0.value) × errno \($0.key)" }
        return lines
    }
}
