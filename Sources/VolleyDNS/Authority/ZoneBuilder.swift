import VolleyCore

/// Takes in the records of a zone in any order and makes of them what is served.
struct ZoneBuilder: ZoneRecordSink {
    /// A record as it came.
    struct Entry {
        let node: UInt32
        let type: UInt16
        let covered: UInt16
        let ttl: UInt32
        let offset: UInt32
        let count: UInt16

        /// What records of one set have in common, in the order of sets: signatures come last.
        var key: UInt32 { (type == 46 ? 0xffff_0000 : UInt32(type) << 16) | UInt32(covered) }
    }

    let apex: DomainName
    private let apexCount: Int
    private(set) var names: [UInt8] = []
    var nodes: [ZoneNode] = []
    private(set) var slots = [UInt64](repeating: 0, count: 1024)
    private(set) var entries: [Entry] = []
    private(set) var data: [UInt8] = []

    init(_ apex: DomainName) {
        self.apex = apex.lowercased
        apexCount = apex.wire.count
        let key = NameKey(RawSpan(apex.wire.span))
        _ = node(key, from: 0)
    }

    mutating func add(owner: RawSpan, type: DNSType, ttl: UInt32, data bytes: RawSpan) throws(ZoneRecordFault) {
        guard !type.isMeta else { throw ZoneRecordFault(reason: "\(type) is no type of a record") }
        let key = NameKey(owner)
        guard isWithinApex(key) else { throw ZoneRecordFault(reason: "the owner is not within the zone \(apex)") }
        guard data.count + bytes.byteCount < Int(UInt32.max) / 2, entries.count < Int(UInt32.max) / 32 else {
            throw ZoneRecordFault(reason: "the zone is too large: 2 GiB of data is the limit")
        }
        let node = node(key, from: 0)
        let covered = type == .rrsig ? (try? bytes.uint16(at: 0)) ?? 0 : 0
        entries.append(
            Entry(
                node: UInt32(node), type: type.rawValue, covered: covered, ttl: min(ttl, UInt32(TimeToLive.max)),
                offset: UInt32(data.count), count: UInt16(bytes.byteCount)))
        data.append(copying: bytes)
    }

    private func isWithinApex(_ key: borrowing NameKey) -> Bool {
        var offset = 0
        while key.byteCount - offset > apexCount { offset = key.next(offset) }
        return key.byteCount - offset == apexCount
            && key.suffix(from: offset).hasSameBytes(as: RawSpan(apex.wire.span))
    }

    /// The node of the suffix at `offset`, made with all above it if it is new.
    private mutating func node(_ key: borrowing NameKey, from offset: Int) -> Int {
        let hash = key.hash(from: offset)
        if let found = find(key, from: offset, hash) { return found }
        let isApex = key.byteCount - offset == apexCount
        let parent = isApex ? 0 : node(key, from: key.next(offset))
        let index = nodes.count
        let suffix = key.suffix(from: offset)
        nodes.append(
            ZoneNode(
                nameOffset: UInt32(names.count), nameCount: UInt8(suffix.byteCount), parent: UInt32(parent)))
        names.append(copying: suffix)
        let first = suffix.bytes
        if !isApex, first[0] == 1, first[1] == UInt8(ascii: "*") { nodes[parent].wildcard = UInt32(index) }
        if nodes.count * 2 > slots.count { grow() }
        insert(hash, index)
        return index
    }

    private func find(_ key: borrowing NameKey, from offset: Int, _ hash: UInt64) -> Int? {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place] != 0 {
            let slot = slots[place]
            if slot >> 32 == hash >> 32 {
                let node = nodes[Int(slot & 0xffff_ffff) - 1]
                let start = Int(node.nameOffset)
                let name = RawSpan(names.span).extracting(start..<start + Int(node.nameCount))
                if name.hasSameBytes(as: key.suffix(from: offset)) { return Int(slot & 0xffff_ffff) - 1 }
            }
            place = (place + 1) & mask
        }
        return nil
    }

    private mutating func insert(_ hash: UInt64, _ index: Int) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place] != 0 { place = (place + 1) & mask }
        slots[place] = (hash >> 32) << 32 | UInt64(index + 1)
    }

    private mutating func grow() {
        slots = [UInt64](repeating: 0, count: slots.count * 4)
        for (index, node) in nodes.enumerated() {
            let start = Int(node.nameOffset)
            // The node that is being made is inserted by its maker.
            guard index < nodes.count - 1 else { break }
            let key = NameKey(RawSpan(names.span).extracting(start..<start + Int(node.nameCount)))
            insert(key.hash(), index)
        }
    }

    func name(of node: ZoneNode) -> DomainName {
        DomainName(unchecked: Array(names[Int(node.nameOffset)..<Int(node.nameOffset) + Int(node.nameCount)]))
    }
}
