/// What one receive brought: the datagrams of one batch, in order, as a view of the receive ring.
///
/// Valid only during `datagramsReceived`; a `~Escapable` type cannot be a `Sequence`, so iterate over ``indices``:
/// `for index in batch.indices { use(batch[index]) }`.
@safe
public struct DatagramBatch: ~Copyable, ~Escapable {
    /// How many datagrams there are; at least 1.
    public let count: Int
    @usableFromInline let slots: UnsafePointer<ReceiveSlot>
    @usableFromInline let ring: UnsafeMutablePointer<RingState>

    @_lifetime(borrow ring)
    @inlinable
    init(slots: UnsafePointer<ReceiveSlot>, count: Int, ring: UnsafeMutablePointer<RingState>) {
        self.count = count
        unsafe self.slots = slots
        unsafe self.ring = ring
    }

    /// The valid indices: `0 ..< count`.
    @inlinable public var indices: Range<Int> { unsafe Range(uncheckedBounds: (0, count)) }

    /// The datagram at `index`, which must be in ``indices``.
    @inlinable public subscript(index: Int) -> Datagram {
        @_lifetime(copy self)
        @inline(__always)
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "DatagramBatch index out of range")
            return datagram(at: index)
        }
    }

    @_lifetime(copy self)
    @inlinable @inline(__always)
    func datagram(at index: Int) -> Datagram {
        // SAFETY: callers keep `index` below `count`; the slots live as long as what this batch is a view of.
        let datagram = unsafe Datagram(slot: slots + index, ring: ring)
        return unsafe _overrideLifetime(datagram, copying: self)
    }

    /// Calls `body` with each datagram until the transport is closed, aborted or paused.
    @inlinable @inline(__always)
    func forEachUntilInterrupted(_ body: (Datagram) -> Void) {
        var index = 0
        while true {
            body(datagram(at: index))
            index += 1
            if index == count { return }
            // SAFETY: `ring` is the transport's own state, which outlives every batch.
            if unsafe ring.pointee.isInterrupted {
                unsafe ring.pointee.delivered = index
                return
            }
        }
    }
}
