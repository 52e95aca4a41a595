/// How what a protocol wrote to one connection compares with what the capture shows the local side to have sent.
public struct StreamComparison: Hashable, Sendable {
    /// Bytes that are the same, from the beginning up to the first difference.
    public internal(set) var identicalBytes: Int64 = 0
    /// Bytes written where the capture lacks what was sent: they count as right.
    public internal(set) var unknownBytes: Int64 = 0
    /// Where the two begin to differ; nothing behind that is compared.
    public internal(set) var difference: StreamDifference?
    /// Bytes that the capture shows and the protocol did not write; 0 after a difference.
    public internal(set) var missingBytes: Int64 = 0
    /// Bytes that the protocol wrote and the capture does not show; 0 after a difference.
    public internal(set) var extraBytes: Int64 = 0
    /// Whether one of the two was so far ahead of the other that the comparison was given up
    /// (``StreamReplayOptions/comparedAheadMax``).
    public internal(set) var isGivenUp = false

    /// Whether both are the same, byte for byte, as far as the capture shows.
    public var isIdentical: Bool { difference == nil && missingBytes == 0 && extraBytes == 0 && !isGivenUp }
}

/// Where two streams begin to differ.
public struct StreamDifference: Hashable, Sendable {
    /// How many bytes come before it.
    public let offset: Int64
    /// What the capture shows from there on, at most 32 bytes.
    public let expected: [UInt8]
    /// What the protocol wrote from there on, at most 32 bytes.
    public let actual: [UInt8]

    /// The same as rows of a hexadecimal dump, `-` what was expected, `+` what came.
    public var hexadecimalDiff: [String] { HexadecimalDiff(expected: expected, actual: actual).lines }
}

/// Compares the two as they come, and keeps only what one is ahead of the other.
final class StreamComparator: ReassembledStream {
    private var result = StreamComparison()
    private let aheadMax: Int
    /// What has no partner yet, and of which side it is; an entry without bytes is a gap of the capture.
    private var ahead: [(bytes: [UInt8], gap: Int64)] = []
    private var aheadStart = 0
    private var aheadBytes = 0
    private var isWrittenAhead = false
    /// What is left of the first entry's bytes begins here.
    private var used = 0

    init(aheadMax: Int) { self.aheadMax = max(0, aheadMax) }

    private var isOver: Bool { result.difference != nil || result.isGivenUp }

    /// What the protocol writes.
    func write(_ bytes: RawSpan) { match(bytes, isWritten: true) }
    /// What the capture shows.
    func take(_ bytes: RawSpan) { match(bytes, isWritten: false) }
    func takeEnd() {}

    func takeGap(_ count: Int64, at offset: Int64) {
        guard !isOver else { return }
        var rest = count
        while rest > 0, isWrittenAhead, aheadStart < ahead.count {
            let taken = min(rest, Int64(ahead[aheadStart].bytes.count - used))
            result.unknownBytes &+= taken
            rest -= taken
            use(Int(taken))
        }
        if rest > 0 { keep(([], rest), isWritten: false) }
    }

    private func match(_ bytes: RawSpan, isWritten: Bool) {
        var offset = 0
        while offset < bytes.byteCount, !isOver, isWrittenAhead != isWritten, aheadStart < ahead.count {
            let rest = bytes.byteCount - offset
            if ahead[aheadStart].bytes.isEmpty {
                let taken = min(Int64(rest), ahead[aheadStart].gap)
                result.unknownBytes &+= taken
                ahead[aheadStart].gap -= taken
                offset += Int(taken)
                if ahead[aheadStart].gap == 0 { aheadStart += 1 }
                continue
            }
            let other = ahead[aheadStart].bytes[used...]
            let count = min(rest, other.count)
            let ours = Array(copying: bytes.extracting(offset..<offset + count))
            let same = zip(ours, other).prefix { $0 == $1 }.count
            result.identicalBytes &+= Int64(same)
            if same < count {
                let end = min(bytes.byteCount, offset + same + 32)
                let mine = Array(copying: bytes.extracting(offset + same..<end))
                let theirs = Array(other.dropFirst(same).prefix(32))
                result.difference = StreamDifference(
                    offset: result.identicalBytes &+ result.unknownBytes, expected: isWritten ? theirs : mine,
                    actual: isWritten ? mine : theirs)
                return forget()
            }
            offset += count
            use(count)
        }
        guard offset < bytes.byteCount, !isOver else { return }
        keep((Array(copying: bytes.extracting(offset...)), 0), isWritten: isWritten)
    }

    /// The first `count` bytes that were ahead have met their partners.
    private func use(_ count: Int) {
        used += count
        aheadBytes -= count
        guard used == ahead[aheadStart].bytes.count else { return }
        used = 0
        ahead[aheadStart] = ([], 0)
        aheadStart += 1
    }

    private func keep(_ entry: ([UInt8], Int64), isWritten: Bool) {
        if aheadStart == ahead.count || aheadStart > 64 && aheadStart > ahead.count / 2 {
            ahead.removeFirst(aheadStart)
            aheadStart = 0
        }
        isWrittenAhead = isWritten
        ahead.append(entry)
        aheadBytes += entry.0.count
        guard aheadBytes > aheadMax else { return }
        result.isGivenUp = true
        forget()
    }

    private func forget() { (ahead, aheadStart, aheadBytes, used) = ([], 0, 0, 0) }

    /// What is known by now.
    var comparison: StreamComparison {
        var comparison = result
        if isWrittenAhead {
            comparison.extraBytes = Int64(aheadBytes)
        } else {
            comparison.missingBytes = Int64(aheadBytes)
        }
        return comparison
    }
}
