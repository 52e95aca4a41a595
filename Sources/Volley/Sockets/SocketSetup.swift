internal import SystemPackage
internal import VolleyCore

/// What an endpoint's memory depends on, decided once its socket is ready.
struct SocketSetup {
    let addressing: SocketAddressing
    let isConnected: Bool
    let switches: ReceiveSwitches
    /// Whether the switches wait until the endpoint may read.
    let isHeld: Bool
    /// The most datagrams of a train to send; 0 for none.
    let segmentsMax: Int
    let batchSize: Int
    let slotSize: Int

    /// What was asked of the socket and granted.
    let report: SocketReport
    /// Whether joining a group makes the socket deaf to those that only others have joined.
    let hearsOnlyJoinedGroups: Bool
    let initialDropCount: UInt32

    /// Bytes of each receive slot: a train needs as many as there can be.
    var receiveSize: Int { switches.receivesTrains ? max(slotSize, 65_536) : slotSize }

    /// Send slots: with trains, many datagrams leave as few messages.
    var sendCapacity: Int { segmentsMax > 1 ? min(1024, batchSize * 16) : batchSize }
}

extension EpollLoop {
    /// Puts a ready socket and a new protocol together, on this loop; runs `connectionMade` before it returns.
    ///
    /// A held endpoint receives nothing until it is let go.
    func open(
        _ socket: consuming DatagramSocket, _ options: DatagramOptions, _ report: SocketReport, isHeld: Bool = false,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        try options.check()
        let names = socket.names()
        let support = options.usesGRO || options.usesGSO ? syscalls.segmentation() : .none
        let setup = SocketSetup(
            addressing: socket.addressing, isConnected: names.isConnected,
            switches: ReceiveSwitches(socket, options, names, support), isHeld: isHeld,
            segmentsMax: socket.addressing != .unix && options.usesGSO ? support.segmentsMax : 0,
            batchSize: options.batchSize, slotSize: options.slotSize, report: report,
            hearsOnlyJoinedGroups: options.multicast.receivesUnjoinedGroups == nil,
            initialDropCount: socket.initialDropCount)
        if !isHeld { try setup.switches.apply(to: socket.descriptor, syscalls: syscalls) }
        let transport = RingTransport(
            eventLoop: self, names: names, addressing: setup.addressing, limits: options.writeBufferLimits,
            sendCapacity: setup.sendCapacity, arenaSize: max(131_072, options.slotSize))
        let world = SocketWorld(socket.release(), transport: transport, loop: self, setup: setup)
        addEndpoint(transport)
        if isHeld { transport.holdReceiving(true) }
        let wrapped = wrapWorld?(world, transport) ?? world
        transport.start(makeProtocol(), in: wrapped, tap: setup.addressing == .unix ? nil : options.tap)
        transport.flushTapPeriodically()
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
        try Self.check("batchSize", batchSize, in: 1...1024)
        try Self.check("slotSize", slotSize, in: 1...(1 << 24))
        if let receiveBufferSize { try Self.check("receiveBufferSize", receiveBufferSize, in: 1...Int.max) }
        if let sendBufferSize { try Self.check("sendBufferSize", sendBufferSize, in: 1...Int.max) }
    }

    private static func check(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(DatagramError) {
        guard !range.contains(value) else { return }
        let hint = "it has to be \(range.lowerBound) to \(range.upperBound)"
        let option = DatagramError.Option(name, value: "\(value)", hint: hint)
        throw DatagramError(.invalidArgument, operation: .configure, option: option)
    }
}
