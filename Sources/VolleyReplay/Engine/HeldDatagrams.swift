import VolleyCore

/// The receive buffer of a paused endpoint: what the kernel would hold, and where it would begin to drop.
struct HeldDatagrams {
    /// One datagram that waits.
    struct Entry {
        let payload: [UInt8]
        let source: SocketAddress
        let local: IPAddress
        let timestamp: Int64

        var cost: Int { payload.count + ReplayOptions.receiveBufferOverhead }
    }

    private let limit: Int
    private var entries: [Entry] = []
    private var first = 0
    private var size = 0
    /// How many found no room.
    private(set) var dropped = 0

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { first == entries.count }
    var count: Int { entries.count - first }

    /// The datagram that has waited `index` datagrams less than the longest.
    subscript(index: Int) -> Entry { entries[first + index] }

    /// Takes a datagram, or drops and counts it; an empty buffer takes any, as the kernel's does.
    mutating func append(_ entry: Entry) {
        guard isEmpty || size + entry.cost <= limit else {
            dropped += 1
            return
        }
        size += entry.cost
        entries.append(entry)
    }

    mutating func removeFirst(_ count: Int) {
        for index in first..<first + count { size -= entries[index].cost }
        first += count
        guard first == entries.count || first >= 1_024 else { return }
        entries.removeFirst(first)
        first = 0
    }

    mutating func removeAll() {
        entries = []
        first = 0
        size = 0
    }
}
