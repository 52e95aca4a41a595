internal import SystemPackage
internal import VolleyCore

/// A server on its loop: its listening sockets, and the connections they have brought.
///
/// The loop keeps it until it has stopped listening and the last connection has ended.
final class ServerCore: LoopMember {
    let loop: EpollLoop
    let options: ServerOptions
    /// Let go at the end, with whatever it holds.
    private var makeProtocol: (() -> any BaseStreamProtocol)?
    private(set) var acceptors: [StreamAcceptor] = []
    private var connections: [ObjectIdentifier: FlowTransport] = [:]
    private var counters = ServerStatistics()
    private(set) var isListening = true
    private var isAtLimit = false
    /// Called once, when nothing is left.
    var onEnd: ((ServerStatistics) -> Void)?

    init(_ loop: EpollLoop, _ options: ServerOptions, _ makeProtocol: @escaping () -> any BaseStreamProtocol) {
        self.loop = loop
        self.options = options
        self.makeProtocol = makeProtocol
    }

    // MARK: Listening

    func bind(to address: SocketAddress) throws(StreamError) {
        let socket = try StreamSocket(for: address, syscalls: loop.syscalls)
        try socket.apply(options)
        try socket.bind(to: address)
        try listen(socket, peer: address)
    }

    func bind(to address: UnixAddress) throws(StreamError) {
        let socket = try StreamSocket(.unix, syscalls: loop.syscalls)
        try socket.apply(options)
        try socket.bind(to: address)
        var file: (String, [UInt64])?
        if options.removesSocketFile, let path = address.path, let identity = System.fileIdentity(path) {
            file = (path, identity)
        }
        do throws(StreamError) {
            try listen(socket, file: file)
        } catch {
            if let file { System.unlinkFile(file.0) }
            throw error
        }
    }

    /// Listens on somebody else's socket, which is this server's from here on; it is bound and may listen already.
    func adopt(_ descriptor: CInt) throws(StreamError) {
        let socket = try StreamSocket(adopting: descriptor, syscalls: loop.syscalls)
        try socket.apply(options.stream)
        try listen(socket)
    }

    private func listen(
        _ socket: consuming StreamSocket, file: (String, [UInt64])? = nil, peer: SocketAddress? = nil
    ) throws(StreamError) {
        do throws(StreamError) {
            try socket.listen(backlog: options.backlog)
        } catch {
            throw StreamError(error.errno, operation: .listen, peer: peer)
        }
        acceptors.append(StreamAcceptor(socket, file: file.map { (path: $0.0, identity: $0.1) }, server: self))
    }

    /// Begins to accept.
    func start() {
        loop.add(self)
        for acceptor in acceptors { acceptor.setAccepting(true) }
    }

    /// Stops listening; connections stay.
    ///
    /// Also undoes what a ``bind(to:)`` before a failed one has done.
    func close() {
        guard isListening else { return }
        isListening = false
        for acceptor in acceptors { acceptor.close() }
        endIfDone()
    }

    func loopStops() {
        close()
        abortConnections()
    }

    // MARK: Connections

    /// Makes a connection of an accepted socket.
    func accept(_ descriptor: CInt, names: StreamNames) {
        guard let makeProtocol else { return System.close(descriptor) }
        let transport = loop.makeStream(names, options.stream)
        counters.accepted &+= 1
        connections[ObjectIdentifier(transport)] = transport
        transport.onLost = { [self, unowned transport] _ in lose(transport) }
        updateAccepting()
        loop.start(transport, descriptor, options.stream, makeProtocol())
    }

    private func lose(_ transport: FlowTransport) {
        counters.streams += transport.statistics
        connections[ObjectIdentifier(transport)] = nil
        updateAccepting()
        endIfDone()
    }

    func closeConnections() { for transport in connections.values { transport.close() } }
    func abortConnections() { for transport in connections.values { transport.abort() } }

    private func updateAccepting() {
        let isFull = connections.count >= options.connectionsMax
        guard isFull != isAtLimit else { return }
        isAtLimit = isFull
        if isFull { counters.limitReached &+= 1 }
        guard isListening else { return }
        for acceptor in acceptors { acceptor.setAccepting(!isFull) }
    }

    private func endIfDone() {
        guard !isListening, connections.isEmpty else { return }
        loop.remove(self)
        makeProtocol = nil
        onEnd.take()?(statistics)
    }

    // MARK: Counting

    func acceptFailed(_ errno: Errno) { counters.acceptErrors[errno, default: 0] &+= 1 }
    func noteBackOff() { counters.backOffs &+= 1 }

    var statistics: ServerStatistics {
        var snapshot = counters
        snapshot.active = connections.count
        for transport in connections.values { snapshot.streams += transport.statistics }
        return snapshot
    }
}
