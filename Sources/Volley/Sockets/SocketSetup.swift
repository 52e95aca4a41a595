internal import SystemPackage
internal import VolleyCore

/// What an endpoint's memory depends on, decided once its socket is ready.
struct SocketSetup {
    let addressing: SocketAddressing
    let isConnected: Bool
    let wantsLocalAddress: Bool
    let batchSize: Int
    let slotSize: Int
}

extension EpollLoop {
    /// Puts a ready socket and a new protocol together, on this loop; runs `connectionMade` before it returns.
    ///
    /// A held endpoint receives nothing until it is let go.
    func open(
        _ socket: consuming DatagramSocket, _ options: DatagramOptions, isHeld: Bool = false,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        try options.check()
        let names = socket.names()
        let isWildcard = names.local?.ip.unmapped.isUnspecified ?? false
        let setup = SocketSetup(
            addressing: socket.addressing, isConnected: names.isConnected,
            wantsLocalAddress: socket.addressing != .unix && !names.isConnected
                && (options.receivesLocalAddress ?? isWildcard),
            batchSize: options.batchSize, slotSize: options.slotSize)
        if setup.wantsLocalAddress { try socket.receiveLocalAddress() }
        let transport = RingTransport(
            eventLoop: self, names: names, addressing: setup.addressing, limits: options.writeBufferLimits,
            sendCapacity: options.batchSize, arenaSize: max(131_072, options.slotSize))
        let world = SocketWorld(socket.release(), transport: transport, loop: self, setup: setup)
        addEndpoint(transport)
        if isHeld { transport.holdReceiving(true) }
        transport.start(makeProtocol(), in: world, tap: setup.addressing == .unix ? nil : options.tap)
        return transport
    }
}

extension DatagramOptions {
    /// Whether any option is one that is set on a socket being made, which an adopted one has behind it.
    var concernsSocket: Bool {
        reusesPort || allowsBroadcast || isIPv6Only != nil || receiveBufferSize != nil || sendBufferSize != nil
    }

    func check() throws(DatagramError) {
        guard (1...1024).contains(batchSize), (1...(1 << 24)).contains(slotSize) else {
            throw DatagramError(.invalidArgument, operation: .configure)
        }
    }
}
