import VolleyCapture
import VolleyWire

/// The same for a person, for a terminal of 80 columns.
extension InspectReport {
    /// All lines.
    func lines(_ style: TextStyle) -> [String] {
        summaryLines + rateLines(style) + sizeLines(style) + protocolLines + dnsLines + sequenceLines + icmpLines
            + endpointLines + conversationLines(style) + digestLines
    }

    private var summaryLines: [String] {
        var lines = [
            "\(file): \(records.grouped) records, \(datagrams.grouped) UDP datagrams, "
                + "\(payloadBytes.grouped) bytes of payload"
        ]
        if let firstNanoseconds, let seconds {
            lines.append("time: \(timeText(firstNanoseconds)) UTC, \(seconds.text(6)) s")
        }
        if timestampsBackwards > 0 { lines.append("time goes backwards \(timestampsBackwards.grouped) times") }
        lines += list("link types: ", linkTypes.map { "\($0.linkType) \($0.records.grouped)" })
        lines += list(
            "classes: ", RecordClass.all.compactMap { kind in classes[kind.name].map { "\(kind.name) \($0.grouped)" } })
        lines += list(
            "malformed: ", malformed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.grouped)" })
        return lines
    }

    private func rateLines(_ style: TextStyle) -> [String] {
        guard let rates else { return [] }
        let column = durationText(rates.columnSeconds)
        let window = durationText(rates.peakWindowSeconds)
        return ["", "rates (a column is \(column), peaks are over \(window))"]
            + [
                "  datagrams/s: \(rateText(rates.datagramsPerSecondMean)) mean, "
                    + "\(rateText(rates.datagramsPerSecondPeak)) peak"
            ] + style.chart(rates.columnDatagrams, rows: 3).map { "  " + $0 }
            + [
                "  bits/s of payload: \(scaledText(rates.bitsPerSecondMean)) mean, "
                    + "\(scaledText(rates.bitsPerSecondPeak)) peak"
            ] + style.chart(rates.columnPayloadBytes, rows: 3).map { "  " + $0 }
    }

    private func rateText(_ rate: Double) -> String {
        if rate > 0, rate < 0.005 { return "under 0.01" }
        return rate >= 99.95 && rate < 1e15 ? Int(rate.rounded()).grouped : shortText(rate)
    }

    private func sizeLines(_ style: TextStyle) -> [String] {
        let sum = packetSizes.reduce(0) { $0 + $1.records }
        guard sum > 0 else { return [] }
        let most = packetSizes.map(\.records).max() ?? 0
        let rows = packetSizes.filter { $0.records > 0 }.map { range in
            [
                range.to.map { "\(range.from)-\($0)" } ?? "\(range.from) or more", range.records.grouped,
                percentText(range.records, of: sum), style.bar(range.records, of: most, width: 40),
            ]
        }
        return ["", "packet sizes (bytes on the wire, of \(sum.grouped) records)"] + table(rows, right: [0, 1, 2])
    }

    private var protocolLines: [String] {
        let rows = protocols.map { found in
            var notes: [String] = []
            if found.byPort > 0 {
                notes.append(
                    found.byPort == found.datagrams ? "by port alone" : "\(found.byPort.grouped) by port alone")
            }
            if found.byContent > 0 {
                notes.append(
                    found.byContent == found.datagrams ? "on other ports" : "\(found.byContent.grouped) on other ports")
            }
            return [
                found.name, found.datagrams.grouped, percentText(found.datagrams, of: datagrams),
                "\(found.payloadBytes.grouped) bytes", notes.joined(separator: ", "),
            ]
        }
        return rows.isEmpty ? [] : ["", "protocols"] + table(rows, right: [1, 2, 3])
    }

    private var dnsLines: [String] {
        guard let dns else { return [] }
        var lines = ["", "DNS"]
        var answered = "  \(dns.answered.grouped) answered"
        if dns.answered > 0 {
            answered +=
                ", after \(durationText(dns.answerSecondsMean)) on average, \(durationText(dns.answerSecondsMax)) at most"
        }
        let asked = dns.answered + dns.unanswered
        lines += [
            "  \(dns.queries.grouped) queries, \(dns.repeated.grouped) of them repeated before an answer", answered,
            "  \(dns.unanswered.grouped) unanswered (\(percentText(dns.unanswered, of: asked)))",
        ]
        if dns.unasked > 0 { lines.append("  \(dns.unasked.grouped) answers to no query seen") }
        let codes = dnsResponseCodeNames.compactMap { name in dns.responseCodes[name].map { "\(name) \($0.grouped)" } }
        return lines + list("  answers: ", codes)
    }

    private var sequenceLines: [String] {
        guard !sequences.isEmpty || datagramsBeyondSequences > 0 else { return [] }
        let rows = sequences.map { found in
            let sum = found.datagrams + found.missing
            return [
                found.name, "\(found.streams.grouped) streams", "\(found.datagrams.grouped) datagrams",
                "\(found.missing.grouped) missing"
                    + (found.name == "NetFlow" ? "" : " (\(percentText(found.missing, of: sum)))"),
                "\(found.late.grouped) late", "\(found.restarts.grouped) restarts",
            ]
        }
        var lines = ["", "sequence numbers"] + table(rows, right: [1, 2, 3, 4, 5])
        if datagramsBeyondSequences > 0 {
            lines.append("  \(datagramsBeyondSequences.grouped) datagrams of further streams are not followed")
        }
        return lines
    }

    private var icmpLines: [String] {
        guard !icmpErrors.isEmpty else { return [] }
        let rows = icmpErrors.map {
            [$0.errors.grouped, $0.errno ?? "-", $0.kind, "\($0.family) \($0.type)/\($0.code)", $0.meaning]
        }
        var lines = ["", "ICMP errors about datagrams (type/code)"] + table(rows, right: [0])
        if icmpErrorsBeyond > 0 { lines.append("  \(icmpErrorsBeyond.grouped) of further kinds are not listed") }
        return lines
    }

    private var endpointLines: [String] {
        guard !endpoints.isEmpty else { return [] }
        var lines = ["", "endpoints (\(endpoints.count.grouped) of \(endpointsTotal.grouped))"]
        lines += table(
            endpoints.map {
                [
                    $0.address, "sent \($0.sent.grouped)", "received \($0.received.grouped)",
                    "\(($0.sentBytes + $0.receivedBytes).grouped) bytes",
                ]
            })
        if datagramsBeyondEndpoints > 0 {
            lines.append("  \(datagramsBeyondEndpoints.grouped) ends of datagrams found no room in this table")
        }
        return lines
    }

    private func conversationLines(_ style: TextStyle) -> [String] {
        guard !conversations.isEmpty else { return [] }
        var lines = ["", "conversations (\(conversations.count.grouped) of \(conversationsTotal.grouped))"]
        lines += table(
            conversations.map {
                [
                    $0.first, $0.second, "\(style.forward) \($0.forward.grouped)",
                    "\(style.backward) \($0.backward.grouped)",
                    "\(($0.forwardBytes + $0.backwardBytes).grouped) bytes", $0.seconds.map(durationText) ?? "",
                ]
            }, right: [4, 5])
        if datagramsBeyondConversations > 0 {
            lines.append("  \(datagramsBeyondConversations.grouped) datagrams of further conversations are not listed")
        }
        return lines
    }

    private var digestLines: [String] {
        guard let delivered, let sha256Payload, let sha256Framed else { return [] }
        return [
            "", "delivered     \(delivered)", "payloadBytes  \(payloadBytes)", "sha256Payload \(sha256Payload)",
            "sha256Framed  \(sha256Framed)",
        ]
    }

    /// Items behind a title, in lines of up to 80 columns; nothing when there are none.
    private func list(_ title: String, _ items: [String]) -> [String] {
        guard !items.isEmpty else { return [] }
        var lines = [title]
        let indent = String(repeating: " ", count: title.count)
        for (index, item) in items.enumerated() {
            let text = index + 1 < items.count ? item + ", " : item
            if lines[lines.count - 1].count + text.count > 81, lines[lines.count - 1].count > title.count {
                lines.append(indent)
            }
            lines[lines.count - 1] += text
        }
        return lines.map(\.trimmingTrailingSpaces)
    }
}
