public import VolleyCore

/// How a live datagram endpoint is set up.
///
/// Nothing is set on the socket unless asked for here, but for one thing: on a wildcard bind each datagram brings the
/// address it was sent to (see ``receivesLocalAddress``).
public struct DatagramOptions: Sendable {
    /// The most datagrams one `recvmmsg` or `sendmmsg` carries: 1…1024.
    public var batchSize = 64

    /// Bytes of each receive slot, 1…16,777,216.
    ///
    /// A longer datagram arrives truncated, flagged and counted.
    ///
    /// The default holds every UDP datagram; memory is only used as far as datagrams reach.
    public var slotSize = 65_536

    /// The receive buffer to ask the kernel for (`SO_RCVBUF`), in bytes; it clamps this to `net.core.rmem_max`, and
    /// doubles it for its own overhead.
    ///
    /// When that is too small, and the process has `CAP_NET_ADMIN`, the limit is passed (`SO_RCVBUFFORCE`). What was
    /// granted is in the ``SocketReport``. `nil` leaves the system's default.
    public var receiveBufferSize: Int?

    /// The send buffer to ask the kernel for (`SO_SNDBUF`, `SO_SNDBUFFORCE`, `net.core.wmem_max`), in bytes; `nil`
    /// leaves the system's default.
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

    /// What each datagram brings beside its bytes and its source; nothing unless asked for.
    public var metadata: DatagramMetadata = []

    /// Whether trains of datagrams may be received whole (`UDP_GRO`), which saves most of the kernel's work where they
    /// come: from senders with `UDP_SEGMENT` on this host, from network cards and from tunnels.
    ///
    /// A protocol sees single datagrams in any case. Off unless asked for, since the kernel then counts a train that it
    /// drops as one: `DatagramStatistics.kernelDrops` and `Datagram.dropsBefore` are lower bounds once trains arrive.
    /// Used where the kernel can do it and ``slotSize`` is at least 65,536.
    public var usesGRO = false

    /// Whether datagrams of one length that follow each other to one peer, in one flush, leave as a train
    /// (`UDP_SEGMENT`).
    ///
    /// The peer receives single datagrams in the same order in any case. Used where a train sent over loopback arrived
    /// as it should; if a route refuses one, its datagrams are sent singly, and no other is tried. An ICMP error that a
    /// train meets before it is taken apart, as on loopback, is one error for all of it.
    public var usesGSO = true

    /// Whether sends may say when they are to leave (`SO_TXTIME`): see ``SendOptions``.
    ///
    /// Only some queueing disciplines, `fq` and `etf`, look at it.
    public var sendsAtTransmitTime = false

    /// Multicast groups, and how multicast is sent.
    public var multicast = MulticastOptions()

    /// Traffic class, hop limit, and addresses that are not this host's.
    public var ip = IPOptions()

    /// The interface to use, busy polling, queueing priority and firewall mark.
    public var device = DeviceOptions()

    /// Which endpoints read their socket's error queue, and so hear which peer failed, why, and who says so.
    ///
    /// The queue is read when the loop hears of an error and after a send or receive that failed, not before each send:
    /// the kernel refuses a send for an earlier datagram's error before it has sent anything, so nothing is lost by
    /// reading then and sending again.
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
