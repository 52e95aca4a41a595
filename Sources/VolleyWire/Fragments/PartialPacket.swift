/// The fragments of one packet that have come so far.
///
/// What Linux compares a new fragment with are not single fragments but runs: a fragment that continues the last run
/// joins it, any other makes a run of its own (`inet_frag_queue_insert`).
struct PartialPacket: Sendable {
    enum Insertion {
        case added
        /// It lies within a run: ignored.
        case duplicate
        /// It overlaps a run in part, or contradicts where the packet ends: the packet is given up.
        case overlap
        /// It holds no bytes: the packet is given up.
        case empty
    }

    /// Which packet this is, counted over all.
    let number: UInt64
    /// The time of its first fragment.
    let began: Int64
    /// The records that brought its fragments, those ignored included.
    private(set) var records = 0

    /// Pieces of `bytes` by their place in the packet, in the order they came.
    private var pieces: [(offset: Int, range: Range<Int>)] = []
    private var bytes: [UInt8] = []
    /// Without overlap, in ascending order.
    private var runs: [Range<Int>] = []
    /// The headers up to the fragment header, of the first fragment.
    private var header: [UInt8] = []
    private var isIPv6 = false
    /// The end of the furthest fragment; the length of what the packet carries, once the last has come.
    private var length = 0
    private var hasLast = false
    private var hasFirst = false

    init(number: UInt64, began: Int64) {
        self.number = number
        self.began = began
    }

    /// What it counts for in the limits.
    var cost: Int { 64 * records + bytes.count + header.count }

    /// Whether all fragments have come.
    var isComplete: Bool { hasFirst && hasLast && bytes.count == length }

    /// Whether the packet would be no longer than its length field can say.
    var isWithinLimit: Bool { (isIPv6 ? header.count - 40 : header.count) + length <= 65_535 }

    mutating func insert(_ fragment: Fragment, of frame: RawSpan) -> Insertion {
        records += 1
        guard takeEnd(fragment) else { return .overlap }
        guard !fragment.range.isEmpty else { return .empty }
        let place = fragment.offset..<fragment.end
        switch takeRun(place) {
        case .added: break
        case let other: return other
        }
        let start = bytes.count
        append(frame.extracting(fragment.range))
        pieces.append((fragment.offset, start..<bytes.count))
        if fragment.offset == 0 {
            hasFirst = true
            takeHeader(fragment.layout, of: frame)
        }
        return .added
    }

    /// Checks the fragment against what is known of the packet's end.
    private mutating func takeEnd(_ fragment: Fragment) -> Bool {
        if !fragment.hasMore {
            guard fragment.end >= length, !hasLast || fragment.end == length else { return false }
            hasLast = true
            length = fragment.end
        } else if fragment.end > length {
            guard !hasLast else { return false }
            length = fragment.end
        }
        return true
    }

    private mutating func takeRun(_ place: Range<Int>) -> Insertion {
        guard let last = runs.last, place.upperBound <= last.upperBound else {
            guard let last = runs.last else {
                runs.append(place)
                return .added
            }
            guard place.lowerBound >= last.upperBound else { return .overlap }
            if place.lowerBound == last.upperBound {
                runs[runs.count - 1] = last.lowerBound..<place.upperBound
            } else {
                runs.append(place)
            }
            return .added
        }
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            let run = runs[middle]
            if place.upperBound <= run.lowerBound {
                high = middle
            } else if place.lowerBound >= run.upperBound {
                low = middle + 1
            } else {
                return place.lowerBound >= run.lowerBound && place.upperBound <= run.upperBound
                    ? .duplicate : .overlap
            }
        }
        runs.insert(place, at: low)
        return .added
    }

    private mutating func append(_ span: RawSpan) {
        bytes.reserveCapacity(bytes.count + span.byteCount)
        for offset in span.byteOffsets { bytes.append(span.byte(at: offset)) }
    }

    private mutating func takeHeader(_ layout: IPPacketLayout, of frame: RawSpan) {
        isIPv6 = layout.isIPv6
        let end = layout.isIPv6 ? layout.fragmentHeaderOffset : layout.upperOffset
        header = (layout.start..<end).map { frame.byte(at: $0) }
        // The header before the fragment header names what comes behind that.
        if layout.isIPv6 { header[layout.fragmentNamedAt - layout.start] = layout.upperProtocol }
    }

    /// The whole packet, with the lengths of one that was never in fragments; the header checksum is not made anew.
    func assembled() -> [UInt8] {
        let start = header.count
        var packet = [UInt8](repeating: 0, count: start + length)
        packet.replaceSubrange(..<start, with: header)
        for piece in pieces {
            let place = start + piece.offset
            packet.replaceSubrange(place..<place + piece.range.count, with: bytes[piece.range])
        }
        let count = isIPv6 ? packet.count - 40 : packet.count
        let lengthAt = isIPv6 ? 4 : 2
        packet[lengthAt] = UInt8(count >> 8)
        packet[lengthAt + 1] = UInt8(count & 0xff)
        // No more fragments, offset 0; "don't fragment" may stay.
        if !isIPv6 { (packet[6], packet[7]) = (packet[6] & 0xc0, 0) }
        return packet
    }
}
