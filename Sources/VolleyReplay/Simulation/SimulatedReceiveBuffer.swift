import VolleyCore

/// The receive buffer of a simulated socket: what has arrived and was not received yet, up to a limit.
struct SimulatedReceiveBuffer {
    /// One datagram that waits.
    struct Entry {
        let payload: [UInt8]
        let source: SocketAddress
        let local: IPAddress
        let timestamp: Int64
        let trafficClass: Int16

        var cost: Int { payload.count + SimulatedEndpoint.Options.receiveBufferOverhead }
    }

    private let limit: Int
    private var entries: [Entry] = []
    private var first = 0
    private var size = 0
    /// How many found no room.
    private(set) var dropped: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { first == entries.count }

    /// Takes a datagram, or drops and counts it; an empty buffer takes any, as the kernel's does.
    mutating func append(_ entry: Entry) -> Bool {
        guard isEmpty || size + entry.cost <= limit else {
            dropped += 1
            return false
        }
        size += entry.cost
        entries.append(entry)
        return true
    }

    /// Takes out the first `count`, or as many as there are.
    mutating func removeFirst(_ count: Int) -> ArraySlice<Entry> {
        let batch = entries[first..<min(entries.count, first + count)]
        first += batch.count
        size -= batch.reduce(0) { $0 + $1.cost }
        if first == entries.count {
            entries = []
            first = 0
        } else if first >= 1_024 {
            entries.removeFirst(first)
            first = 0
        }
        return batch
    }
}
