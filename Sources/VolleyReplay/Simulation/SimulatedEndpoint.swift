public import VolleyCore

/// A datagram endpoint on a host of a simulated network; it runs the very transport that a live endpoint runs.
public final class SimulatedEndpoint {
    /// How an endpoint is set up.
    public struct Options {
        /// Bytes of each receive slot, 1 or more; longer datagrams arrive truncated.
        public var slotSize = 65_536
        /// Bytes that may wait to be received; Linux' default, 212,992, by default.
        ///
        /// As in Linux, a datagram is charged more than its payload: ``receiveBufferOverhead`` bytes. What finds no room
        /// is dropped and counted in ``DatagramStatistics/kernelDrops``.
        public var receiveBufferSize = 212_992
        /// Bytes charged for each waiting datagram beside its payload: about what Linux charges for a small one.
        public static let receiveBufferOverhead = 768
        /// When writing is paused and resumed, and when sends are dropped.
        public var writeBufferLimits = WriteBufferLimits.standard
        /// Who hears of ICMP errors with all their details (`IP_RECVERR`).
        public var receivesErrors = ErrorReception.off
        /// Whether a datagram larger than the path's MTU is sent in fragments, as Linux does (`IP_PMTUDISC_WANT`).
        ///
        /// Otherwise it is refused with `EMSGSIZE` and the MTU (`IP_PMTUDISC_DO`).
        public var fragments = true
        /// Whether it may send to 255.255.255.255 (`SO_BROADCAST`); `EACCES` otherwise.
        public var allowsBroadcast = false
        /// What goes wrong at this endpoint, beside what goes wrong on the links; the simulation's seed decides together
        /// with the plan's.
        public var faults: FaultPlan?
        /// An onlooker of everything received and sent, such as a ``CaptureTap``.
        public var tap: (any DatagramTap)?

        /// The defaults.
        public init() {}
    }

    /// The host it is on.
    public unowned let host: SimulatedHost
    /// The transport its protocol was given.
    public var transport: any DatagramTransport { ring }
    /// The address it is bound to.
    public let localAddress: SocketAddress
    /// The peer it is connected to, `nil` for one that is not.
    public let remoteAddress: SocketAddress?
    /// Whether its protocol has not been told yet that the connection is lost.
    public internal(set) var isOpen = true
    /// The faults it has met so far, `nil` without a plan.
    public let faults: FaultInjector?

    let ring: RingTransport
    /// What it receives and sends through, until it is closed.
    private(set) var world: SimulatedWorld?

    init(
        _ host: SimulatedHost, local: SocketAddress, remote: SocketAddress?, options: Options, stream: UInt64
    ) {
        self.host = host
        localAddress = local
        remoteAddress = remote
        var names = EndpointNames()
        names.local = local
        names.remote = local.family == .ipv6 ? remote?.mappedToIPv6 : remote
        ring = RingTransport(
            eventLoop: host.loop, names: names, addressing: local.family == .ipv6 ? .ipv6 : .ipv4,
            limits: options.writeBufferLimits)
        // The simulation's seed takes part, so that its seeds differ in these faults too.
        var mixer = SplitMix(state: host.simulation.seed ^ stream)
        let faultStream = mixer.next()
        faults = options.faults.map { FaultInjector($0, stream: faultStream) }
        world = SimulatedWorld(ring, host: host, options: options, faults: faults, local: local, remote: remote)
    }

    /// Connects the protocol; `wrap` may put something between transport and world.
    func start(
        _ protocol: any DatagramProtocol, options: Options,
        wrap: ((any DatagramWorld, RingTransport) -> any DatagramWorld)? = nil
    ) {
        guard let world else { return }
        world.onShutDown = { [weak self] in self?.end() }
        var outer: any DatagramWorld = world
        if let faults { outer = FaultedWorld(outer, faults, transport: ring, reception: options.receivesErrors) }
        if let wrap { outer = wrap(outer, ring) }
        ring.start(`protocol`, in: outer, tap: options.tap)
    }

    private func end() {
        isOpen = false
        world = nil
        host.remove(self)
    }

    /// What it has received, sent, dropped and refused so far.
    public var statistics: DatagramStatistics { ring.statistics }
}
