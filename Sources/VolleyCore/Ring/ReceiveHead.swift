/// What the kernel says once for everything one message brought: a single datagram, or a train of them (`UDP_GRO`).
@unsafe @usableFromInline
package struct ReceiveHead {
    /// How a reply has to leave: from the address this was sent to, if the world was asked for it.
    ///
    /// First, so that a pointer to the head is one to it.
    @usableFromInline package var reply = SendControl()
    /// The source in the kernel's layout: `sockaddr_in`, `sockaddr_in6` or `sockaddr_un`.
    @usableFromInline package var source: UnsafeRawPointer
    /// Bytes of `source` that are valid; 0 when there is none (an unnamed Unix peer).
    @usableFromInline package var sourceLength: UInt32 = 0
    /// The IPv4 TOS or IPv6 traffic class; negative when unknown.
    @usableFromInline package var trafficClass: Int16 = -1
    /// The IPv4 TTL or IPv6 hop limit; negative when unknown.
    @usableFromInline package var hopLimit: Int16 = -1
    /// When it arrived, in nanoseconds since the epoch; `Int64.min` when unknown.
    @usableFromInline package var timestamp: Int64 = .min
    /// Datagrams the kernel dropped between the one before and this one; 0 when not asked for.
    @usableFromInline package var dropsBefore: UInt32 = 0

    package init(source: UnsafeRawPointer) {
        unsafe self.source = source
    }

    /// The local end of the datagram: where it was sent to.
    @inlinable package var local: LocalAddress {
        get { unsafe reply.local }
        set { unsafe reply.local = newValue }
    }
}
