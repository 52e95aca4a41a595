import VolleyCapture
import VolleyCore
import VolleyWire

/// What `volley inspect` says; the names of its properties are the keys of the JSON.
struct InspectReport: Encodable {
    struct Endpoint: Encodable { let address: String, sent, received, sentBytes, receivedBytes: Int }
    struct Conversation: Encodable {
        let first, second: String
        let forward, backward, forwardBytes, backwardBytes: Int
        let firstNanoseconds: Int64?
        let seconds: Double?
    }
    struct LinkCount: Encodable { let linkType: String, records: Int }
    struct SizeRange: Encodable { let from: Int, to: Int?, records: Int }
    struct Carried: Encodable {
        let name: String
        let datagrams, payloadBytes, byPortAndContent, byContent, byPort: Int
    }
    struct ICMPErrors: Encodable {
        let family: String
        let type, code: UInt8
        let errno: String?
        /// `hard`, `soft` or `ignored`.
        let kind: String
        let errors: Int
        let meaning: String
    }
    struct Rates: Encodable {
        /// The time of the first datagram; columns begin at or shortly before it.
        let firstNanoseconds: Int64
        /// From the first datagram to the last.
        let seconds: Double
        let datagramsPerSecondMean, datagramsPerSecondPeak, bitsPerSecondMean, bitsPerSecondPeak: Double
        let peakWindowSeconds, columnSeconds: Double
        let columnDatagrams, columnPayloadBytes: [Int]
    }
    struct DNS: Encodable {
        let queries, answers, answered, unanswered, repeated, unasked: Int
        let answerSecondsMean, answerSecondsMax: Double
        let responseCodes: [String: Int]
    }
    struct Sequence: Encodable {
        let name: String
        let streams, datagrams, missing, late, restarts: Int
    }

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
    /// `nil` when there is no time between the first and the last datagram.
    let rates: Rates?
    /// Records that were not filtered by their length on the wire.
    let packetSizes: [SizeRange]
    let protocols: [Carried]
    let icmpErrors: [ICMPErrors]
    let icmpErrorsBeyond: Int
    /// `nil` when there is none.
    let dns: DNS?
    let sequences: [Sequence]
    let datagramsBeyondSequences: Int
    let endpointsTotal, conversationsTotal: Int
    let endpoints: [Endpoint]
    let conversations: [Conversation]
    let datagramsBeyondEndpoints, datagramsBeyondConversations: Int
    let delivered: Int?
    let sha256Payload, sha256Framed: String?
    let damage: String?
    /// What is odd about the file.
    let warnings: [String]

    /// The most columns a chart has.
    static let columnsMax = 72

    init(
        _ inspection: CaptureInspection, file: String, top: Int, order: CaptureInspection.Order, damage: CaptureError?,
        warnings: [String]
    ) {
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
        seconds = inspection.timeSpan.map(Self.seconds)
        timestampsBackwards = inspection.timestampsBackwards
        rates = Rates(inspection)
        packetSizes = inspection.sizes.ranges.map { SizeRange(from: $0.from, to: $0.to, records: $0.records) }
        protocols = inspection.protocols.map(Carried.init)
        icmpErrors = inspection.icmpErrors.map(ICMPErrors.init)
        icmpErrorsBeyond = inspection.icmpErrorsBeyond
        dns = DNS(inspection.dns)
        sequences = inspection.sequenceGaps.map(Sequence.init)
        datagramsBeyondSequences = inspection.datagramsBeyondSequences
        let (endpoints, conversations) = (inspection.endpoints(by: order), inspection.conversations(by: order))
        (endpointsTotal, conversationsTotal) = (endpoints.count, conversations.count)
        self.endpoints = endpoints.prefix(top).map(Endpoint.init)
        self.conversations = conversations.prefix(top).map(Conversation.init)
        datagramsBeyondEndpoints = inspection.datagramsBeyondEndpoints
        datagramsBeyondConversations = inspection.datagramsBeyondConversations
        delivered = inspection.digest?.delivered
        sha256Payload = inspection.digest?.sha256Payload
        sha256Framed = inspection.digest?.sha256Framed
        self.damage = damage.map { "\($0)" }
        self.warnings = warnings
    }

    /// The length of a span in seconds; of one longer than 64 bits of nanoseconds too.
    static func seconds(_ span: ClosedRange<Int64>) -> Double {
        let (difference, overflow) = span.upperBound.subtractingReportingOverflow(span.lowerBound)
        return overflow ? Double(span.upperBound) / 1e9 - Double(span.lowerBound) / 1e9 : Double(difference) / 1e9
    }
}

extension InspectReport.Endpoint {
    init(_ endpoint: CaptureEndpoint) {
        self.init(
            address: "\(endpoint.address)", sent: endpoint.sent.datagrams, received: endpoint.received.datagrams,
            sentBytes: endpoint.sent.payloadBytes, receivedBytes: endpoint.received.payloadBytes)
    }
}

extension InspectReport.Conversation {
    init(_ conversation: CaptureConversation) {
        self.init(
            first: "\(conversation.first)", second: "\(conversation.second)",
            forward: conversation.forward.datagrams, backward: conversation.backward.datagrams,
            forwardBytes: conversation.forward.payloadBytes, backwardBytes: conversation.backward.payloadBytes,
            firstNanoseconds: conversation.timeSpan?.lowerBound,
            seconds: conversation.timeSpan.map(InspectReport.seconds))
    }
}

extension InspectReport.Carried {
    init(_ found: ProtocolTraffic) {
        self.init(
            name: found.name, datagrams: found.traffic.datagrams, payloadBytes: found.traffic.payloadBytes,
            byPortAndContent: found.byPortAndContent, byContent: found.byContent, byPort: found.byPort)
    }
}

extension InspectReport.ICMPErrors {
    init(_ found: ICMPErrorCount) {
        self.init(
            family: found.family == .ipv6 ? "v6" : "v4", type: found.type, code: found.code, errno: found.errno?.name,
            kind: found.errno.map { $0.isHard ? "hard" : "soft" } ?? "ignored", errors: found.errors,
            meaning: found.meaning)
    }
}

extension InspectReport.Rates {
    /// `nil` when no time passes between datagrams.
    init?(_ inspection: CaptureInspection) {
        guard let span = inspection.rates.timeSpan, span.upperBound > span.lowerBound else { return nil }
        let seconds = InspectReport.seconds(span)
        let chart = inspection.rates.chart(columnsMax: InspectReport.columnsMax)
        // A column, or a second where columns are wider.
        let (window, most) = inspection.rates.peak(over: min(chart.columnNanoseconds, 1_000_000_000))
        let windowSeconds = Double(window) / 1e9
        let datagrams = chart.columns.reduce(0) { $0 + $1.datagrams }
        let bytes = chart.columns.reduce(0) { $0 + $1.payloadBytes }
        self.init(
            firstNanoseconds: span.lowerBound, seconds: seconds,
            datagramsPerSecondMean: Double(datagrams) / seconds,
            datagramsPerSecondPeak: Double(most.datagrams) / windowSeconds,
            bitsPerSecondMean: Double(bytes) * 8 / seconds,
            bitsPerSecondPeak: Double(most.payloadBytes) * 8 / windowSeconds, peakWindowSeconds: windowSeconds,
            columnSeconds: Double(chart.columnNanoseconds) / 1e9, columnDatagrams: chart.columns.map(\.datagrams),
            columnPayloadBytes: chart.columns.map(\.payloadBytes))
    }
}

extension InspectReport.DNS {
    /// `nil` when there was none.
    init?(_ found: DNSExchanges) {
        guard found.queries + found.answers > 0 else { return nil }
        self.init(
            queries: found.queries, answers: found.answers, answered: found.answered, unanswered: found.unanswered,
            repeated: found.repeated, unasked: found.unasked,
            answerSecondsMean: found.answered > 0 ? found.answerNanosecondsSum / Double(found.answered) / 1e9 : 0,
            answerSecondsMax: Double(found.answerNanosecondsMax) / 1e9,
            responseCodes: Dictionary(
                uniqueKeysWithValues: zip(dnsResponseCodeNames, found.responseCodes).filter { $0.1 > 0 }))
    }
}

extension InspectReport.Sequence {
    init(_ found: SequenceGaps) {
        self.init(
            name: found.name, streams: found.streams, datagrams: found.datagrams, missing: found.missing,
            late: found.late, restarts: found.restarts)
    }
}
