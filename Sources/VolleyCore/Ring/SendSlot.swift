/// One datagram waiting in the send ring: plain data and pointers, valid until the ring is flushed.
@unsafe @usableFromInline
package struct SendSlot {
    /// The first byte of the payload: in the ring's arena or, for an echo, still in the receive ring.
    @usableFromInline package var payload: UnsafeRawPointer
    /// Bytes of payload.
    @usableFromInline package var count: UInt32
    /// Bytes of `destination`.
    @usableFromInline package var destinationLength: UInt32
    /// The destination in the kernel's layout; nil for the connected peer.
    @usableFromInline package var destination: UnsafeRawPointer?
    /// The local address to send from; nil, or unknown, leaves it to the kernel.
    @usableFromInline package var local: UnsafePointer<LocalAddress>?

    @inlinable @inline(__always)
    package init(
        payload: UnsafeRawPointer, count: UInt32, destination: UnsafeRawPointer?, destinationLength: UInt32,
        local: UnsafePointer<LocalAddress>?
    ) {
        unsafe self.payload = payload
        unsafe self.count = count
        unsafe self.destinationLength = destinationLength
        unsafe self.destination = destination
        unsafe self.local = local
    }
}
