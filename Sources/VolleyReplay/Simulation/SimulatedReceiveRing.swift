import VolleyCore

/// The memory a simulated endpoint receives a batch into: slots and sources, and one slab in which payloads lie side by
/// side.
///
/// The slab grows with the largest batch met, so that an endpoint costs little until it receives much.
@safe
final class SimulatedReceiveRing {
    /// The most datagrams of one batch.
    static let capacity = 64
    private let slots: UnsafeMutablePointer<ReceiveSlot>
    private let heads: UnsafeMutablePointer<ReceiveHead>
    private let sources: UnsafeMutablePointer<SocketAddress>
    private var slab: UnsafeMutableRawBufferPointer
    private let slotSize: Int

    init(slotSize: Int) {
        self.slotSize = slotSize
        let capacity = Self.capacity
        // SAFETY: all of it is owned by this object and freed in deinit; slots, heads and addresses are trivial.
        unsafe slab = .allocate(byteCount: 4_096, alignment: 64)
        unsafe sources = .allocate(capacity: capacity)
        unsafe sources.initialize(repeating: .unspecified, count: capacity)
        unsafe heads = .allocate(capacity: capacity)
        unsafe slots = .allocate(capacity: capacity)
        for index in 0..<capacity {
            unsafe (heads + index).initialize(to: ReceiveHead(source: UnsafeRawPointer(sources + index)))
            unsafe heads[index].sourceLength = UInt32(MemoryLayout<SocketAddress>.size)
            unsafe (slots + index).initialize(
                to: ReceiveSlot(payload: UnsafeRawPointer(slab.baseAddress.unsafelyUnwrapped), head: heads + index))
        }
    }

    deinit {
        unsafe slots.deallocate()
        unsafe heads.deallocate()
        unsafe sources.deallocate()
        unsafe slab.deallocate()
    }

    /// Fills the first slots, of which nothing may be in use any more, and delivers them to `transport` as one batch.
    func deliver(_ batch: ArraySlice<SimulatedReceiveBuffer.Entry>, to transport: RingTransport) {
        let batch = batch.prefix(Self.capacity)
        let total = batch.reduce(0) { $0 + min($1.payload.count, slotSize) }
        if unsafe total > slab.count {
            // SAFETY: the slots that pointed into the old slab are all filled anew below.
            unsafe slab.deallocate()
            unsafe slab = .allocate(byteCount: max(total, 2 * slab.count), alignment: 64)
        }
        var offset = 0
        var truncated = 0
        for (index, entry) in batch.enumerated() {
            let count = min(entry.payload.count, slotSize)
            // SAFETY: `index` is below the capacity, and the counts add up to what the slab has room for.
            let place = unsafe slab.baseAddress.unsafelyUnwrapped + offset
            unsafe entry.payload.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { unsafe place.copyMemory(from: base, byteCount: count) }
            }
            unsafe sources[index] = entry.source
            unsafe heads[index].local = LocalAddress(ip: entry.local, interfaceIndex: 1)
            unsafe heads[index].timestamp = entry.timestamp
            unsafe heads[index].trafficClass = entry.trafficClass
            unsafe slots[index].payload = UnsafeRawPointer(place)
            unsafe slots[index].count = UInt32(clamping: count)
            unsafe slots[index].flags = count < entry.payload.count ? .truncated : []
            truncated += count < entry.payload.count ? 1 : 0
            offset += count
        }
        // SAFETY: the owner of both keeps this object as long as the transport; the slab stays until the next batch.
        unsafe transport.setReceiveRing(slots, slab: UnsafeRawBufferPointer(slab))
        if truncated > 0 { transport.countTruncations(truncated, controlTruncated: 0) }
        transport.deliver(count: batch.count, bytes: total)
    }
}

extension SimulationPacket {
    /// The datagram in a send slot of an IP endpoint, from `source` to `destination`.
    init(_ slot: SendSlot, from source: SocketAddress, to destination: SocketAddress, packetSizeMax: Int) {
        // SAFETY: the transport vouches for the slot while it is being transmitted.
        let bytes = unsafe UnsafeRawBufferPointer(start: slot.payload, count: Int(slot.count))
        let trafficClass = unsafe slot.control?.pointee.trafficClass ?? -1
        self.init(
            source: source, destination: destination, body: .datagram(unsafe Array(bytes)),
            trafficClass: max(0, trafficClass), packetSizeMax: packetSizeMax)
    }
}

/// What a world has to know of a send slot, as values.
struct SendRequest {
    let destination: SocketAddress?
    let local: LocalAddress
    let count: Int

    init(_ slot: SendSlot) {
        // SAFETY: as above; the destinations of IP endpoints lie in places of whole SocketAddresses.
        destination = unsafe slot.destination?.assumingMemoryBound(to: SocketAddress.self).pointee
        local = unsafe slot.control?.pointee.local ?? .unknown
        count = unsafe Int(slot.count)
    }
}
