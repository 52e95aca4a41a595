/// One received datagram as a world hands it to the ring: plain data, and pointers into memory the world keeps alive
/// until the batch has been delivered and its replies have been flushed.
@unsafe @usableFromInline
package struct ReceiveSlot {
    /// The address it was sent to, if the world was asked for it.
    ///
    /// First, so that a pointer to the slot is one to it.
    @usableFromInline package var local = LocalAddress.unknown
    /// The first byte of the payload.
    @usableFromInline package var payload: UnsafeRawPointer
    /// Bytes of payload present in memory.
    @usableFromInline package var count: UInt32 = 0
    @usableFromInline package var flags: DatagramFlags = []
    /// The source in the kernel's layout: `sockaddr_in`, `sockaddr_in6` or `sockaddr_un`.
    @usableFromInline package var source: UnsafeRawPointer
    /// Bytes of `source` that are valid; 0 when there is none (an unnamed Unix peer).
    @usableFromInline package var sourceLength: UInt32 = 0
    /// When it arrived, in nanoseconds since the epoch; `Int64.min` when unknown.
    @usableFromInline package var timestamp: Int64 = .min

    package init(payload: UnsafeRawPointer, source: UnsafeRawPointer) {
        unsafe self.payload = payload
        unsafe self.source = source
    }
}

/// The local end of one datagram: where it was sent to, and so where its answer has to come from.
@usableFromInline
package struct LocalAddress {
    @usableFromInline package var ip: IPAddress
    /// The interface it came in on; 0 when unknown.
    @usableFromInline package var interfaceIndex: UInt32

    @inlinable
    package init(ip: IPAddress, interfaceIndex: UInt32) {
        self.ip = ip
        self.interfaceIndex = interfaceIndex
    }

    /// No datagram is addressed to 0.0.0.0, so it stands for "not known".
    package static var unknown: LocalAddress { LocalAddress(ip: IPAddress(v4: 0), interfaceIndex: 0) }

    @usableFromInline package var isKnown: Bool { ip != IPAddress(v4: 0) }
}
