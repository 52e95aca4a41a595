internal import SystemPackage
internal import VolleyCore

extension FlowTransport: LoopMember {
    func loopStops() { abort() }
}

extension EpollLoop {
    /// Puts a connected socket and a new protocol together, on this loop; runs `connectionMade` before it returns.
    func open(
        _ socket: consuming StreamSocket, _ options: StreamOptions, _ makeProtocol: () -> any BaseStreamProtocol
    ) -> FlowTransport {
        let transport = makeStream(socket.names(), options)
        transport.onLost = { [unowned self, unowned transport] _ in remove(transport) }
        add(transport)
        start(transport, socket.release(), options, makeProtocol())
        return transport
    }

    /// A transport whose socket is still to come.
    func makeStream(_ names: StreamNames, _ options: StreamOptions) -> FlowTransport {
        FlowTransport(eventLoop: self, names: names, limits: options.writeBufferLimits)
    }

    /// Gives a transport its protocol and its socket, which is the transport's from here on.
    func start(
        _ transport: FlowTransport, _ descriptor: CInt, _ options: StreamOptions,
        _ protocol: any BaseStreamProtocol
    ) {
        let world = StreamSocketWorld(
            descriptor, transport: transport, loop: self, resetsOnAbort: options.resetsOnAbort)
        transport.start(`protocol`, in: world)
    }

    /// Makes a stream of somebody else's connected socket.
    func adoptStream(
        _ descriptor: CInt, _ options: StreamOptions, _ makeProtocol: () -> any BaseStreamProtocol
    ) throws(StreamError) -> FlowTransport {
        let socket = try StreamSocket(adopting: descriptor, syscalls: syscalls)
        guard System.name(of: descriptor, peer: true) != nil else {
            throw StreamError(.socketNotConnected, operation: .configure)
        }
        try socket.apply(options)
        return open(socket, options, makeProtocol)
    }
}
