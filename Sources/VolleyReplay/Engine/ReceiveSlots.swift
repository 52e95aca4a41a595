import VolleyCore

/// The receive ring of a replay: slots, the source addresses they point to, and room for payloads.
///
/// Payloads are delivered from where the reader has them. Only what has to outlive the reader's buffer is copied here:
/// a batch that the reader is about to read over, and the rest of one that the protocol paused in.
///
/// With the transport, this is where the module's pointers are: the slots are trivial, the memory is allocated once.
@safe
final class ReceiveSlots {
    /// How many slots there are.
    let capacity: Int
    /// The longest payload, by the 16 bits of the UDP length.
    private static let payloadMax = 65_535

    let slots: UnsafeMutablePointer<ReceiveSlot>
    private let heads: UnsafeMutablePointer<ReceiveHead>
    private let sources: UnsafeMutablePointer<SocketAddress>
    /// When each datagram is due: those of one instant are a batch.
    private let instants: UnsafeMutablePointer<Int64>
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
        unsafe instants = .allocate(capacity: capacity)
        unsafe instants.initialize(repeating: 0, count: capacity)
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
        unsafe instants.deallocate()
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

    /// Says when slot `index`, which must be below the capacity, is due.
    @inline(__always)
    func setInstant(of index: Int, to instant: Int64) { unsafe instants[index] = instant }

    /// When slot `index`, which has been filled, is due.
    func instant(of index: Int) -> Int64 { unsafe instants[index] }

    /// The end of the batch that begins at slot `start`, of the filled ones up to `end`.
    func endOfBatch(from start: Int, in end: Int) -> Int {
        var next = start + 1
        // SAFETY: callers ask for filled slots only.
        while next < end, unsafe instants[next] == instants[start] { next += 1 }
        return next
    }

    /// Delivers the batches from slot `start` to `end` one after the other, each at its instant, until one has left
    /// something to do; returns the end of the last one.
    ///
    /// The transport must not have a tap if there can be more than one.
    @inline(__always)
    func deliver(from start: Int, to end: Int, _ loop: VirtualEventLoop) -> Int {
        // SAFETY: callers deliver filled slots only, and these objects outlive all callbacks.
        let (ring, slots, instants) = unsafe (transport.ring, slots, instants)
        var index = start
        while true {
            let instant = unsafe instants[index]
            var bytes = unsafe Int(slots[index].count)
            var next = index &+ 1
            while next < end, unsafe instants[next] == instant {
                bytes &+= unsafe Int(slots[next].count)
                next &+= 1
            }
            loop.setTime(instant)
            if unsafe !ring.deliver(index, count: next &- index, bytes: bytes) {
                transport.endBatch(index..<next)
                return next
            }
            // What is due before the next batch comes first.
            if unsafe next == end || loop.hasWork || loop.earliest < instants[next] { return next }
            index = next
        }
    }

    /// Delivers these slots as one batch.
    func deliver(_ batch: Range<Int>) {
        // SAFETY: callers deliver filled slots only.
        let bytes = batch.reduce(0) { unsafe $0 + Int(slots[$1].count) }
        transport.deliver(from: batch.lowerBound, count: batch.count, bytes: bytes)
    }

    /// Copies the payloads of these slots to where nobody writes over them.
    func keep(_ range: Range<Int>) {
        if unsafe slab.isEmpty {
            unsafe slab = .allocate(byteCount: capacity * Self.payloadMax, alignment: 64)
            tellTransport()
        }
        for index in range {
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
