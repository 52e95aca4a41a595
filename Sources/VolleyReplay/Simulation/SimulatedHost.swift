internal import SystemPackage
public import VolleyCore

/// A host of a simulated network: addresses, endpoints, a clock, and a life of its own.
///
/// ```swift
/// let server = try simulation.addHost("server") { host in
///     try host.bind(port: 53) { Resolver() }
/// }
/// ```
///
/// Made by ``Simulation/addHost(_:addresses:boot:)``.
public final class SimulatedHost {
    /// Its name in traces.
    public let name: String
    /// Its addresses; the first of a family is what it sends from where nothing else is said.
    public let addresses: [IPAddress]
    /// The simulation it belongs to.
    public unowned let simulation: Simulation
    /// Its open endpoints, in the order they were opened.
    public private(set) var endpoints: [SimulatedEndpoint] = []
    /// Whether it is up: neither crashed nor waiting to be booted again.
    public internal(set) var isUp = true

    let index: Int
    let loop: HostLoop
    let boot: ((SimulatedHost) throws -> Void)?
    /// The largest packets that some paths take, as ICMP has told.
    var pathMTUs: [IPAddress: Int] = [:]
    /// Its streams.
    var tcp = SimulatedTCP()
    private var endpointCount: UInt64 = 0
    private var nextPort: UInt16 = 32_768

    init(
        _ name: String, _ addresses: [IPAddress], in simulation: Simulation, index: Int,
        boot: ((SimulatedHost) throws -> Void)?
    ) {
        self.name = name
        self.addresses = addresses
        self.simulation = simulation
        self.index = index
        self.boot = boot
        loop = HostLoop(simulation.loop)
    }

    /// The loop its protocols live on; what is called on it ends with the host's life, and waits while it is paused.
    public var eventLoop: any EventLoop { loop }

    /// What its time of day is ahead of the simulation's; negative when it is behind.
    ///
    /// Timers do not depend on it: like a real host's, they go by the monotonic clock.
    public var clockOffset: Duration {
        get { .nanoseconds(loop.clockOffset) }
        set { loop.clockOffset = newValue.wholeNanoseconds }
    }

    // MARK: Endpoints

    /// Opens an endpoint on all addresses of the host: on `::`, IPv4 included, if it has one of IPv6, else on 0.0.0.0.
    ///
    /// - Parameters:
    ///   - port: the port; 0 has one chosen.
    ///   - options: how it is set up.
    ///   - makeProtocol: makes the protocol, called once.
    /// - Returns: the endpoint; `connectionMade` has been called.
    /// - Throws: as ``bind(to:options:_:)``.
    @discardableResult
    public func bind(
        port: UInt16, options: SimulatedEndpoint.Options = SimulatedEndpoint.Options(),
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> SimulatedEndpoint {
        let isIPv6 = addresses.contains { $0.isIPv6 }
        return try bind(
            to: SocketAddress(isIPv6 ? .anyV6 : .anyV4, port: port), options: options, makeProtocol)
    }

    /// Opens an endpoint.
    ///
    /// - Parameters:
    ///   - local: one of the host's addresses, a wildcard, a loopback address or a group; port 0 has one chosen.
    ///   - options: how it is set up.
    ///   - makeProtocol: makes the protocol, called once.
    /// - Returns: the endpoint; `connectionMade` has been called.
    /// - Throws: `EADDRINUSE`, `EADDRNOTAVAIL`, as bind(2); `ENETDOWN` while the host is down.
    @discardableResult
    public func bind(
        to local: SocketAddress, options: SimulatedEndpoint.Options = SimulatedEndpoint.Options(),
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> SimulatedEndpoint {
        try open(local, remote: nil, options, makeProtocol)
    }

    /// Opens an endpoint that is connected to one peer.
    ///
    /// - Parameters:
    ///   - remote: the peer.
    ///   - local: as for ``bind(to:options:_:)``; `nil` has all of it chosen.
    ///   - options: how it is set up.
    ///   - makeProtocol: makes the protocol, called once.
    /// - Returns: the endpoint; `connectionMade` has been called.
    /// - Throws: as ``bind(to:options:_:)``, and `ENETUNREACH` when the host has no address of the peer's family.
    @discardableResult
    public func connect(
        to remote: SocketAddress, from local: SocketAddress? = nil,
        options: SimulatedEndpoint.Options = SimulatedEndpoint.Options(), _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> SimulatedEndpoint {
        let wanted = local?.ip ?? .anyV4
        var ip = wanted
        if wanted.isUnspecified {
            guard let source = source(for: remote.ip.unmapped) else {
                throw DatagramError(.networkUnreachable, operation: .connect, peer: remote)
            }
            ip = local?.family == .ipv6 ? source.mappedToIPv6 : source
        }
        return try open(
            SocketAddress(ip, port: local?.port ?? 0), remote: SocketAddress(remote.ip, port: remote.port), options,
            makeProtocol)
    }

    private func open(
        _ local: SocketAddress, remote: SocketAddress?, _ options: SimulatedEndpoint.Options,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> SimulatedEndpoint {
        let endpoint = try makeEndpoint(local, remote: remote, options)
        endpoint.start(makeProtocol(), options: options)
        return endpoint
    }

    /// Makes an endpoint that is not connected to its protocol yet.
    func makeEndpoint(
        _ local: SocketAddress, remote: SocketAddress?, _ options: SimulatedEndpoint.Options
    ) throws(DatagramError) -> SimulatedEndpoint {
        guard isUp else { throw DatagramError(.networkDown, operation: .bind, peer: local) }
        let ip = local.ip.unmapped
        guard ip.isUnspecified || ip.isMulticast || ip.isBroadcast || has(ip) else {
            throw DatagramError(.addressNotAvailable, operation: .bind, peer: local)
        }
        let port = try local.port == 0 ? choosePort() : local.port
        let name = SocketAddress(local.ip, port: port)
        guard !endpoints.contains(where: { name.conflicts(with: $0.localAddress) }) else {
            throw DatagramError(.addressInUse, operation: .bind, peer: name)
        }
        endpointCount += 1
        let endpoint = SimulatedEndpoint(
            self, local: name, remote: remote, options: options, stream: UInt64(index) << 32 | endpointCount)
        endpoints.append(endpoint)
        simulation.note(
            .opened, at: self.name, from: name, to: remote ?? .unspecified, count: 0)
        return endpoint
    }

    /// The next free port from 32,768 on, as Linux has them, but in order.
    private func choosePort() throws(DatagramError) -> UInt16 {
        for _ in 0..<32_768 {
            let port = nextPort
            nextPort = port == .max ? 32_768 : port + 1
            if !endpoints.contains(where: { $0.localAddress.port == port }) { return port }
        }
        throw DatagramError(.addressInUse, operation: .bind)
    }

    func remove(_ endpoint: SimulatedEndpoint) {
        endpoints.removeAll { $0 === endpoint }
        simulation.note(
            .closed, at: name, from: endpoint.localAddress, to: endpoint.remoteAddress ?? .unspecified, count: 0)
    }

    // MARK: Addresses

    /// Whether the host has this address, or it is one of every host's own.
    func has(_ address: IPAddress) -> Bool { address.isLoopback || addresses.contains(address) }

    /// The address the host sends from to `destination`.
    func source(for destination: IPAddress) -> IPAddress? {
        if destination.isLoopback { return destination }
        return addresses.first { $0.isIPv6 == destination.isIPv6 }
    }
}

extension SocketAddress {
    /// Whether two endpoints of one host cannot have these addresses at the same time.
    func conflicts(with other: SocketAddress) -> Bool {
        guard port == other.port else { return false }
        let (one, two) = (ip.unmapped, other.ip.unmapped)
        // A wildcard of IPv6 takes IPv4 as well.
        if ip.isUnspecified { return family == .ipv6 || !two.isIPv6 || other.ip.isUnspecified }
        if other.ip.isUnspecified { return other.family == .ipv6 || !one.isIPv6 }
        return one == two
    }
}
