internal import VolleyCore

/// The memory an in-memory batch is received into: slots, sources and payloads, allocated once as a socket's are.
@safe
struct InMemoryReceiveRing: ~Copyable {
    let capacity: Int
    let slotSize: Int
    let slots: UnsafeMutablePointer<ReceiveSlot>
    let slab: UnsafeMutableRawBufferPointer
    private let heads: UnsafeMutablePointer<ReceiveHead>
    private let sources: UnsafeMutablePointer<SocketAddress>

    init(capacity: Int, slotSize: Int) {
        self.capacity = capacity
        self.slotSize = slotSize
        // SAFETY: owned by this value, freed in deinit, and never moved; slots, heads and sources are trivial.
        unsafe slab = .allocate(byteCount: capacity * slotSize, alignment: 64)
        unsafe sources = .allocate(capacity: capacity)
        unsafe sources.initialize(repeating: .unspecified, count: capacity)
        unsafe heads = .allocate(capacity: capacity)
        unsafe slots = .allocate(capacity: capacity)
        let base = unsafe slab.baseAddress.unsafelyUnwrapped
        for index in 0..<capacity {
            unsafe (heads + index).initialize(to: ReceiveHead(source: UnsafeRawPointer(sources + index)))
            unsafe (slots + index).initialize(
                to: ReceiveSlot(payload: base + index * slotSize, head: heads + index))
        }
    }

    deinit {
        unsafe slab.deallocate()
        unsafe sources.deallocate()
        unsafe slots.deallocate()
        unsafe heads.deallocate()
    }

    /// What a batch put into the slots amounts to.
    struct Summary {
        var bytes = 0
        var truncated = 0
    }

    /// Fills the first slots with `batch`, which has at most ``capacity`` datagrams.
    func fill(_ batch: some Collection<InMemoryDatagram>, at time: WallClockTime) -> Summary {
        precondition(batch.count <= capacity)
        var summary = Summary()
        for (index, datagram) in batch.enumerated() {
            let count = min(datagram.payload.count, slotSize)
            // SAFETY: `index < capacity`, and `count` bytes fit the slot's part of the slab.
            unsafe UnsafeMutableRawBufferPointer(rebasing: slab[(index * slotSize)...])
                .copyBytes(from: datagram.payload.prefix(count))
            unsafe sources[index] = datagram.peer
            unsafe heads[index].sourceLength = datagram.peer.family == .ipv6 ? 28 : 16
            unsafe slots[index].count = UInt32(count)
            unsafe slots[index].flags = count < datagram.payload.count ? .truncated : []
            unsafe heads[index].local = datagram.local.map { LocalAddress(ip: $0, interfaceIndex: 0) } ?? .unknown
            unsafe heads[index].timestamp = time.nanosecondsSinceEpoch
            summary.bytes += count
            summary.truncated += count < datagram.payload.count ? 1 : 0
        }
        return summary
    }
}

extension InMemoryDatagram {
    /// Copies what lies in a send slot of an IP endpoint; `remote` is the peer of a connected one.
    init(_ slot: SendSlot, remote: SocketAddress?) {
        // SAFETY: the transport vouches for the slot while it is being transmitted; the destinations of IP endpoints
        // lie in places of whole SocketAddresses.
        let bytes = unsafe UnsafeRawBufferPointer(start: slot.payload, count: Int(slot.count))
        let destination = unsafe slot.destination?.assumingMemoryBound(to: SocketAddress.self).pointee
        let local = unsafe slot.control?.pointee.local ?? .unknown
        self.init(
            unsafe Array(bytes), peer: remote ?? destination ?? .unspecified, local: local.isKnown ? local.ip : nil)
    }
}
