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
    /// What is not left to the kernel; nil for nothing.
    @usableFromInline package var control: UnsafePointer<SendControl>?

    @inlinable @inline(__always)
    package init(
        payload: UnsafeRawPointer, count: UInt32, destination: UnsafeRawPointer?, destinationLength: UInt32,
        control: UnsafePointer<SendControl>?
    ) {
        unsafe self.payload = payload
        unsafe self.count = count
        unsafe self.destinationLength = destinationLength
        unsafe self.destination = destination
        unsafe self.control = control
    }
}
