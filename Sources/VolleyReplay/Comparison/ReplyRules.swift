import VolleyCore

/// How replies are paired with the captured ones, and in what they may differ from them.
///
/// Without rules, replies of one flow are paired in their order and have to be the same byte for byte. A codec's rules
/// are closures over the payload: for DNS, the key is the id with the question, and the mask sets what a resolver may
/// choose, such as times to live, to one value.
public struct ReplyRules {
    /// What a reply shares with its captured partner and with no other of its flow that is outstanding.
    ///
    /// Those for which the closure gives `nil`, sent and captured, are paired among themselves by their order, and counted
    /// in ``ReplyComparison/withoutKey``.
    public var key: ((RawSpan) -> [UInt8]?)?

    /// Sets whatever may differ to the same value on both sides; may change the length.
    ///
    /// Only called for pairs that are not identical.
    public var mask: ((inout [UInt8]) -> Void)?

    /// A payload in words, shown with a difference beside its bytes.
    public var describe: ((RawSpan) -> String)?

    /// How long after the captured reply one may come without being late; `nil` if none is.
    ///
    /// Offline an answer comes at once unless the protocol uses timers, so that this judges those.
    public var lateAfter: Duration?

    /// No key, no mask, no limit of time.
    public init() {}

    /// Rules for protocols with fields in fixed places.
    ///
    /// - Parameters:
    ///   - key: which bytes are the key; a payload that does not reach to the last of them has none.
    ///   - ignoring: which bytes may differ; the length may not.
    ///   - lateAfter: how long after the captured reply one may come.
    public init(key: [Range<Int>] = [], ignoring: [Range<Int>] = [], lateAfter: Duration? = nil) {
        self.lateAfter = lateAfter
        if !key.isEmpty {
            self.key = { payload in
                var bytes: [UInt8] = []
                for range in key {
                    guard range.lowerBound >= 0, range.upperBound <= payload.byteCount else { return nil }
                    bytes += Array(copying: payload.extracting(range))
                }
                return bytes
            }
        }
        if !ignoring.isEmpty {
            mask = { bytes in
                for range in ignoring { for index in range.clamped(to: bytes.indices) { bytes[index] = 0 } }
            }
        }
    }

    /// Whether two payloads that are not the same are equal under the mask.
    func areEqual(_ expected: RawSpan, _ actual: RawSpan) -> Bool {
        guard let mask else { return false }
        var (first, second) = (Array(copying: expected), Array(copying: actual))
        mask(&first)
        mask(&second)
        return first == second
    }
}
