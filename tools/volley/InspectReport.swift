import VolleyCapture
import VolleyCore
import VolleyWire

/// What `volley inspect` says.
struct InspectReport: Encodable {
    struct Endpoint: Encodable { let address: String, sent, received, sentBytes, receivedBytes: Int }
    struct Conversation: Encodable {
        let first, second: String
        let forward, backward, forwardBytes, backwardBytes: Int
    }
    struct LinkCount: Encodable { let linkType: String, records: Int }

    let file: String
    let records: Int
    /// Records by class; the sum is `records`.
    let classes: [String: Int]
    /// Why the malformed ones are.
    let malformed: [String: Int]
    let linkTypes: [LinkCount]
    let datagrams, payloadBytes: Int
    /// Times of the earliest and latest record, in nanoseconds since 1970-01-01 00:00 UTC.
    let firstNanoseconds, lastNanoseconds: Int64?
    let seconds: Double?
    let timestampsBackwards: Int
    let endpointsTotal, conversationsTotal: Int
    let endpoints: [Endpoint]
    let conversations: [Conversation]
    let datagramsBeyondEndpoints, datagramsBeyondConversations: Int
    let delivered: Int?
    let sha256Payload, sha256Framed: String?
    let damage: String?

    init(_ inspection: CaptureInspection, file: String, top: Int, damage: CaptureError?) {
        self.file = file
        records = inspection.records
        classes = Dictionary(
            uniqueKeysWithValues: RecordClass.all.map { ($0.name, inspection.accounting[$0]) }.filter { $0.1 > 0 })
        malformed = Dictionary(
            uniqueKeysWithValues: MalformedReason.all.map { ($0.name, inspection.accounting[$0]) }.filter { $0.1 > 0 })
        linkTypes = inspection.linkTypes.map { LinkCount(linkType: "\($0.linkType)", records: $0.records) }
        datagrams = inspection.datagrams
        payloadBytes = inspection.payloadBytes
        firstNanoseconds = inspection.timeSpan?.lowerBound
        lastNanoseconds = inspection.timeSpan?.upperBound
        seconds = inspection.timeSpan.map { Double($0.upperBound &- $0.lowerBound) / 1e9 }
        timestampsBackwards = inspection.timestampsBackwards
        let (endpoints, conversations) = (inspection.endpoints, inspection.conversations)
        (endpointsTotal, conversationsTotal) = (endpoints.count, conversations.count)
        self.endpoints = endpoints.prefix(top).map {
            Endpoint(
                address: "\($0.address)", sent: $0.sent.datagrams, received: $0.received.datagrams,
                sentBytes: $0.sent.payloadBytes, receivedBytes: $0.received.payloadBytes)
        }
        self.conversations = conversations.prefix(top).map {
            Conversation(
                first: "\($0.first)", second: "\($0.second)", forward: $0.forward.datagrams,
                backward: $0.backward.datagrams, forwardBytes: $0.forward.payloadBytes,
                backwardBytes: $0.backward.payloadBytes)
        }
        datagramsBeyondEndpoints = inspection.datagramsBeyondEndpoints
        datagramsBeyondConversations = inspection.datagramsBeyondConversations
        delivered = inspection.digest?.delivered
        sha256Payload = inspection.digest?.sha256Payload
        sha256Framed = inspection.digest?.sha256Framed
        self.damage = damage.map { "\($0)" }
    }

    /// The same for a person.
    var lines: [String] {
        var lines = [
            "\(file): \(records.grouped) records, \(datagrams.grouped) UDP datagrams, "
                + "\(payloadBytes.grouped) bytes of payload"
        ]
        if let firstNanoseconds, let seconds {
            lines.append("time: \(timeText(firstNanoseconds)) UTC, \(seconds.text(6)) s")
        }
        if timestampsBackwards > 0 { lines.append("time goes backwards \(timestampsBackwards.grouped) times") }
        lines.append("link types: " + linkTypes.map { "\($0.linkType) \($0.records.grouped)" }.joined(separator: ", "))
        lines.append(
            "classes: "
                + RecordClass.all.compactMap { kind in
                    classes[kind.name].map { "\(kind.name) \($0.grouped)" }
                }.joined(separator: ", "))
        if !malformed.isEmpty {
            lines.append(
                "malformed: "
                    + malformed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.grouped)" }
                    .joined(separator: ", "))
        }
        if !endpoints.isEmpty { lines += ["", "endpoints (\(endpoints.count) of \(endpointsTotal.grouped))"] }
        lines += table(
            endpoints.map {
                [
                    $0.address, "sent \($0.sent.grouped)", "received \($0.received.grouped)",
                    "\(($0.sentBytes + $0.receivedBytes).grouped) bytes",
                ]
            })
        if !conversations.isEmpty {
            lines += ["", "conversations (\(conversations.count) of \(conversationsTotal.grouped))"]
        }
        lines += table(
            conversations.map {
                [
                    $0.first, $0.second, "→ \($0.forward.grouped)", "← \($0.backward.grouped)",
                    "\(($0.forwardBytes + $0.backwardBytes).grouped) bytes",
                ]
            })
        if datagramsBeyondConversations > 0 {
            lines.append("\(datagramsBeyondConversations.grouped) datagrams of further conversations are not listed")
        }
        if let delivered, let sha256Payload, let sha256Framed {
            lines += [
                "", "delivered     \(delivered)", "payloadBytes  \(payloadBytes)", "sha256Payload \(sha256Payload)",
                "sha256Framed  \(sha256Framed)",
            ]
        }
        return lines
    }

    /// Rows with their columns under each other: the first left, numbers as they come.
    private func table(_ rows: [[String]]) -> [String] {
        guard let columns = rows.first?.count else { return [] }
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return "  " + cells.joined(separator: "  ").trimmingTrailingSpaces
        }
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
