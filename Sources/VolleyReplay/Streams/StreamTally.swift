import VolleyCore

/// Adds up what connections have done, as they end.
struct StreamTally {
    var totals = StreamReplayTotals()
    private(set) var received = StreamReassemblyCounts()
    private(set) var captured = StreamReassemblyCounts()
    private(set) var statistics = StreamStatistics()
    private(set) var reports: [StreamConnectionReport] = []
    private let reportsMax: Int

    init(reportsMax: Int) { self.reportsMax = max(0, reportsMax) }

    mutating func count(_ connection: StreamConnection) {
        let report = connection.report
        received += report.received
        captured += report.captured
        statistics += report.statistics
        totals.untakenBytes += connection.world.untakenBytes
        totals.resetsIgnored += connection.resetsIgnored
        switch report.ending {
        case .closed: totals.closed += 1
        case .resetByPeer: totals.resetByPeer += 1
        case .resetByLocal: totals.resetByLocal += 1
        default: totals.incomplete += 1
        }
        if let comparison = report.comparison { count(comparison) }
        // In the order in which they began, and not in that in which they ended.
        if connection.number <= reportsMax { reports.append(report) }
    }

    private mutating func count(_ comparison: StreamComparison) {
        totals.compared += 1
        if comparison.isIdentical { totals.identical += 1 }
        if comparison.difference != nil { totals.different += 1 }
        totals.missingBytes &+= comparison.missingBytes
        totals.extraBytes &+= comparison.extraBytes
    }
}
