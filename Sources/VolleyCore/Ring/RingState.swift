/// The part of a transport that is touched for every datagram: one struct behind one pointer.
///
/// A class's stored properties cost exclusivity checks and reference counts when read across modules (59 against 199
/// instructions per echo, measured); this does not. Every world fills it alike and only drains it differently.
@unsafe @usableFromInline
package struct RingState {
    // Send ring.
    @usableFromInline var sendSlots: UnsafeMutablePointer<SendSlot>
    /// Slots in use.
    @usableFromInline var sendCount = 0
    /// Slots that may be used: the capacity while sends go straight to the ring, 0 while they are queued or refused, so
    /// that one comparison tells the common case from all others.
    @usableFromInline var sendLimit = 0
    /// Where the next payload goes; it grows until the ring is flushed.
    @usableFromInline var arenaNext: UnsafeMutableRawPointer
    @usableFromInline var arenaEnd: UnsafeMutableRawPointer
    @usableFromInline let arenaStart: UnsafeMutableRawPointer
    /// Reservations whose writer has not come back yet; while there are any, a flush must not rewind the arena.
    @usableFromInline var openReservations = 0

    /// Whether any send had a control of its own so far.
    var usesSendControls = false

    // Receive ring.
    /// Whom batches go to; the transport keeps it alive.
    @usableFromInline var receiver: Unmanaged<BatchReceiver>?
    @usableFromInline var receiveSlots: UnsafeMutablePointer<ReceiveSlot>?
    var hasTap = false
    /// The memory payloads are received into; a reply that lies in it is sent without a copy.
    @usableFromInline var slabStart: UInt = 0
    @usableFromInline var slabSize: UInt = 0
    /// Set by close, abort and pause: the batch being delivered goes no further.
    @usableFromInline var isInterrupted = false
    /// How many datagrams of the batch being delivered have been handed over.
    @usableFromInline var delivered = 0

    // What a transport asks at every batch: here, where asking costs a load.
    @usableFromInline var phase = TransportPhase.open
    var isProtocolPaused = false
    var isReadingPaused = false
    var isReadingArmed = false
    @usableFromInline var isDelivering = false
    var isFlushing = false
    var isFlushScheduled = false
    var isLossScheduled = false
    /// Errors wait for the end of the flush, or of the errorReceived they were caused in.
    var hasPendingErrors = false
    var isReporting = false
    /// Received but not delivered, since the protocol paused in mid-batch.
    @usableFromInline var backlog: Range<Int> = 0..<0
    @usableFromInline var counters = DatagramStatistics()

    @usableFromInline let addressing: SocketAddressing
    /// The owner, for what is not common.
    unowned(unsafe) let transport: RingTransport

    init(
        sendSlots: UnsafeMutablePointer<SendSlot>, arena: UnsafeMutableRawBufferPointer, addressing: SocketAddressing,
        transport: RingTransport
    ) {
        unsafe self.sendSlots = sendSlots
        // SAFETY: RingTransport allocates a non-empty arena.
        unsafe self.arenaStart = arena.baseAddress.unsafelyUnwrapped
        unsafe self.arenaNext = arenaStart
        unsafe self.arenaEnd = self.arenaNext + arena.count
        unsafe self.addressing = addressing
        unsafe self.transport = transport
    }
}

/// Where a transport is in its life.
@usableFromInline
enum TransportPhase: UInt8 { case open, closing, lost }

/// The kind of addresses an endpoint speaks.
@usableFromInline
package enum SocketAddressing: UInt8 { case ipv4, ipv6, unix }

// On the pointer and not on the struct: what is not common calls back into the transport, which looks at the same state.
extension UnsafeMutablePointer where Pointee == RingState {
    /// Whether there is nothing to do after a batch: nothing to send, and no end to come.
    @inlinable
    var isAtRest: Bool {
        @inline(__always)
        get {
            unsafe pointee.sendCount | pointee.openReservations == 0 && pointee.phase == .open
                && pointee.backlog.isEmpty
        }
    }

    /// Counts the `count` receive slots from `start` as one batch, hands it to the protocol, and says whether that is
    /// all: if not, ``RingTransport/endBatch(_:)`` has to follow.
    ///
    /// Here and not in the transport, so that a world with many batches at hand has this in its own loop.
    @inlinable @inline(__always)
    package func deliver(_ start: Int, count: Int, bytes: Int) -> Bool {
        unsafe pointee.counters.countBatch(of: count, bytes: bytes)
        return unsafe hand(start, count: count)
    }

    /// Hands slots to the protocol; says whether it took them all and wants more, nothing is to be sent, and nothing ends.
    @inlinable @inline(__always)
    func hand(_ start: Int, count: Int) -> Bool {
        guard let receiver = unsafe pointee.receiver, let slots = unsafe pointee.receiveSlots else { return true }
        // SAFETY: the world has filled these slots and leaves them alone until this returns. The receiver is let go by
        // the loop, never inside a callback.
        unsafe pointee.isInterrupted = false
        unsafe pointee.delivered = count
        unsafe pointee.isDelivering = true
        unsafe receiver._withUnsafeGuaranteedRef {
            unsafe $0.receive(DatagramBatch(slots: slots + start, count: count, ring: self))
        }
        unsafe pointee.isDelivering = false
        // Only what interrupts a batch can have left some of it.
        guard unsafe !pointee.isInterrupted && isAtRest else { return false }
        unsafe pointee.arenaNext = pointee.arenaStart
        return true
    }

    /// Puts a reply to `slot` into the ring.
    @inlinable @inline(__always)
    func reply(_ bytes: UnsafeRawBufferPointer, to slot: UnsafePointer<ReceiveSlot>) {
        let start = UInt(bitPattern: bytes.baseAddress)
        if unsafe start &- pointee.slabStart < pointee.slabSize && pointee.sendCount < pointee.sendLimit {
            // SAFETY: an address inside the slab is not nil.
            unsafe appendReply(bytes.baseAddress.unsafelyUnwrapped, count: bytes.count, to: slot)
        } else {
            unsafe replySlowly(bytes, to: slot)
        }
    }

    /// Reserves `capacity` bytes of the arena, flushing if that makes room; nil (and counted) when the endpoint is
    /// closing or `capacity` can never fit.
    @inlinable @inline(__always)
    func reserve(_ capacity: Int) -> UnsafeMutableRawPointer? {
        let start = unsafe pointee.arenaNext
        guard unsafe capacity >= 0 && capacity <= pointee.arenaEnd - start else {
            return unsafe reserveSlowly(capacity)
        }
        unsafe pointee.arenaNext = start + capacity
        unsafe pointee.openReservations += 1
        return unsafe start
    }

    /// Ends a reservation; of its bytes, the first `count` stay in use.
    @inlinable @inline(__always)
    func endReservation(_ start: UnsafeMutableRawPointer, capacity: Int, keeping count: Int) {
        unsafe pointee.openReservations -= 1
        // A nested reservation may have moved on; the gap is then recovered by the next flush.
        if unsafe pointee.arenaNext == start + capacity { unsafe pointee.arenaNext = start + count }
    }

    /// Sends the first `count` bytes of a reservation as a reply to `slot`.
    @inlinable @inline(__always)
    func commitReply(
        _ start: UnsafeMutableRawPointer, count: Int, capacity: Int, to slot: UnsafePointer<ReceiveSlot>
    ) {
        if unsafe pointee.sendCount < pointee.sendLimit {
            unsafe endReservation(start, capacity: capacity, keeping: count)
            unsafe appendReply(UnsafeRawPointer(start), count: count, to: slot)
        } else {
            unsafe commitSlowly(start, count: count, capacity: capacity, to: slot)
        }
    }

    @inlinable @inline(__always)
    func appendReply(_ payload: UnsafeRawPointer, count: Int, to slot: UnsafePointer<ReceiveSlot>) {
        // SAFETY: the caller has checked `sendCount < sendLimit <= capacity`. The head stays in the receive ring until
        // the flush, which comes before it is filled again; its first field is the control.
        let head = unsafe slot.pointee.head
        unsafe (pointee.sendSlots + pointee.sendCount).initialize(
            to: SendSlot(
                payload: payload, count: UInt32(truncatingIfNeeded: count), destination: head.pointee.source,
                destinationLength: head.pointee.sourceLength,
                control: UnsafeRawPointer(head).assumingMemoryBound(to: SendControl.self)))
        unsafe pointee.sendCount += 1
    }

    /// A reply that cannot simply be appended: its bytes lie elsewhere, the ring is full, or sends are queued.
    @usableFromInline
    func replySlowly(_ bytes: UnsafeRawBufferPointer, to slot: UnsafePointer<ReceiveSlot>) {
        unsafe pointee.transport.reply(bytes, to: slot)
    }

    /// A written reply that cannot simply be appended.
    @usableFromInline
    func commitSlowly(
        _ start: UnsafeMutableRawPointer, count: Int, capacity: Int, to slot: UnsafePointer<ReceiveSlot>
    ) {
        unsafe pointee.transport.commitReply(start, count: count, capacity: capacity, to: slot)
    }

    /// A reservation that does not fit as things are.
    @usableFromInline
    func reserveSlowly(_ capacity: Int) -> UnsafeMutableRawPointer? {
        unsafe pointee.transport.makeRoom(for: capacity)
    }
}
