import VolleyCapture
import VolleyCore
import VolleyWire

/// What a run tells at its end, and on its way there.
extension ReplayRun {
    borrowing func report(_ reader: borrowing CaptureReader, to progress: (ReplayProgress) -> Void) {
        progress(
            ReplayProgress(
                records: reader.recordCount, byteOffset: reader.byteOffset, elapsed: .nanoseconds(clock.instant)))
    }

    mutating func makeReport(_ comparison: ReplyComparison?, _ damage: CaptureError?) -> ReplayReport {
        var statistics = DatagramStatistics()
        for endpoint in endpoints {
            statistics += endpoint.transport.statistics
            datagrams.afterClose += endpoint.world.afterClose
            datagrams.kernelDropped += Int(clamping: endpoint.world.kernelDrops())
            datagrams.neverRead += endpoint.world.neverRead
            errors.delivered -= endpoint.world.errorsLost
            errors.afterClose += endpoint.world.errorsLost
        }
        datagrams.received = Int(clamping: statistics.received)
        let faults = faults?.report()
        datagrams.lost = faults?.receiving.lost ?? 0
        datagrams.duplicated = faults?.receiving[.duplication] ?? 0
        return ReplayReport(
            role: role, records: decoder?.accounting ?? accounting, datagrams: datagrams, errors: errors,
            statistics: statistics,
            replies: comparison,
            sent: sink.sent, timeSpan: clock.span, duration: .nanoseconds(loop.now.nanoseconds),
            timestampsBackwards: clock.backwards, gapsClamped: clock.gapsClamped,
            endpoints: endpoints.map { ReplayEndpointReport(role: $0.role, statistics: $0.transport.statistics) },
            faults: faults, damage: damage,
            warnings: warnings(statistics, comparison))
    }

    borrowing func warnings(_ statistics: DatagramStatistics, _ comparison: ReplyComparison?) -> [String] {
        var warnings: [String] = []
        if datagrams.received == 0, datagrams.lost > 0 {
            warnings.append("nothing was delivered: faults lost \(datagrams.lost) datagrams for \(role)")
        } else if datagrams.received == 0 {
            warnings.append(
                "nothing was delivered: the capture holds no datagram for \(role); "
                    + census.summary(of: role))
        }
        if datagrams.ambiguous > 0 {
            warnings.append(
                "\(datagrams.ambiguous) datagrams have \(role) at both ends and were delivered; they may be answers: "
                    + "name the address as well as the port")
        }
        if let comparison, datagrams.captured == 0, comparison.pairs == 0, statistics.sent > 0 {
            warnings.append("no replies were compared: the capture holds none sent by \(role)")
        }
        return warnings + (comparison?.warnings ?? [])
    }
}
