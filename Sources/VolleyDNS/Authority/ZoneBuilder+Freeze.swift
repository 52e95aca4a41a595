import VolleyCore

extension ZoneBuilder {
    /// The tables of a zone that is complete.
    struct Frozen {
        var apex: DomainName
        var serial: UInt32 = 0
        var recordCount = 0
        var denial = ZoneDenial.none
        var names: [UInt8]
        var nodes: [ZoneNode]
        var slots: [UInt64]
        var sets: [ZoneRecordSet] = []
        var data: [UInt8] = []
        // Number 0 is the zone's own: what a negative answer has.
        var fragments = [ZoneFragment()]
        var pointers: [UInt16] = []
        var ordered: [UInt32] = []
        var hashed: [UInt32] = []
        var hashes: [UInt8] = []
        var hashing = NameHashing()

        func name(_ node: ZoneNode) -> DomainName {
            DomainName(unchecked: Array(names[Int(node.nameOffset)..<Int(node.nameOffset) + Int(node.nameCount)]))
        }

        /// The index of a node's set of a type.
        func set(_ type: UInt16, of node: ZoneNode) -> Int? {
            (Int(node.firstSet)..<Int(node.firstSet) + Int(node.setCount)).first { sets[$0].type == type }
        }
    }

    /// Checks the zone, and makes the tables it is served from.
    func freeze() throws(ZoneRecordFault) -> Frozen {
        let sorted = sortedEntries()
        var zone = Frozen(apex: apex, names: names, nodes: nodes, slots: slots)
        zone.sets.reserveCapacity(nodes.count + 1)
        // Set 0 is nobody's, so that 0 means none.
        zone.sets.append(
            ZoneRecordSet(type: 0, count: 0, ttl: 0, offset: 0, byteCount: 0, answerOffset: 0, answerByteCount: 0))
        zone.data.reserveCapacity(data.count + 12 * entries.count)
        var index = 0
        while index < sorted.count {
            let node = entries[Int(sorted[index])].node
            var end = index
            while end < sorted.count, entries[Int(sorted[end])].node == node { end += 1 }
            makeSets(sorted, index..<end, Int(node), &zone)
            index = end
        }
        try zone.check()
        zone.markNodes()
        try zone.prepareDenial()
        zone.prepareAnswers()
        return zone
    }

    /// The entries by node and type: a counting sort by node, then each node's few by type, duplicates last come.
    private func sortedEntries() -> [UInt32] {
        var starts = [UInt32](repeating: 0, count: nodes.count + 1)
        for entry in entries { starts[Int(entry.node) + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        var next = starts
        var sorted = [UInt32](repeating: 0, count: entries.count)
        for (index, entry) in entries.enumerated() {
            sorted[Int(next[Int(entry.node)])] = UInt32(index)
            next[Int(entry.node)] += 1
        }
        for node in 0..<nodes.count {
            let range = Int(starts[node])..<Int(starts[node + 1])
            guard range.count > 1 else { continue }
            if range.count > 16 {
                // Stable, for records of a set are served in their order.
                sorted[range].sort { (entries[Int($0)].key, $0) < (entries[Int($1)].key, $1) }
                continue
            }
            for place in range.dropFirst() {
                var position = place
                while position > range.lowerBound,
                    entries[Int(sorted[position - 1])].key > entries[Int(sorted[position])].key
                {
                    sorted.swapAt(position - 1, position)
                    position -= 1
                }
            }
        }
        return sorted
    }

    private func makeSets(_ sorted: [UInt32], _ range: Range<Int>, _ node: Int, _ zone: inout Frozen) {
        zone.nodes[node].firstSet = UInt32(zone.sets.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let key = entries[Int(sorted[index])].key
            let (start, firstType) = (index, entries[Int(sorted[index])].type)
            var ttl = UInt32.max
            while index < range.upperBound, entries[Int(sorted[index])].key == key {
                // RFC 2181 section 5.2 has one for all; where the file says otherwise, the least holds for all.
                ttl = min(ttl, entries[Int(sorted[index])].ttl)
                index += 1
            }
            let offset = zone.data.count
            var count: UInt16 = 0
            for place in start..<index where !isDuplicate(sorted, place, since: start) {
                append(entries[Int(sorted[place])], ttl, &zone.data)
                count += 1
            }
            zone.recordCount += Int(count)
            zone.sets.append(
                ZoneRecordSet(
                    type: firstType, covered: firstType == 46 ? UInt16(truncatingIfNeeded: key) : 0, count: count,
                    ttl: ttl, offset: UInt32(offset), byteCount: UInt32(zone.data.count - offset),
                    answerOffset: UInt32(offset), answerByteCount: UInt32(zone.data.count - offset)))
            if firstType != 46 {
                zone.nodes[node].setCount += 1
            } else if let signed = zone.set(UInt16(truncatingIfNeeded: key), of: zone.nodes[node]) {
                zone.sets[signed].signatures = UInt32(zone.sets.count - 1)
            }
        }
    }

    /// Whether an earlier entry of the set says the same (RFC 2181 section 5).
    private func isDuplicate(_ sorted: [UInt32], _ place: Int, since start: Int) -> Bool {
        let entry = entries[Int(sorted[place])]
        let bytes = RawSpan(data.span).extracting(Int(entry.offset)..<Int(entry.offset) + Int(entry.count))
        for other in start..<place {
            let earlier = entries[Int(sorted[other])]
            let range = Int(earlier.offset)..<Int(earlier.offset) + Int(earlier.count)
            if earlier.count == entry.count, RawSpan(data.span).extracting(range).hasSameBytes(as: bytes) {
                return true
            }
        }
        return false
    }

    /// Appends a record as it stands in an answer to a question for its owner.
    private func append(_ entry: Entry, _ ttl: UInt32, _ bytes: inout [UInt8]) {
        bytes.append(uint16: 0xc000 | UInt16(DNSHeader.byteCount))
        bytes.append(uint16: entry.type)
        bytes.append(uint16: DNSClass.in.rawValue)
        bytes.append(uint32: ttl)
        bytes.append(uint16: entry.count)
        bytes.append(copying: RawSpan(data.span).extracting(Int(entry.offset)..<Int(entry.offset) + Int(entry.count)))
    }
}

extension ZoneBuilder.Frozen {
    fileprivate mutating func check() throws(ZoneRecordFault) {
        guard let soa = set(6, of: nodes[0]) else {
            throw ZoneRecordFault(reason: "there is no SOA record at the apex")
        }
        guard sets[soa].count == 1 else { throw ZoneRecordFault(reason: "there is more than one SOA record") }
        guard set(2, of: nodes[0]) != nil else { throw ZoneRecordFault(reason: "there is no NS record at the apex") }
        serial = (try? RawSpan(data.span).uint32(at: Int(sets[soa].offset + sets[soa].byteCount) - 20)) ?? 0
        for (index, node) in nodes.enumerated() {
            for place in Int(node.firstSet)..<Int(node.firstSet) + Int(node.setCount) {
                let set = sets[place]
                switch set.type {
                case 5:
                    // Beside an alias only what DNSSEC needs may stand (RFC 2181 section 10.1, RFC 4035 section 2.5).
                    let others = (Int(node.firstSet)..<Int(node.firstSet) + Int(node.setCount)).filter {
                        sets[$0].type != 5 && sets[$0].type != 47
                    }
                    guard set.count == 1, others.isEmpty else {
                        throw ZoneRecordFault(reason: "\(name(node)) has a CNAME and other records")
                    }
                case 6:
                    guard index == 0 else { throw ZoneRecordFault(reason: "\(name(node)) has a SOA record") }
                case 39:
                    guard set.count == 1 else { throw ZoneRecordFault(reason: "\(name(node)) has two DNAMEs") }
                default: break
                }
            }
        }
    }

    /// Says of each node what it is; whoever is above has been made before it.
    fileprivate mutating func markNodes() {
        for index in nodes.indices {
            var node = nodes[index]
            for place in Int(node.firstSet)..<Int(node.firstSet) + Int(node.setCount) {
                switch sets[place].type {
                case 2 where index != 0: node.flags.insert(.cut)
                case 5: node.flags.insert(.alias)
                case 39: node.flags.insert(.redirection)
                case 50 where node.setCount == 1: node.flags.insert(.denial)
                default: break
                }
            }
            if index != 0 {
                let above = nodes[Int(node.parent)].flags
                if !above.isDisjoint(with: [.cut, .occluded, .redirection]) { node.flags.insert(.occluded) }
            }
            nodes[index] = node
        }
    }

    /// What NSEC or NSEC3 answers are found by.
    fileprivate mutating func prepareDenial() throws(ZoneRecordFault) {
        let signed = nodes.indices.filter { !nodes[$0].flags.contains(.occluded) }
        if let parameters = set(51, of: nodes[0]) {
            // An answer-ready record: 12 octets, then hash algorithm, flags, iterations, salt.
            let start = Int(sets[parameters].offset) + 12
            guard data[start] == 1 else { throw ZoneRecordFault(reason: "NSEC3 with a hash other than SHA-1") }
            hashing.iterations = UInt16(data[start + 2]) << 8 | UInt16(data[start + 3])
            guard hashing.iterations <= NameHashing.iterationsMax else {
                throw ZoneRecordFault(
                    reason: "NSEC3 with \(hashing.iterations) iterations; more than \(NameHashing.iterationsMax) "
                        + "are not served (RFC 9276 wants 0)")
            }
            hashing.salt = Array(data[start + 5..<start + 5 + Int(data[start + 4])])
            var found: [(SHA1.Digest, UInt32)] = []
            for index in signed where set(50, of: nodes[index]) != nil {
                guard let digest = digest(of: nodes[index]) else { continue }
                found.append((digest, UInt32(index)))
            }
            found.sort { $0.0 < $1.0 }
            hashed = found.map(\.1)
            for (digest, _) in found {
                let octets = digest.octets
                for place in octets.indices { hashes.append(octets[place]) }
            }
            if !hashed.isEmpty { denial = .nsec3 }
        }
        guard denial == .none else { return }
        ordered = signed.filter { set(47, of: nodes[$0]) != nil }.map(UInt32.init)
        guard !ordered.isEmpty else { return }
        denial = .nsec
        let (names, known) = (names, nodes)
        ordered.sort { left, right in
            let (one, other) = (known[Int(left)], known[Int(right)])
            let bytes = RawSpan(names.span)
            return CanonicalOrder.isBefore(
                bytes.extracting(Int(one.nameOffset)..<Int(one.nameOffset) + Int(one.nameCount)),
                bytes.extracting(Int(other.nameOffset)..<Int(other.nameOffset) + Int(other.nameCount)))
        }
    }

    /// The hash that the first label of an NSEC3 record's owner is.
    private func digest(of node: ZoneNode) -> SHA1.Digest? {
        let start = Int(node.nameOffset)
        guard names[start] == 32 else { return nil }
        var octets: [UInt8] = []
        guard Decoding.append(names[start + 1..<start + 33], width: 5, Base.base32, to: &octets), octets.count == 20
        else { return nil }
        return SHA1.Digest(
            high: octets[0..<8].reduce(0) { $0 << 8 | UInt64($1) },
            middle: octets[8..<16].reduce(0) { $0 << 8 | UInt64($1) },
            low: octets[16..<20].reduce(0) { $0 << 8 | UInt32($1) })
    }
}
