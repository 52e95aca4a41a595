import VolleyCore

// Answers that are prepared when a zone is made. A question's name always lies at offset 12, so that the records for it
// can be compressed in advance; what belongs to a name above it is moved by the difference in length.

extension ZoneBuilder.Frozen {
    /// The most octets of a prepared answer: what is longer does not fit into a datagram anyway.
    private static var answerMax: Int { 4096 }

    mutating func prepareAnswers() {
        fragments[0] = fragment(anchor: nodes[0]) { zone, writer throws(DNSError) in
            try zone.append(
                set: zone.set(6, of: zone.nodes[0]) ?? 0, of: zone.nodes[0], to: .authority, &writer, ttlMax: true)
        }
        for index in nodes.indices where !nodes[index].flags.contains(.occluded) {
            if nodes[index].flags.contains(.cut) {
                prepareReferral(index)
            } else {
                for place in Int(nodes[index].firstSet)..<Int(nodes[index].firstSet) + Int(nodes[index].setCount) {
                    compress(place, nodes[index])
                }
                if nodes[index].flags.contains(.alias) { prepareAlias(index) }
            }
        }
    }

    /// The set with its names compressed, where that makes it shorter.
    private mutating func compress(_ place: Int, _ node: ZoneNode) {
        let set = sets[place]
        switch set.type {
        case 2, 5, 6, 12, 15: break
        default: return
        }
        guard Int(set.byteCount) <= Self.answerMax, sharesLabels(set, node) else { return }
        let fragment = fragment(anchor: node) { zone, writer throws(DNSError) in
            try zone.append(set: place, of: node, to: .answer, &writer)
        }
        guard fragment.answerCount == set.count, fragment.byteCount < set.byteCount else { return }
        sets[place].answerOffset = fragment.offset
        sets[place].answerByteCount = fragment.byteCount
    }

    /// Whether compression may pay: the data of several records, or of one that ends as its owner does.
    private func sharesLabels(_ set: ZoneRecordSet, _ node: ZoneNode) -> Bool {
        guard set.count == 1, set.type != 6 else { return true }
        let end = Int(set.offset + set.byteCount)
        let nameEnd = Int(node.nameOffset) + Int(node.nameCount)
        // The root's length octet and three octets of the label before it.
        guard set.byteCount > 16, node.nameCount > 4 else { return false }
        return (1...4).allSatisfy { LetterCase.lower(data[end - $0]) == names[nameEnd - $0] }
    }

    /// NS records and glue.
    private mutating func prepareReferral(_ index: Int) {
        let node = nodes[index]
        guard let servers = set(2, of: node), fragments.count < Int(UInt32.max) else { return }
        let fragment = fragment(anchor: node) { zone, writer throws(DNSError) in
            try zone.append(set: servers, of: node, to: .authority, &writer)
            for (glue, owner) in zone.glue(of: servers) {
                try zone.append(set: glue, of: owner, to: .additional, &writer)
            }
        }
        guard fragment.byteCount > 0 else { return }
        nodes[index].prepared = UInt32(fragments.count)
        fragments.append(fragment)
    }

    /// An alias and the addresses of what it leads to, if all that is in this zone.
    private mutating func prepareAlias(_ index: Int) {
        var chain: [Int] = []
        var current = index
        while nodes[current].flags.contains(.alias), chain.count < 8 {
            guard let alias = set(5, of: nodes[current]), !chain.contains(current) else { return }
            chain.append(current)
            var target: Int?
            forEachRecord(sets[alias]) { data in
                target = Zone.find(NameKey(data), from: 0, names: names, nodes: nodes, slots: slots)
            }
            guard let target, nodes[target].flags.isDisjoint(with: [.cut, .occluded, .denial]) else { return }
            current = target
        }
        let end = nodes[current]
        guard !end.flags.contains(.alias), fragments.count < Int(UInt32.max) - 2 else { return }
        let prepared = UInt32(fragments.count)
        for type: UInt16 in [1, 28] {
            guard let addresses = set(type, of: end) else {
                fragments.append(ZoneFragment())
                continue
            }
            fragments.append(
                fragment(anchor: nodes[index]) { zone, writer throws(DNSError) in
                    for place in chain {
                        guard let alias = zone.set(5, of: zone.nodes[place]) else { continue }
                        try zone.append(set: alias, of: zone.nodes[place], to: .answer, &writer)
                    }
                    try zone.append(set: addresses, of: end, to: .answer, &writer)
                })
        }
        nodes[index].prepared = prepared
    }

    /// The address sets of the servers that a set names, with their nodes.
    private func glue(of servers: Int) -> [(Int, ZoneNode)] {
        var found: [(Int, ZoneNode)] = []
        forEachRecord(sets[servers]) { data in
            let key = NameKey(data)
            guard let index = Zone.find(key, from: 0, names: names, nodes: nodes, slots: slots) else { return }
            let node = nodes[index]
            for type: UInt16 in [1, 28] {
                if let set = set(type, of: node) { found.append((set, node)) }
            }
        }
        return found
    }

    private func forEachRecord(_ set: ZoneRecordSet, _ body: (RawSpan) -> Void) {
        let bytes = RawSpan(data.span)
        var offset = Int(set.offset)
        for _ in 0..<set.count {
            guard let count = try? Int(bytes.uint16(at: offset + 10)) else { return }
            body(bytes.extracting(offset + 12..<offset + 12 + count))
            offset += 12 + count
        }
    }

    /// Appends a set to a message; with `ttlMax`, for no longer than the SOA's minimum (RFC 2308 section 3).
    private func append(
        set index: Int, of node: ZoneNode, to section: DNSSection, _ writer: inout DNSWriter, ttlMax: Bool = false
    ) throws(DNSError) {
        let set = sets[index]
        let bytes = RawSpan(data.span)
        let start = Int(node.nameOffset)
        let owner = RawSpan(names.span).extracting(start..<start + Int(node.nameCount))
        var (offset, ttl) = (Int(set.offset), set.ttl)
        if ttlMax { ttl = min(ttl, try bytes.uint32(at: offset + Int(set.byteCount) - 4)) }
        for _ in 0..<set.count {
            let count = try Int(bytes.uint16(at: offset + 10))
            try writer.append(owner: owner, set.type, 1, ttl, bytes.slice(at: offset + 12, count: count), to: section)
            offset += 12 + count
        }
    }

    /// What `body` writes behind a question for a node's name; empty if it does not fit.
    private mutating func fragment(
        anchor node: ZoneNode, _ body: (ZoneBuilder.Frozen, inout DNSWriter) throws(DNSError) -> Void
    ) -> ZoneFragment {
        let start = Int(node.nameOffset)
        var fragment = ZoneFragment(offset: UInt32(data.count), anchorCount: node.nameCount)
        let message = try? [UInt8](encoding: Self.answerMax + 300) { output throws(DNSError) in
            try output.writeDNS(header: DNSHeader()) { writer throws(DNSError) in
                let owner = RawSpan(names.span).extracting(start..<start + Int(node.nameCount))
                try writer.append(question: owner, 0, 0)
                try body(self, &writer)
            }
        }
        guard let message, let header = try? DNSHeader(RawSpan(message.span)) else { return fragment }
        let first = DNSHeader.byteCount + Int(node.nameCount) + 4
        fragment.byteCount = UInt32(message.count - first)
        fragment.answerCount = header.answerCount
        fragment.authorityCount = header.authorityCount
        fragment.additionalCount = header.additionalCount
        data += message[first...]
        guard let places = try? PointerFinder.places(in: RawSpan(message.span)) else { return ZoneFragment() }
        fragment.pointersOffset = UInt32(pointers.count)
        fragment.pointerCount = UInt16(places.count)
        pointers += places.map { UInt16($0 - first) }
        return fragment
    }
}

/// Finds the compression pointers of a message that this module has written.
private enum PointerFinder {
    static func places(in message: RawSpan) throws(DNSError) -> [Int] {
        var places: [Int] = []
        var reader = try DNSReader(message)
        while let record = try reader.nextRecord() {
            try note(message, record.owner.offset, &places)
            var offset = record.dataRange.lowerBound
            switch record.type.rawValue {
            case 2, 5, 12: try note(message, offset, &places)
            case 15: try note(message, offset + 2, &places)
            case 6:
                try note(message, offset, &places)
                offset = try WireName.end(in: message, at: offset)
                try note(message, offset, &places)
            default: break
            }
        }
        return places
    }

    private static func note(_ message: RawSpan, _ offset: Int, _ places: inout [Int]) throws(DNSError) {
        let end = try WireName.end(in: message, at: offset)
        if end - offset >= 2, try message.uint8(at: end - 2) >= 0xc0 { places.append(end - 2) }
    }
}
