import Testing
import VolleyCore

@testable import VolleyWire

/// What Linux does with the fragments of one packet, said as simply as possible: one cell for each byte.
///
/// Which fragments are duplicates depends on runs: fragments that follow each other at the very end.
struct NaiveReassembly {
    private var cells: [Int: UInt8] = [:]
    /// For each byte the number of the run it came with.
    private var runOfByte: [Int: Int] = [:]
    private var runCount = 0
    private var end: Int?

    enum Outcome: Equatable {
        case pending
        case givenUp
        case whole([UInt8])
    }

    mutating func add(_ range: Range<Int>, of content: [UInt8], hasMore: Bool) -> Outcome {
        let furthest = (cells.keys.max() ?? -1) + 1
        if !hasMore {
            if range.upperBound < furthest || end != nil && end != range.upperBound { return giveUp() }
            end = range.upperBound
        } else if let end, range.upperBound > end {
            return giveUp()
        }
        let taken = range.filter { cells[$0] != nil }
        if !taken.isEmpty {
            // Ignored if all of it came before in one run; half known is an overlap.
            let runs = Set(range.map { runOfByte[$0] ?? -1 })
            return taken.count == range.count && runs.count == 1 ? outcome : giveUp()
        }
        var run = runCount
        if range.lowerBound == furthest, let last = runOfByte[furthest - 1] { run = last } else { runCount += 1 }
        for place in range { (cells[place], runOfByte[place]) = (content[place], run) }
        return outcome
    }

    private var outcome: Outcome {
        guard let end, (0..<end).allSatisfy({ cells[$0] != nil }) else { return .pending }
        return .whole((0..<end).map { cells[$0] ?? 0 })
    }

    private mutating func giveUp() -> Outcome {
        self = NaiveReassembly()
        return .givenUp
    }
}

@Suite struct FragmentModelTests {
    /// Random cuts of random packets, out of order, twice, overlapping and contradicting each other.
    @Test(arguments: [false, true])
    func randomFragmentsComeToWhatANaiveModelSays(isIPv6: Bool) {
        var random = SplitMix64(seed: isIPv6 ? 6 : 4)
        var seen = (whole: 0, givenUp: 0, pending: 0)
        for _ in 0..<4_000 {
            let content = Fragments.datagram(payloadLength: random.next(below: 120) + 8)
            var reassembler = FragmentReassembler()
            var model = NaiveReassembly()
            for range in plan(content.count, &random) {
                // Now and then the last one says that there is more.
                let hasMore =
                    range.upperBound % 8 == 0 && (range.upperBound < content.count || random.next(below: 20) == 0)
                let frame = Fragments.frame(content, range, isIPv6: isIPv6, hasMore: hasMore)
                // Only an unfinished packet leaves fragments behind; IPv6 wants the UDP header in the first.
                let step = reassembler.add(frame)
                switch model.add(range, of: content, hasMore: hasMore) {
                case .pending:
                    #expect(step.frame.recordClass == .pendingFragment)
                    seen.pending += 1
                case .givenUp:
                    #expect(step.frame.reason == .overlappingFragment)
                    seen.givenUp += 1
                case .whole(let bytes):
                    #expect(Array(step.packet.suffix(bytes.count)) == bytes)
                    #expect(step.packet.count == bytes.count + (isIPv6 ? 40 : 20))
                    #expect(step.frame.recordClass == (bytes.count == content.count ? .delivered : .badUDPLength))
                    model = NaiveReassembly()
                    seen.whole += 1
                }
            }
        }
        // The plans reach all three.
        #expect(seen.whole > 1_000 && seen.givenUp > 1_000 && seen.pending > 1_000)
    }

    /// Ranges that begin on multiples of 8, and end on them or at the end.
    private func plan(_ length: Int, _ random: inout SplitMix64) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < length {
            let end = min(length, start + 8 * (1 + random.next(below: 4)))
            ranges.append(start..<end)
            start = end
        }
        if random.next(below: 2) == 0 { ranges.shuffle(using: &random) }
        for _ in 0..<random.next(below: 4) {
            let place = random.next(below: ranges.count)
            if random.next(below: 2) == 0 {
                ranges.insert(ranges[place], at: random.next(below: ranges.count + 1))
            } else {
                let start = 8 * random.next(below: (length + 7) / 8)
                let end = min(length, start + 8 * (1 + random.next(below: 4)))
                if start < end { ranges.insert(start..<end, at: random.next(below: ranges.count + 1)) }
            }
        }
        return ranges
    }
}
