import VolleyCore

/// The receive ring of a replay: slots, the source addresses they point to, and room for payloads.
///
/// Payloads are delivered from where the reader has them. Only what has to outlive the reader's buffer is copied here:
/// a batch that the reader is about to read over, and the rest of one that the protocol paused in.
///
/// With the transport, this is where the module's pointers are: the slots are trivial, the memory is allocated once.
@safe
final class ReceiveSlots {
    /// The most datagrams of one batch.
    let capacity: Int
    /// The longest payload, by the 16 bits of the UDP length.
    private static let payloadMax = 65_535

    let slots: UnsafeMutablePointer<ReceiveSlot>
    private let heads: UnsafeMutablePointer<ReceiveHead>
    private let sources: UnsafeMutablePointer<SocketAddress>
    /// Room for the longest payloads, made when the first one has to be kept: of many endpoints, most never have to.
    ///
    /// The system gives memory only to pages that are used.
    private var slab = unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private unowned let transport: RingTransport

    /// The slots of `transport`, which is told where its datagrams will be.
    init(capacity: Int, transport: RingTransport) {
        self.capacity = capacity
        self.transport = transport
        // SAFETY: all of it is owned by this object; slots, heads and addresses are initialised at once and trivial.
        unsafe sources = .allocate(capacity: capacity)
        unsafe sources.initialize(repeating: .unspecified, count: capacity)
        unsafe heads = .allocate(capacity: capacity)
        unsafe slots = .allocate(capacity: capacity)
        for index in 0..<capacity {
            unsafe (heads + index).initialize(to: ReceiveHead(source: UnsafeRawPointer(sources + index)))
            unsafe heads[index].sourceLength = UInt32(MemoryLayout<SocketAddress>.size)
            // Any address will do for a payload of no bytes.
            unsafe (slots + index).initialize(
                to: ReceiveSlot(payload: UnsafeRawPointer(sources), head: heads + index))
        }
        tellTransport()
    }

    deinit {
        unsafe slots.deallocate()
        unsafe heads.deallocate()
        unsafe sources.deallocate()
        unsafe slab.deallocate()
    }

    private func tellTransport() {
        // SAFETY: the owner of both keeps this object as long as the transport.
        unsafe transport.setReceiveRing(slots, slab: UnsafeRawBufferPointer(slab))
    }

    /// Fills slot `index`, which must be below the capacity; `payload` must stay in place until the batch is delivered
    /// or ``keep(_:)`` has been called.
    @inline(__always)
    func fill(_ index: Int, payload: RawSpan, from source: SocketAddress, to local: IPAddress, at timestamp: Int64) {
        // SAFETY: callers keep `index` below the capacity. The pointer outlives the span, but not the bytes: see above.
        unsafe payload.withUnsafeBytes { bytes in
            let slot = unsafe slots + index
            // An empty span may have no address; no byte of it is ever read.
            if let base = bytes.baseAddress { unsafe slot.pointee.payload = base }
            unsafe slot.pointee.count = UInt32(truncatingIfNeeded: bytes.count)
        }
        unsafe heads[index].local = LocalAddress(ip: local, interfaceIndex: 0)
        unsafe heads[index].timestamp = timestamp
        unsafe sources[index] = source
    }

    /// What slot `index`, which has been filled, holds.
    func content(of index: Int) -> (payload: [UInt8], source: SocketAddress, local: IPAddress, timestamp: Int64) {
        // SAFETY: callers ask for filled slots only, whose payloads are still in place.
        unsafe (
            Array(UnsafeRawBufferPointer(start: slots[index].payload, count: Int(slots[index].count))), sources[index],
            heads[index].local.ip, heads[index].timestamp
        )
    }

    /// Copies the payloads of the first `count` slots to where nobody writes over them.
    func keep(_ count: Int) {
        if unsafe slab.isEmpty {
            unsafe slab = .allocate(byteCount: capacity * Self.payloadMax, alignment: 64)
            tellTransport()
        }
        for index in 0..<count {
            // SAFETY: each slot has its own part of the slab, as long as the longest payload; a payload may lie there
            // already, exactly.
            let place = unsafe UnsafeMutableRawBufferPointer(
                rebasing: slab[index * Self.payloadMax..<(index + 1) * Self.payloadMax])
            unsafe place.copyMemory(
                from: UnsafeRawBufferPointer(start: slots[index].payload, count: Int(slots[index].count)))
            unsafe slots[index].payload = UnsafeRawPointer(place.baseAddress.unsafelyUnwrapped)
        }
    }
}
