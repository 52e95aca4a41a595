/// One received datagram as a world hands it to the ring: plain data, and pointers into memory the world keeps alive
/// until the batch has been delivered and its replies have been flushed.
@unsafe @usableFromInline
package struct ReceiveSlot {
    /// The first byte of the payload.
    @usableFromInline package var payload: UnsafeRawPointer
    /// Bytes of payload present in memory.
    @usableFromInline package var count: UInt32
    @usableFromInline package var flags: DatagramFlags
    /// What it shares with the other datagrams of its train, if it came in one.
    @usableFromInline package var head: UnsafePointer<ReceiveHead>

    @inlinable @inline(__always)
    package init(
        payload: UnsafeRawPointer, count: UInt32 = 0, flags: DatagramFlags = [], head: UnsafePointer<ReceiveHead>
    ) {
        unsafe self.payload = payload
        unsafe self.count = count
        unsafe self.flags = flags
        unsafe self.head = head
    }
}
