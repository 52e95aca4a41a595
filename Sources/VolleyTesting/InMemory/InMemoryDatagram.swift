/// A datagram on its way to or from an ``InMemoryEndpoint``.
public struct InMemoryDatagram: Hashable, Sendable {
    /// The payload.
    public let payload: [UInt8]
    /// The far end: the source of a delivered datagram, the destination of a sent one.
    public let peer: SocketAddress
    /// The near end, where it is known: the address a delivered datagram was sent to, or a sent one leaves from.
    public let local: IPAddress?

    /// A datagram.
    public init(_ payload: [UInt8], peer: SocketAddress, local: IPAddress? = nil) {
        self.payload = payload
        self.peer = peer
        self.local = local
    }
}
