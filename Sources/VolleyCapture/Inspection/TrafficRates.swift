/// How many datagrams and bytes came when, in at most 4,096 bins of equal width.
///
/// Bins are as narrow as the capture's length allows: 1, 10, 100… ns.
public struct TrafficRates: Sendable {
    /// The same in few columns, to be drawn.
    public struct Chart: Sendable {
        /// The width of a column in nanoseconds: 1, 2 or 5 times a power of ten.
        public let columnNanoseconds: Int64
        /// What came in each column, one after another without a gap.
        public let columns: [TrafficCount]
    }

    private static let binsMax = 4_096
    private var width: Int64 = 1
    /// The first bin begins at this many widths after the epoch.
    private var first: Int64 = 0
    private var bins: [TrafficCount] = []
    /// The time of the earliest and the latest datagram in nanoseconds since the Unix epoch; `nil` if there is none.
    public private(set) var timeSpan: ClosedRange<Int64>?
    // The bin that was added to last, and when it begins: the next datagram mostly belongs to it. -1 for none.
    private var current = (bin: -1, start: Int64(0))

    init() {}

    /// Takes in a datagram.
    mutating func add(_ payloadBytes: Int, at time: Int64) {
        if let span = timeSpan {
            if !span.contains(time) { timeSpan = min(span.lowerBound, time)...max(span.upperBound, time) }
        } else {
            timeSpan = time...time
        }
        let (age, overflow) = time.subtractingReportingOverflow(current.start)
        let bin = current.bin >= 0 && !overflow && age >= 0 && age < width ? current.bin : find(time)
        bins[bin].datagrams += 1
        bins[bin].payloadBytes += payloadBytes
    }

    /// The bin of `time`, which becomes the current one; widens all of them until there is one.
    private mutating func find(_ time: Int64) -> Int {
        while true {
            let place = Self.floorDivide(time, width)
            if bins.isEmpty { first = place }
            // A wider bin than 10^18 ns there is none, and none is needed: twenty of them are all of time.
            let (offset, overflow) = place.subtractingReportingOverflow(first)
            if !overflow, reach(offset) {
                let index = Int(place - first)
                // A bin may begin before the first nanosecond of 64 bits: then it is looked up anew each time.
                let (start, early) = place.multipliedReportingOverflow(by: width)
                current = (early ? -1 : index, start)
                return index
            }
            widen()
        }
    }

    /// Makes bins up to the one at `offset`, which may lie before the first; `false` if that takes too many.
    private mutating func reach(_ offset: Int64) -> Bool {
        let limit = Int64(Self.binsMax)
        if offset < 0 {
            guard offset > -limit, Int64(bins.count) - offset <= limit else { return false }
            bins.insert(contentsOf: repeatElement(TrafficCount(), count: Int(-offset)), at: 0)
            first += offset
        } else if offset >= Int64(bins.count) {
            guard offset < limit else { return false }
            bins.append(contentsOf: repeatElement(TrafficCount(), count: Int(offset) + 1 - bins.count))
        }
        return true
    }

    private mutating func widen() {
        let remainder = Int(first % 10)
        bins = Self.merged(bins, skipping: remainder < 0 ? remainder + 10 : remainder, by: 10)
        first = Self.floorDivide(first, 10)
        width *= 10
    }

    /// Groups of `factor` bins as one; the first group lacks as many bins at its front as are skipped.
    private static func merged(_ bins: [TrafficCount], skipping: Int, by factor: Int) -> [TrafficCount] {
        var merged: [TrafficCount] = []
        merged.reserveCapacity(bins.count / factor + 2)
        for (index, bin) in bins.enumerated() {
            let group = (skipping + index) / factor
            if group == merged.count { merged.append(TrafficCount()) }
            merged[group].datagrams += bin.datagrams
            merged[group].payloadBytes += bin.payloadBytes
        }
        return merged
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The datagrams and bytes in columns, of the narrowest width that takes at most so many of them.
    ///
    /// - Parameter columnsMax: the most columns, 1 to 400; less or more is taken as the nearest of these.
    public func chart(columnsMax: Int) -> Chart {
        let most = max(1, min(columnsMax, 400))
        // All bins fit one column of the last width.
        let factors = [1, 10, 100, 1_000].flatMap { [$0, 2 * $0, 5 * $0] }
        let factor = factors.first { (bins.count + $0 - 1) / $0 <= most } ?? Self.binsMax
        return Chart(columnNanoseconds: length(of: factor), columns: Self.merged(bins, skipping: 0, by: factor))
    }

    /// The most that came in a stretch of time, the window, and how long that is.
    ///
    /// - Parameter nanoseconds: about the length of the window: it is a multiple of the bins' width, which may be more.
    /// - Returns: the window's length in nanoseconds, and the most datagrams and the most bytes in one, which need not
    ///   be the same window. Windows follow each other without overlap from the first datagram on.
    public func peak(over nanoseconds: Int64) -> (windowNanoseconds: Int64, most: TrafficCount) {
        let factor = Int(max(1, min(nanoseconds / width, Int64(Self.binsMax))))
        var most = TrafficCount()
        for window in Self.merged(bins, skipping: 0, by: factor) {
            most.datagrams = max(most.datagrams, window.datagrams)
            most.payloadBytes = max(most.payloadBytes, window.payloadBytes)
        }
        return (length(of: factor), most)
    }

    /// Nanoseconds of so many bins, clamped to 64 bits.
    private func length(of bins: Int) -> Int64 {
        let (nanoseconds, overflow) = width.multipliedReportingOverflow(by: Int64(bins))
        return overflow ? .max : nanoseconds
    }
}
