import VolleyCore

extension Zone {
    /// How long a negative answer may be kept: no longer than the SOA record and its minimum (RFC 2308 section 3).
    var negativeTTL: UInt32 {
        guard let soa = set(6, of: nodes[0]) else { return 0 }
        let (set, bytes) = (sets[soa], data)
        let minimum = try? RawSpan(bytes.span).uint32(at: Int(set.offset + set.byteCount) - 4)
        return min(set.ttl, minimum ?? 0)
    }

    /// The last node with NSEC at or before a name, in canonical order; for a zone that has them.
    func predecessor(of name: RawSpan) -> Int {
        let bytes = names
        var (low, high) = (0, ordered.count)
        while low < high {
            let middle = (low + high) / 2
            let range = nameRange(of: nodes[Int(ordered[middle])])
            if CanonicalOrder.compare(RawSpan(bytes.span).extracting(range), name) <= 0 {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return Int(ordered[low == 0 ? ordered.count - 1 : low - 1])
    }

    /// The node whose NSEC3 record matches or, if none does, covers a name in lower case; for a zone that has them.
    func hashedDenial(of name: RawSpan) -> (node: Int, isMatch: Bool) {
        let digest = hashing.hash(name)
        var (low, high) = (0, hashed.count)
        while low < high {
            let middle = (low + high) / 2
            if hash(at: middle) <= digest { low = middle + 1 } else { high = middle }
        }
        // Before the first comes the last: hashes go in a circle.
        let place = low == 0 ? hashed.count - 1 : low - 1
        return (Int(hashed[place]), low > 0 && hash(at: place) == digest)
    }

    private func hash(at index: Int) -> SHA1.Digest {
        let start = index * 20
        func number(_ range: Range<Int>) -> UInt64 { range.reduce(0) { $0 << 8 | UInt64(hashes[start + $1]) } }
        return SHA1.Digest(high: number(0..<8), middle: number(8..<16), low: UInt32(number(16..<20)))
    }

    /// Calls `body` for each record, the SOA record first: the order of a zone transfer (RFC 5936 section 2.2).
    public func forEachRecord<Failure: Error>(_ body: (DNSRecord) throws(Failure) -> Void) throws(Failure) {
        for node in nodes {
            let owner = DomainName(unchecked: Array(names[nameRange(of: node)]))
            let own = Int(node.firstSet)..<Int(node.firstSet) + Int(node.setCount)
            let first = own.first { sets[$0].type == 6 }
            let rest = own.filter { $0 != first }
            for index in (first.map { [$0] } ?? []) + rest {
                try forEachRecord(of: index, owner, body)
                if sets[index].signatures != 0 { try forEachRecord(of: Int(sets[index].signatures), owner, body) }
            }
        }
    }

    private func forEachRecord<Failure: Error>(
        of index: Int, _ owner: DomainName, _ body: (DNSRecord) throws(Failure) -> Void
    ) throws(Failure) {
        let set = sets[index]
        var offset = Int(set.offset)
        for _ in 0..<set.count {
            let count = Int(data[offset + 10]) << 8 | Int(data[offset + 11])
            let bytes = Array(data[offset + 12..<offset + 12 + count])
            try body(DNSRecord(owner, ttl: set.ttl, RecordData(unchecked: bytes, type: DNSType(set.type))))
            offset += 12 + count
        }
    }
}
