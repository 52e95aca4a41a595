/// Things that wait for their time: the earliest comes out first, and of one time the one that went in first.
struct TimedQueue<Element> {
    private struct Entry {
        let time: Int64
        let sequence: Int
        let element: Element

        func precedes(_ other: Entry) -> Bool {
            time == other.time ? sequence < other.sequence : time < other.time
        }
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var sequence = 0

    /// The time of the next one.
    var nextTime: Int64? { entries.first?.time }

    mutating func insert(_ element: Element, at time: Int64) {
        sequence += 1
        entries.append(Entry(time: time, sequence: sequence, element: element))
        var index = entries.count - 1
        while index > 0, entries[index].precedes(entries[(index - 1) / 2]) {
            entries.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeFirst() -> Element? {
        guard let last = entries.popLast() else { return nil }
        guard let first = entries.first else { return last.element }
        entries[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            if least == index { return first.element }
            entries.swapAt(index, least)
            index = least
        }
    }
}
