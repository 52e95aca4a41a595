import VolleyCore

/// The zones that a server has: immutable, and shared by all threads.
///
/// A reload makes a new one of the zones that stay and those that are new, and gives it to the responders.
public final class Authority: Sendable {
    /// The zones.
    public let zones: [Zone]
    private let slots: [UInt64]
    /// The zone, if it is the only one.
    let onlyZone: Zone?

    /// An authority over some zones; of two with the same name the later one counts.
    public init(_ zones: [Zone]) {
        var latest: [DomainName: Zone] = [:]
        for zone in zones { latest[zone.apex] = zone }
        let zones = latest.values.sorted { $0.apex < $1.apex }
        var count = 4
        while count < zones.count * 2 + 1 { count *= 2 }
        var slots = [UInt64](repeating: 0, count: count)
        for (index, zone) in zones.enumerated() {
            let wire = zone.apex.wire
            let hash = NameKey(RawSpan(wire.span)).hash()
            var place = Int(truncatingIfNeeded: hash) & (count - 1)
            while slots[place] != 0 { place = (place + 1) & (count - 1) }
            slots[place] = (hash >> 32) << 32 | UInt64(index + 1)
        }
        self.zones = zones
        onlyZone = zones.count == 1 ? zones[0] : nil
        self.slots = slots
    }

    /// The zone of a name, its longest suffix that is one; `nil` if there is none.
    public func zone(of name: DomainName) -> Zone? {
        let wire = name.wire
        return zone(of: NameKey(RawSpan(wire.span)), type: 0).map { zones[$0] }
    }

    /// The index of the zone that answers for a name and type: DS records are the parent's, if it is here
    /// (RFC 4035 section 3.1.4.1).
    @inline(__always)
    func zone(of key: borrowing NameKey, type: UInt16) -> Int? {
        guard let found = zone(of: key, from: 0) else { return nil }
        guard type == 43, key.byteCount > 1, zones[found].apex.wire.count == key.byteCount else { return found }
        return zone(of: key, from: key.next(0)) ?? found
    }

    private func zone(of key: borrowing NameKey, from start: Int) -> Int? {
        if let onlyZone { return isWithin(key, from: start, onlyZone) ? 0 : nil }
        let mask = slots.count &- 1
        var offset = start
        while true {
            let hash = key.hash(from: offset)
            var place = Int(truncatingIfNeeded: hash) & mask
            while slots[place] != 0 {
                let slot = slots[place]
                if slot >> 32 == hash >> 32 {
                    let index = Int(truncatingIfNeeded: slot & 0xffff_ffff) &- 1
                    let apex = zones[index].apex.wire
                    if key.isEqual(from: offset, to: RawSpan(apex.span)) { return index }
                }
                place = (place &+ 1) & mask
            }
            guard key.byteCount &- offset > 1 else { return nil }
            offset = key.next(offset)
        }
    }

    /// Whether a suffix is in a zone: with a single one there is nothing to look up.
    func isWithin(_ key: borrowing NameKey, from start: Int, _ zone: Zone) -> Bool {
        let apex = zone.apex.wire
        let limit = key.byteCount &- apex.count
        var offset = start
        while offset < limit { offset = key.next(offset) }
        return offset == limit && key.isEqual(from: offset, to: RawSpan(apex.span))
    }
}
