internal import VolleyCore

/// DNS queries and what became of them: pairs have the same endpoints, id and question.
///
/// Queries that have no answer yet are remembered, at most 65,536 of them: beyond that the older half is given up and
/// counts as unanswered.
public struct DNSExchanges: Sendable {
    /// Queries, repeated ones included.
    public private(set) var queries = 0
    /// Queries with an answer.
    public private(set) var answered = 0
    /// Queries that came again before an answer: a retransmission, or a packet captured twice.
    public private(set) var repeated = 0
    /// Answers to no query in the capture: it was lost, was before, or has been answered already.
    public private(set) var unasked = 0
    /// The time from the query (of repeated ones from the last) to the answer, in nanoseconds: the sum over all answers.
    public private(set) var answerNanosecondsSum = 0.0
    /// The longest such time, in nanoseconds.
    public private(set) var answerNanosecondsMax: Int64 = 0
    /// The answers by their response code (RFC 6895), 0 to 15.
    public private(set) var responseCodes = [Int](repeating: 0, count: 16)

    private struct Key: Hashable {
        let client: SocketAddress
        let server: SocketAddress
        let id: UInt16
        let question: UInt64
    }

    private static let generationMax = 32_768
    private var givenUp = 0
    private var recent: [Key: Int64] = [:]
    private var older: [Key: Int64] = [:]

    init() {}

    /// Queries without an answer; repeated ones count once.
    public var unanswered: Int { givenUp + recent.count + older.count }

    /// The answers.
    public var answers: Int { answered + unasked }

    mutating func add(_ message: DNSMessage, from source: SocketAddress, to destination: SocketAddress, at time: Int64)
    {
        if message.isAnswer {
            addAnswer(
                message, Key(client: destination, server: source, id: message.id, question: message.question), time)
            return
        }
        queries += 1
        let key = Key(client: source, server: destination, id: message.id, question: message.question)
        if recent.updateValue(time, forKey: key) != nil || older.removeValue(forKey: key) != nil { repeated += 1 }
        guard recent.count >= Self.generationMax else { return }
        givenUp += older.count
        older = recent
        recent = [:]
    }

    private mutating func addAnswer(_ message: DNSMessage, _ key: Key, _ time: Int64) {
        responseCodes[Int(message.responseCode)] += 1
        guard let asked = recent.removeValue(forKey: key) ?? older.removeValue(forKey: key) else {
            unasked += 1
            return
        }
        answered += 1
        let (elapsed, overflow) = time.subtractingReportingOverflow(asked)
        guard !overflow, elapsed > 0 else { return }
        answerNanosecondsSum += Double(elapsed)
        answerNanosecondsMax = max(answerNanosecondsMax, elapsed)
    }
}
