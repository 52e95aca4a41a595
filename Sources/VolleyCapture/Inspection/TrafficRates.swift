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
    /// The bin that was added to last, and when it begins: the next datagram mostly belongs to it.
    private var current = (bin: 0, start: Int64.max)

    init() {}

    /// Takes in a datagram.
    mutating func add(_ payloadBytes: Int, at time: Int64) {
        let (age, overflow) = time.subtractingReportingOverflow(current.start)
        if overflow || age < 0 || age >= width { find(time) }
        bins[current.bin].datagrams += 1
        bins[current.bin].payloadBytes += payloadBytes
    }

    /// Makes the bin of `time` the current one; widens all of them until there is one.
    private mutating func find(_ time: Int64) {
        while true {
            let place = Self.floorDivide(time, width)
            if bins.isEmpty { first = place }
            // A wider bin than 10^18 ns there is none, and none is needed: twenty of them are all of time.
            let (offset, overflow) = place.subtractingReportingOverflow(first)
            if !overflow, reach(offset) {
                let index = Int(place - first)
                // A bin may begin before the first nanosecond of 64 bits: then it is looked up anew each time.
                let (start, early) = place.multipliedReportingOverflow(by: width)
                current = (index, early ? .max : start)
                return
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
        let newFirst = Self.floorDivide(first, 10)
        bins = Self.merged(bins, first: first, by: 10)
        first = newFirst
        width *= 10
    }

    /// Groups of `factor` bins as one; groups begin at multiples of `factor` after the epoch.
    private static func merged(_ bins: [TrafficCount], first: Int64, by factor: Int64) -> [TrafficCount] {
        guard !bins.isEmpty else { return [] }
        // `first` and what is counted from it are too small to overflow: a bin is at least a nanosecond.
        let start = floorDivide(first, factor)
        let offset = Int(first - start * factor)
        var merged: [TrafficCount] = []
        for (index, bin) in bins.enumerated() {
            let group = (offset + index) / Int(factor)
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
        var factor: Int64 = 1
        var step = 0
        while true {
            let columns = Self.merged(bins, first: first, by: factor)
            let (nanoseconds, overflow) = width.multipliedReportingOverflow(by: factor)
            if columns.count <= most || overflow {
                return Chart(columnNanoseconds: overflow ? .max : nanoseconds, columns: columns)
            }
            factor = [2, 5, 10][step % 3] * [1, 10, 100, 1_000, 10_000, 100_000][min(step / 3, 5)]
            step += 1
        }
    }

    /// The most that came in a stretch of time, the window, and how long that is.
    ///
    /// - Parameter nanoseconds: about the length of the window: it is a multiple of the bins' width, which may be more.
    /// - Returns: the window's length in nanoseconds, and the most datagrams and the most bytes in one, which need not
    ///   be the same window.
    public func peak(over nanoseconds: Int64) -> (windowNanoseconds: Int64, most: TrafficCount) {
        let factor = max(1, nanoseconds / width)
        var most = TrafficCount()
        for window in Self.merged(bins, first: first, by: factor) {
            most.datagrams = max(most.datagrams, window.datagrams)
            most.payloadBytes = max(most.payloadBytes, window.payloadBytes)
        }
        let (window, overflow) = width.multipliedReportingOverflow(by: factor)
        return (overflow ? .max : window, most)
    }
}
