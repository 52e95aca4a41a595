internal import DequeModule

/// The datagrams the kernel could not take yet, in order, with what they cost.
struct SendQueue {
    struct Entry {
        let payload: [UInt8]
        /// The destination in the kernel's layout; empty for the connected peer.
        let destination: [UInt8]
        let control: SendControl
    }

    private var entries = Deque<Entry>()
    /// Payload bytes plus ``WriteBufferLimits/datagramOverhead`` for each datagram.
    private(set) var size = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    subscript(index: Int) -> Entry { entries[index] }

    static func cost(of count: Int) -> Int { count + WriteBufferLimits.datagramOverhead }

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        size += Self.cost(of: entry.payload.count)
    }

    mutating func removeFirst(_ count: Int) {
        for _ in 0..<count { size -= Self.cost(of: entries.removeFirst().payload.count) }
        assert(size >= 0 && (!entries.isEmpty || size == 0), "the queue's size must be the sum of its entries")
    }

    mutating func removeAll() {
        entries.removeAll()
        size = 0
    }
}
