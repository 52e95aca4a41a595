internal import CVolley
internal import SystemPackage
internal import VolleyCore

/// What an endpoint's memory depends on, decided once its socket is ready.
struct SocketSetup {
    let addressing: SocketAddressing
    let isConnected: Bool
    /// What each received datagram brings beside its bytes; empty for Unix endpoints.
    let metadata: DatagramMetadata
    let receivesTrains: Bool
    /// The most datagrams of a train to send; 0 for none.
    let segmentsMax: Int
    let batchSize: Int
    let slotSize: Int

    /// Send slots: with trains, many datagrams leave as few messages.
    var sendCapacity: Int { segmentsMax > 1 ? min(1024, batchSize * 16) : batchSize }

    /// Bytes of control area that what was asked for takes at most.
    ///
    /// With trains there is room for more: whoever had an adopted socket before may have asked for other things, the
    /// kernel writes some of them first, and a train whose segment size did not fit would pass for one datagram.
    var controlSize: Int {
        receivesTrains ? metadata.controlSize + Int(VOLLEY_GRO_SPACE) + Self.foreignControlSize : metadata.controlSize
    }
    private static let foreignControlSize = 256
}

extension EpollLoop {
    /// Puts a ready socket and a new protocol together, on this loop; runs `connectionMade` before it returns.
    func open(
        _ socket: consuming DatagramSocket, _ options: DatagramOptions, _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        try options.check()
        let names = socket.names()
        let support = options.usesGRO || options.usesGSO ? syscalls.segmentation() : .none
        let isWildcard = names.local?.ip.unmapped.isUnspecified ?? false
        let setup = SocketSetup(
            addressing: socket.addressing, isConnected: names.isConnected,
            metadata: socket.addressing == .unix
                ? [] : options.metadata(isWildcard: isWildcard, isConnected: names.isConnected),
            receivesTrains: try socket.receiveTrains(options, support),
            segmentsMax: socket.addressing != .unix && options.usesGSO ? support.segmentsMax : 0,
            batchSize: options.batchSize, slotSize: options.slotSize)
        try socket.receive(setup.metadata)
        if options.sendsAtTransmitTime { try socket.setTransmitClock() }
        let transport = RingTransport(
            eventLoop: self, names: names, addressing: setup.addressing, limits: options.writeBufferLimits,
            sendCapacity: setup.sendCapacity, arenaSize: max(131_072, options.slotSize))
        let world = SocketWorld(socket.release(), transport: transport, loop: self, setup: setup)
        addEndpoint(transport)
        let wrapped = wrapWorld?(world, transport) ?? world
        transport.start(makeProtocol(), in: wrapped, tap: setup.addressing == .unix ? nil : options.tap)
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
