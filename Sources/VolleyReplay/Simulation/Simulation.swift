public import VolleyCapture
public import VolleyCore

/// Hosts, endpoints and links in one process, on one virtual clock: a network that does the same each time.
///
/// The protocols are the very objects that run on sockets.
///
/// ```swift
/// let simulation = Simulation(seed: 7)
/// simulation.defaultLink = LinkOptions(latency: .milliseconds(20), loss: 0.1)
/// let server = try simulation.addHost("server") { host in
///     try host.bind(port: 53) { Resolver() }
/// }
/// let client = try simulation.addHost("client")
/// let query = Query()
/// try client.connect(to: SocketAddress(server.addresses[0], port: 53)) { query }
/// simulation.run(until: { query.isAnswered }, within: .seconds(10))
/// simulation.check(query.isAnswered, "every query is answered or given up")
/// ```
///
/// Every host has a path of its own to every other, one ``SimulatedLink`` in each direction. Nothing happens but by
/// calls of ``run(for:)`` and its like. The same seed and the same calls give the same events and the same bytes, on
/// every machine: all that is random comes from ``SeededGenerator``s of that seed, each link and endpoint having its own,
/// so that one more host does not change what the others meet. Protocols keep to it if they take time from their loop
/// and random numbers from ``generator(_:)``.
///
/// A simulation is used from one thread. ``end()`` lets go of its protocols.
public final class Simulation {
    /// Decides everything random.
    public let seed: UInt64
    /// The clock.
    public let loop: VirtualEventLoop
    /// What links are like that nothing else is said of when they are first used.
    public var defaultLink = LinkOptions()
    /// The hosts, in the order they were added.
    public private(set) var hosts: [SimulatedHost] = []
    /// The links used or asked for so far, in that order.
    public private(set) var links: [SimulatedLink] = []
    /// What checks have found, in order.
    public private(set) var failures: [SimulationFailure] = []
    /// The address from which routers report errors of IPv4; by default that of RFC 7600.
    public var routerIPv4 = IPAddress(v4: 0xc000_0008)
    /// The address from which routers report errors of IPv6.
    public var routerIPv6 = IPAddress(v6High: 0xfe80_0000_0000_0000, low: 1)

    private var hostsByAddress: [IPAddress: SimulatedHost] = [:]
    private var linksByEnds: [Int: SimulatedLink] = [:]
    private var recorders: [SimulationRecorder] = []
    var history = SimulationTrace()
    private var hasEnded = false

    /// A network without hosts, at instant 0.
    ///
    /// - Parameters:
    ///   - seed: any number.
    ///   - wallClock: the time of day at instant 0; by default the beginning of 2025 (UTC).
    public init(
        seed: UInt64,
        startingAt wallClock: WallClockTime = WallClockTime(nanosecondsSinceEpoch: 1_735_689_600_000_000_000)
    ) {
        self.seed = seed
        loop = VirtualEventLoop(startingAt: wallClock)
    }

    deinit {
        // Nothing of a network that is gone may run, should somebody have kept its loop.
        if !hasEnded { loop.end() }
    }

    // MARK: Building

    /// Adds a host.
    ///
    /// - Parameters:
    ///   - name: what it is called in traces.
    ///   - addresses: by default one of each family, 10.0.0.0/16 and fd00::/64.
    ///   - boot: opens its endpoints: called now, and after every restart.
    /// - Returns: the host.
    /// - Throws: ``SimulationFailure`` when another host has one of the addresses; whatever `boot` throws.
    @discardableResult
    public func addHost(
        _ name: String, addresses: [IPAddress]? = nil, boot: ((SimulatedHost) throws -> Void)? = nil
    ) throws -> SimulatedHost {
        let number = UInt64(hosts.count + 1)
        let addresses =
            addresses?.map(\.unmapped) ?? [
                IPAddress(v4: 0x0a00_0000 + UInt32(truncatingIfNeeded: number)),
                IPAddress(v6High: 0xfd00_0000_0000_0000, low: number),
            ]
        if let taken = addresses.first(where: { hostsByAddress[$0] != nil || $0.isMulticast || $0.isUnspecified }) {
            throw SimulationFailure(
                time: loop.now,
                message: "the host \(name) cannot have the address \(taken): "
                    + (hostsByAddress[taken].map { "\($0.name) has it" } ?? "it is no host's"))
        }
        let host = SimulatedHost(name, addresses, in: self, index: hosts.count, boot: boot)
        hosts.append(host)
        for address in addresses { hostsByAddress[address] = host }
        note(.host, at: name, text: "added")
        try boot?(host)
        return host
    }

    /// The link from one host to another.
    public func link(from source: SimulatedHost, to destination: SimulatedHost) -> SimulatedLink {
        let key = source.index << 32 | destination.index
        if let link = linksByEnds[key] { return link }
        // Not of the order in which links are first used, which may depend on what others do.
        let stream = (UInt64(source.index) << 32 | UInt64(destination.index)) &+ 0x1000_0000_0000_0000
        let link = SimulatedLink(source, destination, defaultLink, stream: stream)
        linksByEnds[key] = link
        links.append(link)
        return link
    }

    /// Gives both directions between two hosts these options.
    public func connect(_ one: SimulatedHost, _ other: SimulatedHost, _ options: LinkOptions) {
        link(from: one, to: other).options = options
        link(from: other, to: one).options = options
    }

    /// The host with an address; `nil` when none has it.
    public func host(with address: IPAddress) -> SimulatedHost? { hostsByAddress[address] }

    /// Random numbers for a protocol or a test, of this seed; another `stream` gives others.
    public func generator(_ stream: UInt64 = 0) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: stream &+ 0x2000_0000_0000_0000)
    }

    // MARK: Running

    /// Runs for some time.
    public func run(for duration: Duration) { loop.advance(by: duration) }

    /// Runs until `condition` holds, asking after every instant at which something happened.
    ///
    /// - Returns: whether it held before `limit` had passed; time is then where it came to hold.
    @discardableResult
    public func run(until condition: () -> Bool, within limit: Duration) -> Bool {
        let last = loop.now.advanced(by: limit)
        loop.runUntilIdle()
        while !condition() {
            guard let next = loop.nextDeadline, next <= last else {
                loop.advance(to: last)
                return condition()
            }
            // A deadline that has passed belongs to a call that turns have been refused to; time has to move for it.
            let step = next > loop.now ? next : loop.now.advanced(by: .nanoseconds(1))
            loop.advance(to: step)
        }
        return true
    }

    /// Runs until no timer is left and nothing is on its way.
    ///
    /// - Returns: whether that was so before `limit` had passed.
    @discardableResult
    public func runUntilIdle(within limit: Duration) -> Bool {
        run(until: { loop.nextDeadline == nil }, within: limit)
    }

    /// Calls `body` after some time; for what a test does to the network.
    @discardableResult
    public func after(_ delay: Duration, _ body: @escaping () -> Void) -> ScheduledCall {
        loop.callLater(delay, body)
    }

    /// Aborts all endpoints, has their protocols told, and lets go of everything; nothing can be run afterwards.
    public func end() {
        guard !hasEnded else { return }
        hasEnded = true
        for host in hosts {
            host.loop.resume()
            for endpoint in host.endpoints { endpoint.ring.abort() }
            host.endStreams()
        }
        loop.runUntilIdle()
        loop.end()
    }

    // MARK: Checking

    /// Notes a failure unless `condition` holds, and goes on.
    public func check(_ condition: Bool, _ message: @autoclosure () -> String) {
        guard !condition else { return }
        let failure = SimulationFailure(time: loop.now, message: message())
        failures.append(failure)
        note(.checkFailed, at: "", text: failure.message)
    }

    /// Puts a line into the trace.
    public func note(_ text: String) { note(.note, at: "", text: text) }

    // MARK: Recording

    /// Writes all that comes out of links into a capture from now on, as bare IP packets.
    ///
    /// Each link is an interface of the pcapng file. The comment of a packet names the faults it has met, and those
    /// before it on its link that let nothing out. Whoever made the writer closes it.
    ///
    /// - Parameters:
    ///   - links: those that are recorded; `nil` for all, also those to come.
    ///   - writer: takes the packets.
    public func record(_ links: [SimulatedLink]? = nil, to writer: CaptureWriter) {
        recorders.append(SimulationRecorder(writer, links))
    }

    /// Why a recording has ended early, if one has.
    public var recordingFailure: CaptureError? { recorders.lazy.compactMap(\.failure).first }

    func record(_ packet: SimulationPacket, _ faults: Range<Int>, on link: SimulatedLink) {
        for recorder in recorders { recorder.write(packet, faults, on: link, at: loop.wallClock) }
    }

    func recordSilence(_ faults: Range<Int>, on link: SimulatedLink) {
        for recorder in recorders { recorder.noteSilence(faults, on: link) }
    }
}
