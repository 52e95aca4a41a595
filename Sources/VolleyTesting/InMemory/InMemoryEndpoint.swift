internal import VolleyCore

/// A datagram endpoint without sockets: a test delivers what it receives, and sees what it sends.
///
/// It runs the very transport a live endpoint runs, on a ``ManualEventLoop``; only the kernel is replaced. What goes
/// wrong is ordered through ``faults``.
public final class InMemoryEndpoint {
    /// How an endpoint is set up.
    public struct Options: Sendable {
        /// The most datagrams of one received batch, and of one send: 1 or more.
        public var batchSize = 64
        /// Bytes of each receive slot, 1 or more; longer datagrams arrive truncated.
        public var slotSize = 2_048
        /// The largest payload that can be sent; beyond it a send fails with `EMSGSIZE`, as over UDP.
        public var maximumPayload = 65_507
        /// Datagrams that wait to be received; what comes beyond is dropped, and counted as the kernel's drops.
        public var receiveQueueLimit = Int.max
        /// When writing is paused and resumed, and when sends are dropped.
        public var writeBufferLimits = WriteBufferLimits.standard

        /// The defaults.
        public init() {}
    }

    /// The loop the endpoint lives on.
    public let eventLoop: ManualEventLoop
    /// What goes wrong with its sends and receives.
    public let faults: TransportFaults
    private let ring: RingTransport
    private let world: InMemoryWorld

    /// Opens an endpoint; `connectionMade` has been called when this returns.
    ///
    /// - Parameters:
    ///   - protocol: what receives; kept until it has been told that the connection is lost.
    ///   - eventLoop: the loop it lives on.
    ///   - local: the address it is bound to; its family is that of the endpoint.
    ///   - remote: the peer of a connected endpoint, of the same family; `nil` for one that is not connected.
    ///   - options: sizes and limits.
    ///   - faults: what goes wrong, if it is to be shared with somebody.
    public init(
        _ protocol: any DatagramProtocol, on eventLoop: ManualEventLoop, local: SocketAddress,
        remote: SocketAddress? = nil, options: Options = Options(), faults: TransportFaults = TransportFaults()
    ) {
        precondition(options.batchSize > 0 && options.slotSize > 0, "an endpoint has room for a byte")
        precondition(remote.map { $0.family == local.family } ?? true, "both ends are of one family")
        self.eventLoop = eventLoop
        self.faults = faults
        var names = EndpointNames()
        names.local = local
        names.remote = remote
        ring = RingTransport(
            eventLoop: eventLoop, names: names, addressing: local.family == .ipv6 ? .ipv6 : .ipv4,
            limits: options.writeBufferLimits, sendCapacity: options.batchSize)
        world = InMemoryWorld(ring, loop: eventLoop, faults: faults, options: options)
        ring.start(`protocol`, in: world)
    }

    /// The transport its protocol was given.
    public var transport: any DatagramTransport { ring }

    /// What has been sent so far, in order.
    public var sent: [InMemoryDatagram] { world.sent }

    /// Gives the endpoint datagrams that it receives as one batch, in a later turn of the loop.
    ///
    /// They wait while reading is paused. A connected endpoint receives only what comes from its peer. More than
    /// ``Options/batchSize`` become several batches.
    public func deliver(_ batch: [InMemoryDatagram]) { world.deliver(batch) }
}
