import VolleyCore

/// Makes the answers that are not prepared: aliases and what they lead to, wildcards, DNAME, and all that DNSSEC adds.
///
/// The chain of aliases is walked once for the answer section and, where there is something to say there, once more for
/// authority and additional sections, so that nothing has to be kept.
struct AnswerComposer {
    /// Aliases that are followed for one question.
    private static let aliasesMax = 16

    let authority: Authority
    let type: UInt16
    let isDNSSECWanted: Bool
    /// The sets that have been written for the answer section, so that a circle of aliases ends.
    private var visited = InlineArray<16, UInt64>(repeating: 0)
    private var visitedCount = 0
    /// The denials that have been written: several proofs may need the same.
    private var denials = InlineArray<16, UInt64>(repeating: 0)
    private var denialCount = 0
    private var needsAuthority = false

    init(_ authority: Authority, type: UInt16, isDNSSECWanted: Bool) {
        self.authority = authority
        self.type = type
        self.isDNSSECWanted = isDNSSECWanted
    }

    /// Writes all sections for a question that has been written.
    mutating func compose(_ name: RawSpan, _ writer: inout DNSWriter) throws(DNSError) {
        try walk(name, .answer, &writer)
        if needsAuthority {
            visitedCount = 0
            try walk(name, .authority, &writer)
        }
    }

    private mutating func walk(_ name: RawSpan, _ pass: DNSSection, _ writer: inout DNSWriter) throws(DNSError) {
        try NameKey.with(name) { key throws(DNSError) in try walk(&key, pass, &writer) }
    }

    private mutating func walk(_ key: inout NameKey, _ pass: DNSSection, _ writer: inout DNSWriter) throws(DNSError) {
        var aliases = 0
        while true {
            guard let zoneIndex = authority.zone(of: key, type: type) else {
                if aliases == 0 { writer.header.responseCode = .refused }
                return
            }
            let zone = authority.zones[zoneIndex]
            let match = zone.match(key)
            if aliases == 0 { writer.header.isAuthoritative = true }
            let isFollowed: Bool
            switch match.kind {
            case .referral:
                // DS records of a cut are the parent's own (RFC 4035 section 3.1.4.1).
                if type == 43, Int(zone.nodes[match.node].nameCount) == key.byteCount {
                    isFollowed = try answer(&key, zone, zoneIndex, match, pass, &writer)
                } else {
                    if aliases == 0 { writer.header.isAuthoritative = false }
                    return try refer(zone, zoneIndex, match.node, key, pass, &writer)
                }
            case .name, .wildcard:
                isFollowed = try answer(&key, zone, zoneIndex, match, pass, &writer)
            case .redirection:
                isFollowed = try redirect(&key, zone, zoneIndex, match, pass, &writer)
            case .none:
                writer.header.responseCode = .nameError
                return try deny(key, zone, zoneIndex, match, pass, &writer)
            }
            aliases += 1
            guard isFollowed, aliases < Self.aliasesMax else { return }
        }
    }

    /// The records of a name; `true` if an alias is to be followed, whose target is then the key.
    private mutating func answer(
        _ key: inout NameKey, _ zone: Zone, _ zoneIndex: Int, _ match: ZoneMatch, _ pass: DNSSection,
        _ writer: inout DNSWriter
    ) throws(DNSError) -> Bool {
        let node = zone.nodes[match.node]
        // RRSIG and NSEC may stand beside a CNAME and are then asked for themselves.
        let isAlias = node.flags.contains(.alias) && type != 5 && type != 46 && type != 47
        let wanted = type == 255 && node.setCount > 0 ? zone.sets[Int(node.firstSet)].type : type
        if type == 46, node.setCount > 0 {
            guard pass == .answer else { return false }
            return try answerSignatures(key, zone, node, &writer)
        }
        guard let set = zone.set(isAlias ? 5 : wanted, of: node) else {
            try deny(key, zone, zoneIndex, match, pass, &writer)
            return false
        }
        let isNew = visit(zoneIndex, set)
        guard isNew else { return false }
        if pass == .answer {
            try append(set, zone, owner: key.bytes, .answer, &writer)
            if match.kind == .wildcard, isDNSSECWanted, zone.denial != .none { needsAuthority = true }
        } else if match.kind == .wildcard {
            try proveNoCloser(key, zone, zoneIndex, match, &writer)
        }
        guard isAlias, wanted != 5 else { return false }
        let data = zone.data
        let start = Int(zone.sets[set].offset) + 12
        key.assign(RawSpan(data.span).extracting(start..<start + Int(zone.sets[set].byteCount) - 12))
        return true
    }

    private mutating func answerSignatures(
        _ key: borrowing NameKey, _ zone: Zone, _ node: ZoneNode, _ writer: inout DNSWriter
    ) throws(DNSError) -> Bool {
        var found = false
        for index in Int(node.firstSet)..<Int(node.firstSet) + Int(node.setCount) {
            let signatures = Int(zone.sets[index].signatures)
            guard signatures != 0 else { continue }
            try appendRecords(signatures, zone, owner: key.bytes, .answer, &writer)
            found = true
        }
        if !found { needsAuthority = true }
        return false
    }

    /// Notes that a set has been written in this pass; `false` if it was before.
    private mutating func visit(_ zone: Int, _ set: Int) -> Bool {
        let mark = UInt64(zone) << 32 | UInt64(set)
        for index in 0..<visitedCount where visited[index] == mark { return false }
        guard visitedCount < Self.aliasesMax else { return false }
        visited[visitedCount] = mark
        visitedCount += 1
        return true
    }

    /// NS records and glue, and what proves that there is or is no DS record.
    private mutating func refer(
        _ zone: Zone, _ zoneIndex: Int, _ nodeIndex: Int, _ key: borrowing NameKey, _ pass: DNSSection,
        _ writer: inout DNSWriter
    ) throws(DNSError) {
        guard pass == .authority else {
            needsAuthority = true
            return
        }
        let node = zone.nodes[nodeIndex]
        let names = zone.names
        let owner = RawSpan(names.span).extracting(zone.nameRange(of: node))
        guard let servers = zone.set(2, of: node) else { return }
        // The NS records are not the zone's own, and not signed.
        try appendRecords(servers, zone, owner: owner, .authority, &writer)
        if isDNSSECWanted, zone.denial != .none {
            if let signers = zone.set(43, of: node) {
                try append(signers, zone, owner: owner, .authority, &writer)
            } else {
                try proveNoData(NameKey(owner), zone, zoneIndex, nodeIndex, &writer)
            }
        }
        let data = zone.data
        var offset = Int(zone.sets[servers].offset)
        for _ in 0..<zone.sets[servers].count {
            let count = try Int(RawSpan(data.span).uint16(at: offset + 10))
            try appendGlue(RawSpan(data.span).slice(at: offset + 12, count: count), zone, &writer)
            offset += 12 + count
        }
    }

    /// The addresses of a server, if it is within the zone.
    ///
    /// Glue that does not fit is truncation (RFC 9471).
    private func appendGlue(_ name: RawSpan, _ zone: Zone, _ writer: inout DNSWriter) throws(DNSError) {
        try NameKey.with(name) { key throws(DNSError) in try appendGlue(key, zone, &writer) }
    }

    private func appendGlue(_ key: borrowing NameKey, _ zone: Zone, _ writer: inout DNSWriter) throws(DNSError) {
        guard let index = Zone.find(key, from: 0, names: zone.names, nodes: zone.nodes, slots: zone.slots)
        else { return }
        for type: UInt16 in [1, 28] {
            guard let set = zone.set(type, of: zone.nodes[index]) else { continue }
            try appendRecords(set, zone, owner: key.bytes, .additional, &writer)
        }
    }

    /// A DNAME record and the CNAME record that follows from it (RFC 6672 section 3).
    private mutating func redirect(
        _ key: inout NameKey, _ zone: Zone, _ zoneIndex: Int, _ match: ZoneMatch, _ pass: DNSSection,
        _ writer: inout DNSWriter
    ) throws(DNSError) -> Bool {
        let node = zone.nodes[match.node]
        guard let set = zone.set(39, of: node) else { return false }
        let isNew = visit(zoneIndex, set)
        guard isNew else { return false }
        let (data, names) = (zone.data, zone.names)
        let start = Int(zone.sets[set].offset) + 12
        let prefix = key.byteCount - Int(node.nameCount)
        let target = RawSpan(data.span).extracting(start..<start + Int(zone.sets[set].byteCount) - 12)
        if pass == .answer {
            try append(
                set, zone, owner: RawSpan(names.span).extracting(zone.nameRange(of: node)), .answer, &writer)
        }
        guard prefix + target.byteCount <= WireName.byteCountMax else {
            writer.header.responseCode = .nameTooLong
            return false
        }
        var name = Array(copying: key.bytes.extracting(0..<prefix))
        name.append(copying: target)
        if pass == .answer {
            try writer.append(owner: key.bytes, 5, 1, zone.sets[set].ttl, RawSpan(name.span), to: .answer)
        }
        key.assign(RawSpan(name.span))
        return true
    }

    // MARK: Denial

    /// The SOA record and, for who wants it, the proof.
    private mutating func deny(
        _ key: borrowing NameKey, _ zone: Zone, _ zoneIndex: Int, _ match: ZoneMatch, _ pass: DNSSection,
        _ writer: inout DNSWriter
    ) throws(DNSError) {
        guard pass == .authority else {
            needsAuthority = true
            return
        }
        if let soa = zone.set(6, of: zone.nodes[0]) {
            let apex = zone.apex.wire
            try append(soa, zone, owner: RawSpan(apex.span), .authority, &writer, isNegative: true)
        }
        guard isDNSSECWanted, zone.denial != .none else { return }
        switch match.kind {
        case .none:
            try proveNoCloser(key, zone, zoneIndex, match, &writer)
            try proveNoWildcard(zone, zoneIndex, match.encloser, &writer)
        case .wildcard:
            try proveNoCloser(key, zone, zoneIndex, match, &writer)
            let names = zone.names
            let wildcard = RawSpan(names.span).extracting(zone.nameRange(of: zone.nodes[match.node]))
            try proveNoData(NameKey(wildcard), zone, zoneIndex, match.node, &writer)
        default:
            try proveNoData(key, zone, zoneIndex, match.node, &writer)
        }
    }

    /// A name exists and has no such type (RFC 4035 section 3.1.3.1, RFC 5155 sections 7.2.3 to 7.2.5).
    private mutating func proveNoData(
        _ key: borrowing NameKey, _ zone: Zone, _ zoneIndex: Int, _ nodeIndex: Int, _ writer: inout DNSWriter
    ) throws(DNSError) {
        if zone.denial == .nsec {
            if zone.set(47, of: zone.nodes[nodeIndex]) != nil {
                try appendDenial(nodeIndex, zone, zoneIndex, &writer)
            } else {
                // A name without records of its own: whoever is before it reaches beyond it.
                try appendDenial(zone.predecessor(of: key.bytes), zone, zoneIndex, &writer)
            }
            return
        }
        let (index, isMatch) = zone.hashedDenial(of: key.bytes)
        if isMatch { return try appendDenial(index, zone, zoneIndex, &writer) }
        // Opted out: the closest name that has a hash, and the cover of what is below it.
        var (offset, closer) = (0, 0)
        while key.byteCount - offset > zone.apex.wire.count {
            closer = offset
            offset = key.next(offset)
            let (encloser, isEncloser) = zone.hashedDenial(of: key.suffix(from: offset))
            guard isEncloser else { continue }
            try appendDenial(encloser, zone, zoneIndex, &writer)
            return try appendDenial(
                zone.hashedDenial(of: key.suffix(from: closer)).node, zone, zoneIndex, &writer)
        }
    }

    /// The name itself does not exist, nor one between it and its closest encloser.
    private mutating func proveNoCloser(
        _ key: borrowing NameKey, _ zone: Zone, _ zoneIndex: Int, _ match: ZoneMatch, _ writer: inout DNSWriter
    ) throws(DNSError) {
        guard isDNSSECWanted, zone.denial != .none else { return }
        if zone.denial == .nsec {
            return try appendDenial(zone.predecessor(of: key.bytes), zone, zoneIndex, &writer)
        }
        var (offset, closer) = (0, 0)
        let encloserCount = Int(zone.nodes[match.encloser].nameCount)
        while key.byteCount - offset > encloserCount {
            closer = offset
            offset = key.next(offset)
        }
        // A wildcard's signature tells the encloser itself (RFC 5155 section 7.2.6); a denial has to prove it.
        if match.kind != .wildcard || writer.header.count(of: .answer) == 0 {
            try appendDenial(zone.hashedDenial(of: key.suffix(from: offset)).node, zone, zoneIndex, &writer)
        }
        try appendDenial(zone.hashedDenial(of: key.suffix(from: closer)).node, zone, zoneIndex, &writer)
    }

    /// There is no wildcard at the closest encloser.
    private mutating func proveNoWildcard(
        _ zone: Zone, _ zoneIndex: Int, _ encloser: Int, _ writer: inout DNSWriter
    ) throws(DNSError) {
        let range = zone.nameRange(of: zone.nodes[encloser])
        guard range.count <= WireName.byteCountMax - 2 else { return }
        let wildcard: [UInt8] = [1, UInt8(ascii: "*")] + zone.names[range]
        let name = RawSpan(wildcard.span)
        let node = zone.denial == .nsec ? zone.predecessor(of: name) : zone.hashedDenial(of: name).node
        try appendDenial(node, zone, zoneIndex, &writer)
    }

    /// A node's NSEC or NSEC3 record with its signature, once.
    private mutating func appendDenial(
        _ nodeIndex: Int, _ zone: Zone, _ zoneIndex: Int, _ writer: inout DNSWriter
    ) throws(DNSError) {
        let mark = UInt64(zoneIndex) << 32 | UInt64(nodeIndex)
        for index in 0..<denialCount where denials[index] == mark { return }
        if denialCount < 16 {
            denials[denialCount] = mark
            denialCount += 1
        }
        let node = zone.nodes[nodeIndex]
        guard let set = zone.set(zone.denial == .nsec ? 47 : 50, of: node) else { return }
        let names = zone.names
        let owner = RawSpan(names.span).extracting(zone.nameRange(of: node))
        try append(set, zone, owner: owner, .authority, &writer)
    }

    // MARK: Sets

    /// Appends a set and, for who wants it, its signatures.
    private func append(
        _ set: Int, _ zone: Zone, owner: RawSpan, _ section: DNSSection, _ writer: inout DNSWriter,
        isNegative: Bool = false
    ) throws(DNSError) {
        try appendRecords(set, zone, owner: owner, section, &writer, isNegative: isNegative)
        let signatures = Int(zone.sets[set].signatures)
        guard isDNSSECWanted, signatures != 0 else { return }
        try appendRecords(
            signatures, zone, owner: owner, section, &writer, ttlMax: isNegative ? zone.negativeTTL : .max)
    }

    private func appendRecords(
        _ index: Int, _ zone: Zone, owner: RawSpan, _ section: DNSSection, _ writer: inout DNSWriter,
        isNegative: Bool = false, ttlMax: UInt32 = .max
    ) throws(DNSError) {
        let set = zone.sets[index]
        let data = zone.data
        let ttl = min(set.ttl, isNegative ? zone.negativeTTL : ttlMax)
        var offset = Int(set.offset)
        for _ in 0..<set.count {
            let count = try Int(RawSpan(data.span).uint16(at: offset + 10))
            try writer.append(
                owner: owner, set.type, 1, ttl, RawSpan(data.span).slice(at: offset + 12, count: count), to: section)
            offset += 12 + count
        }
    }
}
