internal import SystemPackage
public import VolleyCore

/// The streams of a host.
extension SimulatedHost {
    /// Listens for streams, on all addresses of the host.
    ///
    /// - Parameters:
    ///   - port: the port; 0 has one chosen.
    ///   - options: how the streams are set up.
    ///   - makeProtocol: makes the protocol of a stream, called once for each.
    /// - Returns: the server.
    /// - Throws: as ``listen(on:options:_:)``.
    @discardableResult
    public func listen(
        port: UInt16, options: SimulatedStream.Options = SimulatedStream.Options(),
        _ makeProtocol: @escaping () -> any BaseStreamProtocol
    ) throws(StreamError) -> SimulatedStreamServer {
        let isIPv6 = addresses.contains { $0.isIPv6 }
        return try listen(on: SocketAddress(isIPv6 ? .anyV6 : .anyV4, port: port), options: options, makeProtocol)
    }

    /// Listens for streams.
    ///
    /// - Parameters:
    ///   - local: one of the host's addresses, a wildcard or a loopback address; port 0 has one chosen.
    ///   - options: how the streams are set up.
    ///   - makeProtocol: makes the protocol of a stream, called once for each, when the peer has confirmed.
    /// - Returns: the server.
    /// - Throws: `EADDRINUSE`, `EADDRNOTAVAIL`, as bind(2); `ENETDOWN` while the host is down.
    @discardableResult
    public func listen(
        on local: SocketAddress, options: SimulatedStream.Options = SimulatedStream.Options(),
        _ makeProtocol: @escaping () -> any BaseStreamProtocol
    ) throws(StreamError) -> SimulatedStreamServer {
        guard isUp else { throw StreamError(.networkDown, operation: .bind, peer: local) }
        guard local.ip.isUnspecified || has(local.ip.unmapped) else {
            throw StreamError(.addressNotAvailable, operation: .bind, peer: local)
        }
        let port = try local.port == 0 ? tcp.choosePort() : local.port
        let name = SocketAddress(local.ip, port: port)
        guard !tcp.servers.contains(where: { name.conflicts(with: $0.localAddress) }) else {
            throw StreamError(.addressInUse, operation: .bind, peer: name)
        }
        let server = SimulatedStreamServer(self, name, options, makeProtocol)
        tcp.servers.append(server)
        simulation.note(.opened, at: self.name, from: name, to: .unspecified, count: 0)
        return server
    }

    /// Opens a stream to a server.
    ///
    /// - Parameters:
    ///   - remote: the server.
    ///   - local: one of the host's addresses; `nil`, or port 0, has the rest chosen.
    ///   - options: how it is set up.
    ///   - onFailure: is told when there is no connection: `ECONNREFUSED`, `ETIMEDOUT`, `EHOSTUNREACH`…; the protocol is
    ///     not made then.
    ///   - makeProtocol: makes the protocol, called once, when the connection is there.
    /// - Throws: `ENETDOWN` while the host is down, `ENETUNREACH` when it has no address of the peer's family,
    ///   `EADDRINUSE`, `EADDRNOTAVAIL`.
    public func connectStream(
        to remote: SocketAddress, from local: SocketAddress? = nil,
        options: SimulatedStream.Options = SimulatedStream.Options(),
        onFailure: ((StreamError) -> Void)? = nil, _ makeProtocol: @escaping () -> any BaseStreamProtocol
    ) throws(StreamError) {
        guard isUp else { throw StreamError(.networkDown, operation: .connect, peer: remote) }
        let peer = SocketAddress(remote.ip.unmapped, port: remote.port)
        guard let ip = local.map({ $0.ip.isUnspecified ? nil : $0.ip.unmapped }) ?? source(for: peer.ip) else {
            throw StreamError(.networkUnreachable, operation: .connect, peer: remote)
        }
        guard has(ip) else { throw StreamError(.addressNotAvailable, operation: .bind, peer: local) }
        let wantedPort = local?.port ?? 0
        let own = SocketAddress(ip, port: try wantedPort == 0 ? tcp.choosePort() : wantedPort)
        guard tcp.connections[StreamEnds(local: own, remote: peer)] == nil else {
            throw StreamError(.addressInUse, operation: .connect, peer: remote)
        }
        let connection = SimulatedConnection(
            self, local: own, remote: peer, options: options, order: tcp.nextOrder(), phase: .asking)
        connection.onOutcome = { [weak self, unowned connection] error in
            guard let self else { return }
            if let error {
                loop.callSoon { onFailure?(error) }
            } else {
                loop.callSoon { [self, connection] in start(connection, makeProtocol(), server: nil) }
            }
        }
        add(connection)
        connection.send(.syn, at: 0)
        connection.next = 1
        connection.sentMax = 1
        connection.arm()
    }

    // MARK: The kernel's part

    func add(_ connection: SimulatedConnection) {
        tcp.connections[StreamEnds(local: connection.local, remote: connection.remote)] = connection
    }

    func remove(_ connection: SimulatedConnection) {
        let ends = StreamEnds(local: connection.local, remote: connection.remote)
        if tcp.connections[ends] === connection { tcp.connections[ends] = nil }
    }

    func stop(_ server: SimulatedStreamServer) {
        tcp.servers.removeAll { $0 === server }
        simulation.note(.closed, at: name, from: server.localAddress, to: .unspecified, count: 0)
    }

    /// Connects a protocol with its connection.
    private func start(
        _ connection: SimulatedConnection, _ protocol: any BaseStreamProtocol, server: SimulatedStreamServer?
    ) {
        let stream = SimulatedStream(
            self, local: connection.local, remote: connection.remote, options: connection.options)
        connection.stream = stream
        server?.streams.append(stream)
        stream.flow.onLost = { [weak server, unowned stream] _ in server?.streams.removeAll { $0 === stream } }
        simulation.note(.opened, at: name, from: connection.local, to: connection.remote, count: 0)
        stream.flow.start(`protocol`, in: connection)
    }

    /// Takes a segment that has arrived.
    func receive(_ segment: StreamSegment, _ packet: SimulationPacket) {
        let ends = StreamEnds(local: packet.destination, remote: packet.source)
        if let connection = tcp.connections[ends] { return connection.receive(segment) }
        guard !segment.flags.contains(.reset) else { return }
        if segment.flags.contains(.syn), !segment.flags.contains(.acknowledgement), let server = server(for: packet) {
            return answer(ends, server, segment)
        }
        // Nobody knows of it (RFC 9293, 3.10.7.1).
        simulation.note(.unheard, at: name, packet)
        let hasAcknowledgement = segment.flags.contains(.acknowledgement)
        let reset = StreamSegment(
            sequence: hasAcknowledgement ? segment.acknowledgement : 0,
            acknowledgement: segment.sequence + segment.length,
            flags: hasAcknowledgement ? .reset : [.reset, .acknowledgement], window: 0)
        send(SimulationPacket(source: packet.destination, destination: packet.source, body: .segment(reset)))
    }

    private func server(for packet: SimulationPacket) -> SimulatedStreamServer? {
        tcp.servers.first {
            $0.localAddress.port == packet.destination.port
                && ($0.localAddress.ip.isUnspecified || $0.localAddress.ip.unmapped == packet.destination.ip)
        }
    }

    private func answer(_ ends: StreamEnds, _ server: SimulatedStreamServer, _ segment: StreamSegment) {
        let connection = SimulatedConnection(
            self, local: ends.local, remote: ends.remote, options: server.options, order: tcp.nextOrder(),
            phase: .answering)
        connection.expected = 1
        connection.peerWindow = segment.window
        connection.onOutcome = { [weak self, unowned connection] error in
            guard let self, error == nil else { return }
            loop.callSoon { [self, connection] in start(connection, server.makeProtocol(), server: server) }
        }
        add(connection)
        connection.send(.syn, at: 0)
        connection.next = 1
        connection.sentMax = 1
        connection.arm()
    }

    /// A router, or nobody, has answered for the host a segment was for.
    func learn(_ errno: Errno, about packet: SimulationPacket) {
        guard isUp else { return }
        let connection = tcp.connections[StreamEnds(local: packet.source, remote: packet.destination)]
        // Of an established connection it is no more than a hint (RFC 1122, 4.2.3.9).
        if let connection, connection.phase == .asking { connection.fail(errno) }
    }

    /// Aborts all streams.
    func endStreams() {
        for connection in tcp.inOrder {
            if let stream = connection.stream { stream.flow.abort() } else { connection.leave() }
        }
        tcp.servers = []
    }

    /// Forgets all connections, as a crash does; their protocols are told.
    func crashStreams() {
        for connection in tcp.inOrder {
            let flow = connection.stream?.flow
            connection.leave()
            flow?.lose(StreamError(.networkDown, operation: .receive, peer: connection.remote))
        }
        tcp.connections = [:]
        tcp.servers = []
    }
}

/// The two ends of a stream, as one of them sees it.
struct StreamEnds: Hashable {
    let local: SocketAddress
    let remote: SocketAddress
}

/// What a host's kernel knows of streams.
struct SimulatedTCP {
    var servers: [SimulatedStreamServer] = []
    var connections: [StreamEnds: SimulatedConnection] = [:]
    private var nextPort: UInt16 = 32_768
    private var connectionCount = 0

    var inOrder: [SimulatedConnection] { connections.values.sorted { $0.order < $1.order } }

    mutating func nextOrder() -> Int {
        connectionCount += 1
        return connectionCount
    }

    /// The next free port, in order.
    mutating func choosePort() throws(StreamError) -> UInt16 {
        for _ in 0..<32_768 {
            let port = nextPort
            nextPort = port == .max ? 32_768 : port + 1
            let isTaken =
                servers.contains { $0.localAddress.port == port } || connections.keys.contains { $0.local.port == port }
            if !isTaken { return port }
        }
        throw StreamError(.addressInUse, operation: .bind)
    }
}
