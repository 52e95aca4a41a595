import SystemPackage
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// What `volley replay` says.
struct ReplaySummary: Encodable {
    struct Datagrams: Encodable {
        let received, captured, elsewhere, beyondEndpoints, afterClose, kernelDropped, neverRead: Int
        let lost, duplicated, ambiguous: Int
    }

    struct ICMPErrors: Encodable {
        let delivered, unheard, ignored, elsewhere, afterClose, overwritten: Int
    }
    struct Endpoint: Encodable {
        let role: String
        let received, sent: UInt64
    }

    struct Faults: Encodable {
        let seed: UInt64
        /// Datagrams judged, and faults by kind, of either direction.
        let received, sent: [String: Int]
        /// Late or changed datagrams that could not be sent.
        let refused: Int

        init(_ faults: ReplayFaults) {
            seed = faults.seed
            (received, sent) = (Self.counts(faults.receiving), Self.counts(faults.sending))
            refused = faults.refused
        }

        /// The same for a person.
        var line: String {
            "faults: seed \(seed); received: \(Self.text(received)); sent: \(Self.text(sent))"
                + (refused > 0 ? "; \(refused.grouped) late or changed ones could not be sent" : "")
        }

        private static func text(_ counts: [String: Int]) -> String {
            let kinds = FaultEvent.Kind.all.compactMap { kind in counts["\(kind)"].map { "\(kind) \($0.grouped)" } }
            return kinds.isEmpty ? "none" : kinds.joined(separator: ", ")
        }

        private static func counts(_ counts: FaultCounts) -> [String: Int] {
            var result = ["datagrams": counts.datagrams]
            for kind in FaultEvent.Kind.all where counts[kind] > 0 { result["\(kind)"] = counts[kind] }
            return result
        }
    }

    let file, role: String
    let records: Int
    /// Records by class; the sum is `records`.
    let classes: [String: Int]
    /// What became of the UDP datagrams; the sum (but `ambiguous`, and less `duplicated`) is `classes.delivered`.
    let datagrams: Datagrams
    /// What became of the ICMP errors; the sum is `classes.icmpError`.
    let icmpErrors: ICMPErrors
    let received, bytesReceived, batches, sent, bytesSent, sendsDropped: UInt64
    let errors: [String: UInt64]
    /// Nil without faults.
    let faults: Faults?
    /// Nil when replies were not compared.
    let replies: ReplySummary?
    /// The capture's time.
    let virtualSeconds: Double
    let timestampsBackwards, gapsClamped: Int
    /// One, unless the role was every server.
    let endpoints: [Endpoint]
    /// The time it took.
    let seconds: Double
    let recordsPerSecond: Double
    let datagramsPerSecond: Double
    let damage: String?
    let warnings: [String]

    init(_ report: ReplayReport, file: String, elapsed: Duration) {
        self.file = file
        role = "\(report.role)"
        records = report.records.total
        classes = Dictionary(
            uniqueKeysWithValues: RecordClass.all.map { ($0.name, report.records[$0]) }.filter { $0.1 > 0 })
        let counts = report.datagrams
        datagrams = Datagrams(
            received: counts.received, captured: counts.captured, elsewhere: counts.elsewhere,
            beyondEndpoints: counts.beyondEndpoints, afterClose: counts.afterClose,
            kernelDropped: counts.kernelDropped, neverRead: counts.neverRead, lost: counts.lost,
            duplicated: counts.duplicated, ambiguous: counts.ambiguous)
        let network = report.errors
        icmpErrors = ICMPErrors(
            delivered: network.delivered, unheard: network.unheard, ignored: network.ignored,
            elsewhere: network.elsewhere, afterClose: network.afterClose, overwritten: network.overwritten)
        let statistics = report.statistics
        (received, bytesReceived) = (statistics.received, statistics.bytesReceived)
        batches = statistics.receiveBatches
        (sent, bytesSent, sendsDropped) = (statistics.sent, statistics.bytesSent, statistics.sendsDropped)
        errors = Dictionary(statistics.errors.map { ("\($0.key.rawValue) \($0.key)", $0.value) }, uniquingKeysWith: +)
        faults = report.faults.map(Faults.init)
        replies = report.replies.map(ReplySummary.init)
        endpoints = report.endpoints.map {
            Endpoint(role: "\($0.role)", received: $0.statistics.received, sent: $0.statistics.sent)
        }
        virtualSeconds = report.duration / .seconds(1)
        (timestampsBackwards, gapsClamped) = (report.timestampsBackwards, report.gapsClamped)
        seconds = elapsed / .seconds(1)
        let divisor = max(seconds, 1e-9)
        recordsPerSecond = (Double(records) / divisor).rounded()
        datagramsPerSecond = (Double(received) / divisor).rounded()
        damage = report.damage.map { "\($0)" }
        warnings = report.warnings
    }

    /// The same for a person.
    var lines: [String] {
        var lines = [
            "\(file) as \(role): \(records.grouped) records, \(received.grouped) datagrams delivered, "
                + "\(sent.grouped) sent",
            "classes: "
                + RecordClass.all.compactMap { kind in classes[kind.name].map { "\(kind.name) \($0.grouped)" } }
                .joined(separator: ", "),
        ]
        var others: [String] = []
        if datagrams.captured > 0 { others.append("\(datagrams.captured.grouped) captured replies") }
        if datagrams.elsewhere > 0 { others.append("\(datagrams.elsewhere.grouped) of other endpoints") }
        if datagrams.beyondEndpoints > 0 {
            others.append("\(datagrams.beyondEndpoints.grouped) of endpoints over the limit")
        }
        if datagrams.afterClose > 0 { others.append("\(datagrams.afterClose.grouped) after the service closed") }
        if datagrams.kernelDropped > 0 { others.append("\(datagrams.kernelDropped.grouped) dropped, buffer full") }
        if datagrams.neverRead > 0 { others.append("\(datagrams.neverRead.grouped) never read") }
        if datagrams.lost > 0 { others.append("\(datagrams.lost.grouped) lost by faults") }
        if datagrams.duplicated > 0 { others.append("\(datagrams.duplicated.grouped) doubled by faults") }
        if !others.isEmpty { lines.append("other datagrams: " + others.joined(separator: ", ")) }
        if icmpErrors.delivered + icmpErrors.unheard + icmpErrors.ignored > 0 {
            lines.append(
                "ICMP errors: \(icmpErrors.delivered.grouped) delivered, \(icmpErrors.unheard.grouped) not asked for "
                    + "(see --receive-errors), \(icmpErrors.ignored.grouped) without errno")
        }
        if endpoints.count > 1 { lines.append("endpoints: \(endpoints.count.grouped)") }
        if let faults { lines.append(faults.line) }
        if let replies { lines += replies.lines }
        lines += errors.sorted { $0.key < $1.key }.map { "errors: \($0.value) × errno \($0.key)" }
        lines.append(
            "time: \(virtualSeconds.text(6)) s of capture in \(seconds.text(6)) s, "
                + "\(Int(datagramsPerSecond).grouped) datagrams/s")
        return lines
    }
}
