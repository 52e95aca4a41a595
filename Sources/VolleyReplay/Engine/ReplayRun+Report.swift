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

    mutating func makeReport(
        _ comparison: ReplyComparison?, _ damage: CaptureError?, _ oddities: [String]
    ) -> ReplayReport {
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
            warnings: oddities + warnings(statistics, comparison, isDamaged: damage != nil))
    }

    borrowing func warnings(
        _ statistics: DatagramStatistics, _ comparison: ReplyComparison?, isDamaged: Bool
    ) -> [String] {
        var warnings: [String] = []
        let content = CaptureContent(
            role: role, records: decoder?.accounting ?? accounting, filter: options.filter, isDamaged: isDamaged)
        if datagrams.received == 0 {
            let reasons = reasonsOnTheWay
            let reason =
                reasons.isEmpty
                ? content.reasonForNothing(captured: datagrams.captured, census) : reasons.joined(separator: "; ")
            warnings.append("nothing was delivered: \(reason)")
        }
        if datagrams.beyondEndpoints > 0 {
            warnings.append(
                "\(datagrams.beyondEndpoints) datagrams were of more than \(servers.endpointsMax) endpoints and not "
                    + "delivered: raise the limit (--max-endpoints, ReplayOptions.endpointsMax)")
        }
        if servers.unremembered > 0 {
            warnings.append(
                "\(servers.unremembered) datagrams were of more than \(ReplayServers.conversationsMax) conversations: "
                    + "which side of those is the server was guessed by the address alone")
        }
        if datagrams.ambiguous > 0 {
            warnings.append(
                "\(datagrams.ambiguous) datagrams have \(role) at both ends and were delivered; they may be answers: "
                    + "name the address as well as the port")
        }
        if let comparison, datagrams.captured == 0, comparison.pairs == 0, statistics.sent > 0 {
            warnings.append("no replies were compared: \(content.subject) holds none sent by \(role)")
        }
        return warnings + (comparison?.warnings ?? [])
    }

    /// What kept the datagrams for the endpoint from being received.
    private var reasonsOnTheWay: [String] {
        var reasons: [String] = []
        if datagrams.lost > 0 { reasons.append("faults lost \(datagrams.lost) datagrams for \(role)") }
        if datagrams.afterClose > 0 {
            reasons.append("\(datagrams.afterClose) datagrams for \(role) came after the protocol had closed it")
        }
        if datagrams.kernelDropped > 0 {
            reasons.append("\(datagrams.kernelDropped) datagrams for \(role) found no room in the receive buffer")
        }
        if datagrams.neverRead > 0 {
            reasons.append("\(datagrams.neverRead) datagrams for \(role) were never read from the receive buffer")
        }
        return reasons
    }
}
