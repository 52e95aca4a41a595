import VolleyCore

/// What a zone has for a name.
struct ZoneMatch {
    enum Kind {
        /// The name itself; it may have records or be empty.
        case name
        /// A wildcard stands for it.
        case wildcard
        /// It is at or below a cut.
        case referral
        /// It is below a DNAME.
        case redirection
        /// There is no such name.
        case none
    }

    let kind: Kind
    /// The name's node, the wildcard's, that of the cut or of the DNAME; if there is none, the closest encloser.
    let node: Int
    /// The closest encloser, where the name itself does not exist.
    let encloser: Int
}

extension Zone {
    /// The node of the suffix at `offset` of a name, whatever it is.
    @inline(__always)
    static func find(
        _ key: borrowing NameKey, from offset: Int, names: [UInt8], nodes: [ZoneNode], slots: [UInt64]
    ) -> Int? {
        let hash = key.hash(from: offset)
        let mask = slots.count &- 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let slot = slots[place]
            if slot == 0 { return nil }
            if slot >> 32 == hash >> 32 {
                let index = Int(truncatingIfNeeded: slot & 0xffff_ffff) &- 1
                let node = nodes[index]
                let start = Int(node.nameOffset)
                let name = RawSpan(names.span).extracting(start..<start &+ Int(node.nameCount))
                if key.isEqual(from: offset, to: name) { return index }
            }
            place = (place &+ 1) & mask
        }
    }

    /// What the zone has for a name within it.
    func match(_ key: borrowing NameKey) -> ZoneMatch { matchExactly(key) ?? matchEncloser(key) }

    /// What the zone has for a name, which need not be within it; `nil` if it does not have that name.
    @inline(__always)
    func matchExactly(_ key: borrowing NameKey) -> ZoneMatch? {
        if let index = Self.find(key, from: 0, names: names, nodes: nodes, slots: slots) {
            let flags = nodes[index].flags
            if flags.isEmpty || flags.isDisjoint(with: [.cut, .occluded, .denial]) {
                return ZoneMatch(kind: .name, node: index, encloser: index)
            }
            if flags.contains(.cut), !flags.contains(.occluded) {
                return ZoneMatch(kind: .referral, node: index, encloser: index)
            }
            if flags.contains(.occluded) { return matchAbove(index) }
        }
        return nil
    }

    /// Who has the authority for an occluded node: the highest cut or DNAME above it.
    private func matchAbove(_ index: Int) -> ZoneMatch {
        var index = index
        while nodes[index].flags.contains(.occluded) { index = Int(nodes[index].parent) }
        return ZoneMatch(
            kind: nodes[index].flags.contains(.cut) ? .referral : .redirection, node: index, encloser: index)
    }

    /// Goes down from the apex as far as there are names (RFC 1034 section 4.3.2, RFC 4592 section 3.3.1).
    func matchEncloser(_ key: borrowing NameKey) -> ZoneMatch {
        var starts = InlineArray<128, UInt8>(repeating: 0)
        var (depth, offset) = (0, 0)
        while key.byteCount - offset > apex.wire.count {
            starts[depth] = UInt8(truncatingIfNeeded: offset)
            depth += 1
            offset = key.next(offset)
        }
        var encloser = 0
        while depth > 0 {
            // A DNAME redirects what is below it; an NSEC3 owner is no name.
            if nodes[encloser].flags.contains(.redirection) {
                return ZoneMatch(kind: .redirection, node: encloser, encloser: encloser)
            }
            depth -= 1
            guard let next = Self.find(key, from: Int(starts[depth]), names: names, nodes: nodes, slots: slots),
                !nodes[next].flags.contains(.denial)
            else { break }
            if nodes[next].flags.contains(.cut) { return ZoneMatch(kind: .referral, node: next, encloser: next) }
            encloser = next
        }
        let wildcard = Int(nodes[encloser].wildcard)
        guard wildcard != 0, nodes[wildcard].flags.isDisjoint(with: [.occluded, .denial]) else {
            return ZoneMatch(kind: .none, node: encloser, encloser: encloser)
        }
        return ZoneMatch(kind: .wildcard, node: wildcard, encloser: encloser)
    }

    /// The index of a node's set of a type; `nil` if it has none.
    @inline(__always)
    func set(_ type: UInt16, of node: ZoneNode) -> Int? {
        var index = Int(node.firstSet)
        let end = index &+ Int(node.setCount)
        while index < end {
            if sets[index].type == type { return index }
            index &+= 1
        }
        return nil
    }

    /// Where the name of a node lies in ``names``, in lower case.
    func nameRange(of node: ZoneNode) -> Range<Int> {
        Int(node.nameOffset)..<Int(node.nameOffset) + Int(node.nameCount)
    }
}
