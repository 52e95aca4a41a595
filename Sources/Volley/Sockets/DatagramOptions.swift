public import VolleyCore

/// How a live datagram endpoint is set up; nothing is set on the socket unless asked for here.
public struct DatagramOptions: Sendable {
    /// The most datagrams one `recvmmsg` or `sendmmsg` carries: 1…1024.
    public var batchSize = 64

    /// Bytes of each receive slot, 1…16,777,216.
    ///
    /// A longer datagram arrives truncated, flagged and counted.
    ///
    /// The default holds every UDP datagram; memory is only used as far as datagrams reach.
    public var slotSize = 65_536

    /// The receive buffer to ask the kernel for (`SO_RCVBUF`), in bytes; it doubles this and clamps it to
    /// `net.core.rmem_max`.
    ///
    /// `nil` leaves the system's default.
    public var receiveBufferSize: Int?

    /// The send buffer to ask the kernel for (`SO_SNDBUF`), in bytes; `nil` leaves the system's default.
    public var sendBufferSize: Int?

    /// Whether other sockets with the same wish may bind to the same address (`SO_REUSEPORT`).
    ///
    /// `SO_REUSEADDR` is never set: it would let another program take the traffic.
    public var reusesPort = false

    /// Whether datagrams may be sent to broadcast addresses (`SO_BROADCAST`).
    ///
    /// An endpoint that may broadcast is not connected to the peer it is given: answers come from other addresses.
    public var allowsBroadcast = false

    /// Whether an IPv6 endpoint refuses IPv4 peers (`IPV6_V6ONLY`); `nil` leaves the system's default.
    public var isIPv6Only: Bool?

    /// Whether each datagram carries the address it was sent to (`IP_PKTINFO`, `IPV6_RECVPKTINFO`), so that replies
    /// leave from there.
    ///
    /// `nil`, the default, asks for it on endpoints bound to a wildcard address, which need it.
    public var receivesLocalAddress: Bool?

    /// Which endpoints read their socket's error queue, and so hear which peer failed, why, and who says so.
    public var receivesErrors = ErrorReception.off

    /// How the kernel finds and keeps to the path MTU (`IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`); `nil` leaves the system's
    /// default.
    public var pathMTUDiscovery: PathMTUDiscovery?

    /// When writing is paused and resumed, and when sends are dropped.
    public var writeBufferLimits = WriteBufferLimits.standard

    /// Sees everything the endpoint receives and sends; used to record it.
    public var tap: (any DatagramTap)?

    /// The defaults: batches of 64, slots that hold every UDP datagram, and no option set on the socket.
    public init() {}
}
