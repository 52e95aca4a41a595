/// The marks of a transport's write buffer, in bytes (asyncio's `set_write_buffer_limits`).
public struct WriteBufferLimits: Hashable, Sendable {
    /// Bytes charged for each queued datagram beside its payload, so that empty datagrams cannot flood the queue.
    public static let datagramOverhead = 8

    /// At this size or below, a paused protocol is resumed.
    public let low: Int
    /// Strictly above this size the protocol is paused.
    public let high: Int
    /// Datagrams that would take the buffer over this size are dropped and counted.
    public let maximum: Int

    /// Limits from whichever marks are given.
    ///
    /// - Parameters:
    ///   - low: default a quarter of `high`.
    ///   - high: default four times `low`; 64 KiB when neither is given.
    ///   - maximum: default 64 times `high`, at least 4 MiB.
    /// - Throws: `.negative`, `.highBelowLow` or `.maximumBelowHigh`, with all three values.
    public init(low: Int? = nil, high: Int? = nil, maximum: Int? = nil) throws(WriteBufferLimitsError) {
        let high = high ?? low.map { Self.times($0, 4) } ?? 65_536
        let low = low ?? high / 4
        let maximum = maximum ?? max(Self.times(high, 64), 4 << 20)
        if let code = Self.contradiction(low: low, high: high, maximum: maximum) {
            throw WriteBufferLimitsError(code: code, low: low, high: high, maximum: maximum)
        }
        (self.low, self.high, self.maximum) = (low, high, maximum)
    }

    /// asyncio's defaults, 64 KiB high and 16 KiB low, with a hard cap of 4 MiB.
    public static let standard = WriteBufferLimits(uncheckedLow: 16_384, high: 65_536, maximum: 4 << 20)

    private static func contradiction(low: Int, high: Int, maximum: Int) -> WriteBufferLimitsError.Code? {
        if low < 0 || high < 0 { return .negative }
        if high < low { return .highBelowLow }
        return maximum < high ? .maximumBelowHigh : nil
    }

    private static func times(_ mark: Int, _ factor: Int) -> Int {
        let (product, overflow) = mark.multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }

    /// Limits without a maximum; the marks are known to be right.
    init(unboundedLow low: Int, high: Int) { self.init(uncheckedLow: low, high: high, maximum: .max) }

    private init(uncheckedLow low: Int, high: Int, maximum: Int) {
        (self.low, self.high, self.maximum) = (low, high, maximum)
    }
}

/// Marks that contradict each other.
public struct WriteBufferLimitsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the marks.
    public struct Code: Hashable, Sendable {
        private enum Value { case negative, highBelowLow, maximumBelowHigh }
        private let value: Value

        /// A mark is below zero.
        public static let negative = Code(value: .negative)
        /// The high-water mark is below the low-water mark.
        public static let highBelowLow = Code(value: .highBelowLow)
        /// The hard cap is below the high-water mark.
        public static let maximumBelowHigh = Code(value: .maximumBelowHigh)
    }

    /// What is wrong.
    public let code: Code
    /// The marks as they would have been.
    public let low: Int, high: Int, maximum: Int

    /// The rule and the values that break it.
    public var description: String {
        "write buffer limits must satisfy maximum >= high >= low >= 0, "
            + "got maximum = \(maximum), high = \(high), low = \(low)"
    }
}
