/// How two sequences of replies go together with the fewest differences.
///
/// That is their Levenshtein distance, computed from their ends (R. A. Wagner, M. J. Fischer: The String-to-String
/// Correction Problem, 1974). Where there are several ways, a pair comes before a missing one, and that before an extra
/// one, so that one that is different stays in its place. Costs one step for each two replies, or one for each where the
/// sequences have nothing in common.
struct ReplyAlignment {
    /// What becomes of the first ones of the two sequences.
    enum Step {
        /// They are partners, the same or not.
        case pair
        /// The captured one has no partner.
        case missing
        /// The sent one has no partner.
        case extra
    }

    /// The steps from the beginning: to the end of a sequence after which nothing comes, or to the middle of another,
    /// since what follows may give the rest better partners.
    let steps: [Step]

    /// Aligns `sent` with `captured`, neither of them empty.
    ///
    /// - Parameters:
    ///   - sent: the payloads of one side.
    ///   - captured: those of the other.
    ///   - mask: see ``ReplyRules/mask``.
    ///   - isLast: after which of them nothing comes.
    init(
        sent: [[UInt8]], captured: [[UInt8]], mask: ((inout [UInt8]) -> Void)?,
        isLast: (sent: Bool, captured: Bool)
    ) {
        // Equal payloads get equal numbers.
        var numbers: [[UInt8]: Int] = [:]
        func number(_ payload: [UInt8]) -> Int {
            var payload = payload
            mask?(&payload)
            if let known = numbers[payload] { return known }
            numbers[payload] = numbers.count
            return numbers.count - 1
        }
        let sent = sent.map(number)
        let ownCount = numbers.count
        let captured = captured.map(number)
        let hasCommon = captured.contains { $0 < ownCount }
        let end = (
            sent: isLast.sent ? sent.count : (sent.count + 1) / 2,
            captured: isLast.captured ? captured.count : (captured.count + 1) / 2
        )
        let distances = hasCommon ? Self.distances(sent, captured, isLast: isLast) : []
        let width = captured.count + 1
        var steps: [Step] = []
        var (i, j) = (0, 0)
        while i < end.sent, j < end.captured {
            let here = i * width + j
            let change: Int32 = sent[i] == captured[j] ? 0 : 1
            if !hasCommon || distances[here] == distances[here + width + 1] + change {
                steps.append(.pair)
                (i, j) = (i + 1, j + 1)
            } else if distances[here] == distances[here + 1] + 1 {
                steps.append(.missing)
                j += 1
            } else {
                steps.append(.extra)
                i += 1
            }
        }
        self.steps = steps
    }

    /// For each two places, how many differences there are from there on, row by row of `sent`.
    private static func distances(
        _ sent: [Int], _ captured: [Int], isLast: (sent: Bool, captured: Bool)
    ) -> [Int32] {
        let width = captured.count + 1
        // What is left of one costs nothing as long as its partners may be still to come.
        var distances = [Int32](repeating: 0, count: (sent.count + 1) * width)
        if isLast.sent {
            for j in 0..<width { distances[sent.count * width + j] = Int32(captured.count - j) }
        }
        if isLast.captured {
            for i in 0..<sent.count { distances[i * width + captured.count] = Int32(sent.count - i) }
        }
        for i in sent.indices.reversed() {
            for j in captured.indices.reversed() {
                let here = i * width + j
                let change: Int32 = sent[i] == captured[j] ? 0 : 1
                distances[here] = min(
                    distances[here + width + 1] + change, distances[here + 1] + 1, distances[here + width] + 1)
            }
        }
        return distances
    }
}
