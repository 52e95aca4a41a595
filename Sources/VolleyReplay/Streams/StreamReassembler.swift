import VolleyWire

/// What takes a stream as it is put together.
protocol ReassembledStream: AnyObject {
    /// The next bytes, of which there is at least one.
    func take(_ bytes: RawSpan)
    /// Bytes that the capture does not show, and the offset of the first.
    func takeGap(_ count: Int64, at offset: Int64)
    /// The stream ends here.
    func takeEnd()
}

/// Puts one direction of a TCP connection together from its segments.
///
/// Bytes are numbered by their offset from the first, 64 bits wide, so that sequence numbers may wrap around as often as
/// they like. Of bytes that come more than once the first to come stay. (Linux does the same with what is in order; of
/// what waits in its out-of-order queue, an old segment that a new one covers whole gives way.)
///
/// Bytes behind a gap wait until it is filled. It is given up when the receiver has acknowledged what was in it and
/// ``giveUpGaps(at:after:to:)`` finds that long enough ago, when more waits than may (``shrink(to:_:)``), and at the end.
struct StreamReassembler {
    private(set) var counts = StreamReassemblyCounts()
    /// The sequence number of offset 0, once it is known.
    private(set) var base: UInt32?
    /// The offset of the first byte that has not been passed on.
    private(set) var next: Int64 = 0
    /// Where the stream ends, once a FIN has told.
    private(set) var end: Int64?
    private(set) var hasPassedEnd = false
    /// What waits: in order, without overlaps, and all behind ``next``.
    private var pieces: [Piece] = []
    /// What that costs in memory.
    private(set) var cost = 0
    /// The end of the farthest byte on the wire, captured or not.
    private var farthest: Int64 = 0
    /// The farthest offset the receiver has acknowledged.
    private var acknowledged: Int64 = 0
    /// The gap whose bytes the receiver is known to have, by the offset of its first, and since when.
    private var knownGap: (offset: Int64, since: Int64)?

    private struct Piece {
        let start: Int64
        let bytes: [UInt8]
        var end: Int64 { start &+ Int64(bytes.count) }
    }

    /// What a piece costs beside its bytes.
    private static let pieceCost = 64
    /// The largest window there is.
    private static let windowMax: Int64 = 1 << 30

    /// Where a sequence number lies in the stream, given that it is nearer than 2^31 to where we are.
    private func offset(of sequence: UInt32, from base: UInt32) -> Int64 {
        let here = base &+ UInt32(truncatingIfNeeded: next)
        return next &+ Int64(Int32(bitPattern: sequence &- here))
    }

    /// Takes a segment of this direction, and passes on what is in order now.
    ///
    /// - Parameters:
    ///   - segment: the segment.
    ///   - payload: what was captured of its payload.
    ///   - isWindowClosed: whether the receiver has said that it has no room.
    ///   - stream: what takes the bytes.
    mutating func take(
        _ segment: TCPSegment, _ payload: RawSpan, isWindowClosed: Bool, to stream: some ReassembledStream
    ) {
        counts.segments += 1
        counts.bytes += payload.byteCount
        if payload.byteCount < segment.payloadLength { counts.cut += 1 }
        guard !segment.flags.contains(.rst) else {
            // What a reset may carry is a message to people (RFC 9293, 3.10.7.4), and no part of the stream.
            counts.strayBytes += payload.byteCount
            return
        }
        let isFirst = segment.flags.contains(.syn)
        // SYN takes a number of its own; data may come with it (RFC 7413).
        let sequence = isFirst ? segment.sequence &+ 1 : segment.sequence
        let isEnd = segment.flags.contains(.fin)
        if base == nil, isFirst || isEnd || segment.payloadLength > 0 { base = sequence }
        guard let base else { return }
        let start = offset(of: sequence, from: base)
        if segment.payloadLength <= 1, start == next - 1, !isFirst, !isEnd {
            counts.keepAlives += 1
            counts.retransmittedBytes += payload.byteCount
            return
        }
        guard segment.payloadLength > 0 || isEnd else { return }
        guard start <= next &+ Self.windowMax else {
            counts.outOfWindow += 1
            counts.strayBytes += payload.byteCount
            return
        }
        if isWindowClosed, segment.payloadLength == 1, start == next { counts.windowProbes += 1 }
        let wireEnd = start &+ Int64(segment.payloadLength)
        // An end before what has been passed on, or before what waits, is none.
        if isEnd, end == nil, wireEnd >= max(next, farthest) { end = wireEnd }
        farthest = max(farthest, min(wireEnd, end ?? wireEnd))
        if payload.byteCount > 0 { place(payload, at: start, to: stream) }
        passOnEnd(to: stream)
    }

    /// Puts captured bytes in their place.
    private mutating func place(_ payload: RawSpan, at start: Int64, to stream: some ReassembledStream) {
        let length = Int64(payload.byteCount)
        let limit = min(start &+ length, end ?? .max)
        let stray = max(0, min(length, start &+ length &- limit))
        counts.strayBytes += Int(stray)
        let earlier = max(0, min(limit, 0) &- start)
        counts.earlierBytes += Int(earlier)
        let (first, last) = (max(start, next), limit)
        guard first < last else {
            let known = Int(length &- stray &- earlier)
            counts.retransmittedBytes += known
            if known > 0 { counts.retransmissions += 1 }
            return
        }
        let added: Int64
        if pieces.isEmpty, first == next {
            stream.take(payload.extracting(Int(first &- start)..<Int(last &- start)))
            added = last &- first
            next = last
            counts.deliveredBytes += Int(added)
        } else {
            added = insert(payload, at: start, first..<last)
            if added > 0, first > next { counts.outOfOrder += 1 }
            passOnPieces(to: stream)
        }
        let known = Int(length &- stray &- earlier &- added)
        if added == 0 {
            counts.retransmissions += 1
            counts.retransmittedBytes += known
        } else if known > 0 {
            counts.overlaps += 1
            counts.overlappingBytes += known
        }
    }

    /// Keeps the bytes of `range` that are not there yet; returns how many these are.
    private mutating func insert(_ payload: RawSpan, at start: Int64, _ range: Range<Int64>) -> Int64 {
        var index = firstPiece(endingAfter: range.lowerBound)
        var offset = range.lowerBound
        var added: Int64 = 0
        while offset < range.upperBound {
            let limit = index < pieces.count ? min(pieces[index].start, range.upperBound) : range.upperBound
            if offset < limit {
                let bytes = Array(copying: payload.extracting(Int(offset &- start)..<Int(limit &- start)))
                pieces.insert(Piece(start: offset, bytes: bytes), at: index)
                cost += bytes.count + Self.pieceCost
                counts.waitingBytes += bytes.count
                added &+= limit &- offset
                index += 1
            }
            guard index < pieces.count else { break }
            offset = max(limit, pieces[index].end)
            index += 1
        }
        return added
    }

    /// The index of the first piece that ends behind `offset`.
    private func firstPiece(endingAfter offset: Int64) -> Int {
        var (low, high) = (0, pieces.count)
        while low < high {
            let middle = (low + high) / 2
            if pieces[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Passes on what has no gap before it any more.
    private mutating func passOnPieces(to stream: some ReassembledStream) {
        var count = 0
        while count < pieces.count, pieces[count].start == next {
            let bytes = pieces[count].bytes
            stream.take(RawSpan(bytes.span))
            next &+= Int64(bytes.count)
            cost -= bytes.count + Self.pieceCost
            counts.waitingBytes -= bytes.count
            counts.deliveredBytes += bytes.count
            count += 1
        }
        pieces.removeFirst(count)
    }

    private mutating func passOnEnd(to stream: some ReassembledStream) {
        guard !hasPassedEnd, let end, next == end else { return }
        hasPassedEnd = true
        stream.takeEnd()
    }

    // MARK: Gaps

    /// Takes the acknowledgement number of a segment of the other direction.
    mutating func acknowledge(_ number: UInt32) {
        guard let base else {
            // Where a connection is picked up: nothing before this is to come.
            base = number
            return
        }
        let offset = offset(of: number, from: base)
        if offset <= next &+ Self.windowMax { acknowledged = max(acknowledged, offset) }
    }

    /// Where the gap ends behind which something waits, be it only the end of the stream.
    private var gapEnd: Int64? {
        if let first = pieces.first { return first.start }
        guard let end, end > next else { return nil }
        return end
    }

    /// Gives up gaps whose bytes the receiver has had for `patience` nanoseconds: the capture lacks them.
    mutating func giveUpGaps(at time: Int64, after patience: Int64, to stream: some ReassembledStream) {
        while let gapEnd {
            guard acknowledged >= gapEnd else { return }
            if knownGap?.offset != next { knownGap = (next, time) }
            guard let since = knownGap?.since, time &- since >= patience else { return }
            skip(to: gapEnd, stream)
        }
    }

    /// Gives up gaps until what waits costs no more than `limit`.
    mutating func shrink(to limit: Int, _ stream: some ReassembledStream) {
        while cost > limit, let gapEnd { skip(to: gapEnd, stream) }
    }

    /// Gives up every gap: nothing comes any more.
    mutating func finish(to stream: some ReassembledStream) {
        while let gapEnd { skip(to: gapEnd, stream) }
        // The last record may have been cut short.
        if farthest > next, base != nil { skip(to: farthest, stream) }
    }

    private mutating func skip(to offset: Int64, _ stream: some ReassembledStream) {
        counts.gaps += 1
        counts.missingBytes &+= offset &- next
        stream.takeGap(offset &- next, at: next)
        next = offset
        passOnPieces(to: stream)
        passOnEnd(to: stream)
    }

    /// Whether a reset with this sequence number is one: neither old nor far ahead (RFC 5961, but for what the capture may
    /// lack).
    func takesReset(_ sequence: UInt32) -> Bool {
        guard let base else { return true }
        let offset = offset(of: sequence, from: base)
        return offset >= next && offset <= next &+ Self.windowMax
    }
}
