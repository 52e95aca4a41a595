import VolleyCore

// The fast path: what most queries get is a copy.

extension DNSAnswerer {
    /// What is copied behind the question.
    private struct Prepared {
        var bits: UInt16 = 0x0400
        /// The counts of the header, the uppermost sixteen bits those of the answer section.
        var counts: UInt64 = 0
        var offset = 0
        var count = 0
        var secondOffset = 0
        var secondCount = 0
        var pointer = 0
        var pointerEnd = 0
        /// By how much pointers are moved.
        var distance: UInt16 = 0
    }

    /// Answers with what the zone has prepared; `false`, with nothing written, if it has nothing for the query.
    @inline(__always)
    func answerPrepared(
        _ query: ServerQuery, _ message: RawSpan, _ limit: Int, _ opt: ServerOPT, _ outcome: inout Outcome,
        _ output: inout OutputRawSpan
    ) -> Bool {
        let name = message.extracting(DNSHeader.byteCount..<DNSHeader.byteCount &+ query.nameCount)
        return NameKey.with(name) { key in
            answerPrepared(query, message, key, limit, opt, &outcome, &output)
        }
    }

    @inline(__always)
    private func answerPrepared(
        _ query: ServerQuery, _ message: RawSpan, _ key: borrowing NameKey, _ limit: Int, _ opt: ServerOPT,
        _ outcome: inout Outcome, _ output: inout OutputRawSpan
    ) -> Bool {
        let questionEnd = DNSHeader.byteCount &+ query.questionCount
        let zone: Zone
        let match: ZoneMatch
        if let onlyZone = authority.onlyZone, let found = onlyZone.matchExactly(key) ?? matchWithin(onlyZone, key) {
            // Where there is but one zone, its names need not be looked for by their ends.
            (zone, match) = (onlyZone, found)
        } else if authority.onlyZone == nil, let index = authority.zone(of: key, type: query.type) {
            zone = authority.zones[index]
            match = zone.match(key)
        } else {
            outcome.responseCode = .refused
            writeNothing(query, message, questionEnd, 5, opt, &output)
            return true
        }
        guard let prepared = prepare(query, key, zone, match, &outcome) else { return false }
        let size = questionEnd &+ prepared.count &+ prepared.secondCount &+ opt.byteCount
        guard size <= limit else {
            outcome.isTruncated = true
            writeNothing(query, message, questionEnd, prepared.bits | 0x0200, opt, &output)
            return true
        }
        let start = output.byteCount
        let bits = 0x8000 | query.bits & 0x0100 | prepared.bits
        let counts = prepared.counts &+ (opt.isPresent ? 1 : 0)
        output.append(bigEndian: UInt32(query.id) << 16 | UInt32(bits))
        output.append(bigEndian: 1 << 48 | counts)
        output.append(copying: message.extracting(DNSHeader.byteCount..<questionEnd))
        let data = zone.data
        let bytes = RawSpan(data.span)
        output.append(copying: bytes.extracting(prepared.offset..<prepared.offset &+ prepared.count))
        if prepared.secondCount != 0 {
            output.append(
                copying: bytes.extracting(prepared.secondOffset..<prepared.secondOffset &+ prepared.secondCount))
        }
        if prepared.distance != 0 {
            for place in prepared.pointer..<prepared.pointerEnd {
                output.change16(at: start &+ questionEnd &+ Int(zone.pointers[place])) { $0 &+ prepared.distance }
            }
        }
        if opt.isPresent { opt.write(to: &output, identifier: options.identifier ?? []) }
        return true
    }

    private func matchWithin(_ zone: Zone, _ key: borrowing NameKey) -> ZoneMatch? {
        authority.isWithin(key, from: 0, zone) ? zone.matchEncloser(key) : nil
    }

    @inline(never)
    private func writeNothing(
        _ query: ServerQuery, _ message: RawSpan, _ questionEnd: Int, _ bits: UInt16, _ opt: ServerOPT,
        _ output: inout OutputRawSpan
    ) {
        output.append(bigEndian: query.id)
        output.append(bigEndian: 0x8000 | query.bits & 0x0100 | bits)
        output.append(bigEndian: UInt64(1) << 48 | (opt.isPresent ? 1 : 0))
        output.append(copying: message.extracting(DNSHeader.byteCount..<questionEnd))
        if opt.isPresent { opt.write(to: &output, identifier: options.identifier ?? []) }
    }

    /// What the zone has for a query; `nil` if that has to be put together.
    @inline(__always)
    private func prepare(
        _ query: ServerQuery, _ key: borrowing NameKey, _ zone: Zone, _ match: ZoneMatch, _ outcome: inout Outcome
    ) -> Prepared? {
        let isSigned = query.isDNSSECWanted && zone.denial != .none
        var prepared = Prepared()
        switch match.kind {
        case .name:
            let node = zone.nodes[match.node]
            guard let index = zone.set(query.type, of: node) else {
                if node.flags.contains(.alias), node.prepared != 0, !isSigned, query.type == 1 || query.type == 28 {
                    let alias = zone.fragments[Int(node.prepared) &+ (query.type == 1 ? 0 : 1)]
                    return fragment(alias, zone, key, &prepared) ? prepared : nil
                }
                guard !isSigned, !node.flags.contains(.alias), query.type != 255, query.type != 46 || node.setCount == 0
                else { return nil }
                return fragment(zone.fragments[0], zone, key, &prepared) ? prepared : nil
            }
            let set = zone.sets[index]
            var count = set.count
            prepared.offset = Int(set.answerOffset)
            prepared.count = Int(set.answerByteCount)
            if query.isDNSSECWanted, set.signatures != 0 {
                let signatures = zone.sets[Int(set.signatures)]
                count &+= signatures.count
                prepared.secondOffset = Int(signatures.offset)
                prepared.secondCount = Int(signatures.byteCount)
            }
            prepared.counts = UInt64(count) << 32
            return prepared
        case .referral:
            let node = zone.nodes[match.node]
            guard node.prepared != 0, !isSigned, query.type != 43 || Int(node.nameCount) != key.byteCount
            else { return nil }
            prepared.bits = 0
            return fragment(zone.fragments[Int(node.prepared)], zone, key, &prepared) ? prepared : nil
        case .none:
            guard !isSigned else { return nil }
            outcome.responseCode = .nameError
            prepared.bits = 0x0403
            return fragment(zone.fragments[0], zone, key, &prepared) ? prepared : nil
        case .wildcard:
            // The set as it lies there has pointers to the question only, and those hold for every name.
            let node = zone.nodes[match.node]
            guard !isSigned, query.type != 255, query.type != 46 else { return nil }
            guard let index = zone.set(query.type, of: node) else {
                guard !node.flags.contains(.alias) else { return nil }
                return fragment(zone.fragments[0], zone, key, &prepared) ? prepared : nil
            }
            let set = zone.sets[index]
            prepared.counts = UInt64(set.count) << 32
            prepared.offset = Int(set.offset)
            prepared.count = Int(set.byteCount)
            return prepared
        case .redirection:
            return nil
        }
    }

    @inline(__always)
    private func fragment(
        _ fragment: ZoneFragment, _ zone: Zone, _ key: borrowing NameKey, _ prepared: inout Prepared
    ) -> Bool {
        guard fragment.byteCount > 0 else { return false }
        prepared.counts =
            UInt64(fragment.answerCount) << 32 | UInt64(fragment.authorityCount) << 16
            | UInt64(fragment.additionalCount)
        prepared.offset = Int(fragment.offset)
        prepared.count = Int(fragment.byteCount)
        prepared.pointer = Int(fragment.pointersOffset)
        prepared.pointerEnd = prepared.pointer &+ Int(fragment.pointerCount)
        prepared.distance = UInt16(truncatingIfNeeded: key.byteCount &- Int(fragment.anchorCount))
        return true
    }
}
