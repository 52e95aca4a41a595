internal import SystemPackage
internal import VolleyCore

/// What an endpoint's memory depends on, decided once its socket is ready.
struct SocketSetup {
    let addressing: SocketAddressing
    let isConnected: Bool
    let wantsLocalAddress: Bool
    let batchSize: Int
    let slotSize: Int
    /// What was asked of the socket and granted.
    let report: SocketReport
    /// Whether joining a group makes the socket deaf to those that only others have joined.
    let hearsOnlyJoinedGroups: Bool
    let initialDropCount: UInt32
}

extension EpollLoop {
    /// Puts a ready socket and a new protocol together, on this loop; runs `connectionMade` before it returns.
    func open(
        _ socket: consuming DatagramSocket, _ options: DatagramOptions, _ report: SocketReport,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        try options.check()
        let names = socket.names()
        let isWildcard = names.local?.ip.unmapped.isUnspecified ?? false
        let setup = SocketSetup(
            addressing: socket.addressing, isConnected: names.isConnected,
            wantsLocalAddress: socket.addressing != .unix && !names.isConnected
                && (options.receivesLocalAddress ?? isWildcard),
            batchSize: options.batchSize, slotSize: options.slotSize, report: report,
            hearsOnlyJoinedGroups: options.multicast.receivesUnjoinedGroups == nil,
            initialDropCount: socket.initialDropCount)
        if setup.wantsLocalAddress { try socket.receiveLocalAddress() }
        let transport = RingTransport(
            eventLoop: self, names: names, addressing: setup.addressing, limits: options.writeBufferLimits,
            sendCapacity: options.batchSize, arenaSize: max(131_072, options.slotSize))
        let world = SocketWorld(socket.release(), transport: transport, loop: self, setup: setup)
        addEndpoint(transport)
        transport.start(makeProtocol(), in: world, tap: setup.addressing == .unix ? nil : options.tap)
        // Whoever begins with a pause is not told to stop reading.
        if !transport.isReading { world.setReading(false) }
        return transport
    }
}

extension DatagramOptions {
    /// Refuses every option that is set on a socket being made, which an adopted one has behind it.
    func checkAdopted() throws(DatagramError) {
        let numbers = socketOptions(for: .ipv6, isDualStack: true)
        var first = numbers.first.map { ($0.name, "\($0.asked)") }
        if let interface = device.interface { first = ("SO_BINDTODEVICE", "\(interface)") }
        if let interface = multicast.interface { first = ("IP_MULTICAST_IF", "\(interface)") }
        if let one = multicast.memberships.first { first = (one.optionName(isJoining: true), "\(one)") }
        guard let (name, value) = first else { return }
        throw DatagramError(
            .invalidArgument, operation: .configure,
            option: DatagramError.Option(name, value: value, hint: "an adopted socket is taken as it is set up"))
    }

    func check() throws(DatagramError) {
        guard (1...1024).contains(batchSize), (1...(1 << 24)).contains(slotSize) else {
            throw DatagramError(.invalidArgument, operation: .configure)
        }
    }
}
