internal import SystemPackage
internal import VolleyCore

/// The ways to open an endpoint, on the loop's own thread.
extension EpollLoop {
    func bind(
        to address: SocketAddress, _ options: DatagramOptions, _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        let socket = try DatagramSocket(addressing(of: address), syscalls: syscalls)
        let report = try socket.apply(options)
        try socket.bind(to: address)
        return try open(socket, options, report, makeProtocol)
    }

    func connect(
        to peer: SocketAddress, from local: SocketAddress?, _ options: DatagramOptions,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        let socket = try DatagramSocket(addressing(of: peer), syscalls: syscalls)
        if let local, local.family != peer.family {
            throw DatagramError(.addressFamilyNotSupported, operation: .bind, peer: local)
        }
        let report = try socket.apply(options)
        if let local { try socket.bind(to: local) }
        if !options.allowsBroadcast { try socket.connect(to: peer) }
        return try open(socket, options, report, makeProtocol)
    }

    func bind(
        to address: UnixAddress, _ options: DatagramOptions, _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        let socket = try DatagramSocket(.unix, syscalls: syscalls)
        let report = try socket.apply(options)
        try socket.bind(to: address)
        return try open(socket, options, report, makeProtocol)
    }

    func connect(
        to peer: UnixAddress, from local: UnixAddress?, _ options: DatagramOptions,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        let socket = try DatagramSocket(.unix, syscalls: syscalls)
        let report = try socket.apply(options)
        if let local { try socket.bind(to: local) }
        try socket.connect(to: peer)
        return try open(socket, options, report, makeProtocol)
    }

    func adopt(
        _ descriptor: CInt, _ options: DatagramOptions, isHeld: Bool = false,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> RingTransport {
        let socket = try DatagramSocket(adopting: descriptor, syscalls: syscalls)
        try options.checkAdopted()
        return try open(socket, options, SocketReport(options: []), isHeld: isHeld, makeProtocol)
    }

    private func addressing(of address: SocketAddress) throws(DatagramError) -> SocketAddressing {
        switch address.family {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        default: throw DatagramError(.addressFamilyNotSupported, operation: .create, peer: address)
        }
    }
}
