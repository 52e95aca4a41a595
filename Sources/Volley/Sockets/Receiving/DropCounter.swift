/// Turns the kernel's drop count of one socket, which wraps at 2³², into one that does not.
struct DropCounter {
    private var last: UInt32
    /// The drops since the counter began.
    private(set) var total: UInt64 = 0

    /// A counter that begins at `first`: 0 for a new socket, so that nothing is missed before the first sample.
    init(startingAt first: UInt32) { last = first }

    /// Takes a new sample; up to 2³² − 1 drops since the one before are counted exactly.
    mutating func sample(_ count: UInt32) {
        total &+= UInt64(count &- last)
        last = count
    }

    /// Nanoseconds between two samples at most: 5 s, in which 2³² drops would take 859 million datagrams a second, more
    /// than 400 Gbit/s of the smallest frames carry (595 million).
    static let interval: Int64 = 5_000_000_000
}
