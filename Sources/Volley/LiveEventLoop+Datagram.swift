public import VolleyCore

extension LiveEventLoop {
    /// Opens an endpoint bound to `address`, with a protocol that `makeProtocol` makes on the loop.
    ///
    /// `connectionMade` has been called when this returns. Port 0 lets the kernel choose: see
    /// ``DatagramEndpoint/localAddress``. Blocks until the loop has answered; in `async` code the overload that
    /// suspends is chosen. asyncio: `create_datagram_endpoint(local_addr=)`.
    ///
    /// - Throws: the errno of whichever of `socket`, `setsockopt` and `bind` failed, with the address.
    public func bindDatagram(
        to address: SocketAddress, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        try run { loop throws(DatagramError) in
            DatagramEndpoint(try loop.bind(to: address, options, makeProtocol), on: self)
        }
    }

    /// Opens an endpoint bound to `address`; suspends until `connectionMade` has been called.
    public func bindDatagram(
        to address: SocketAddress, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> DatagramEndpoint {
        try await runSuspending { loop throws(DatagramError) in
            DatagramEndpoint(try loop.bind(to: address, options, makeProtocol), on: self)
        }
    }

    /// Opens an endpoint connected to `peer`: it receives from nobody else, and hears of the peer's ICMP errors.
    ///
    /// With ``DatagramOptions/allowsBroadcast`` the socket is left unconnected, so that anybody may answer.
    /// asyncio: `create_datagram_endpoint(remote_addr=)`.
    ///
    /// - Parameters:
    ///   - peer: the only address it receives from.
    ///   - local: the address to bind to first; `nil` lets the kernel choose.
    ///   - options: how the socket and the transport are set up.
    ///   - makeProtocol: makes the protocol, on the loop.
    /// - Returns: the handle of the endpoint.
    /// - Throws: the errno of whichever call failed; `EAFNOSUPPORT` when the two addresses are of different families.
    public func connectDatagram(
        to peer: SocketAddress, from local: SocketAddress? = nil, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        try run { loop throws(DatagramError) in
            DatagramEndpoint(try loop.connect(to: peer, from: local, options, makeProtocol), on: self)
        }
    }

    /// Opens an endpoint connected to `peer`; suspends until `connectionMade` has been called.
    public func connectDatagram(
        to peer: SocketAddress, from local: SocketAddress? = nil, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> DatagramEndpoint {
        try await runSuspending { loop throws(DatagramError) in
            DatagramEndpoint(try loop.connect(to: peer, from: local, options, makeProtocol), on: self)
        }
    }

    /// Opens a Unix datagram endpoint bound to `address`; a socket file that nobody uses any more is replaced.
    public func bindDatagram(
        to address: UnixAddress, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        try run { loop throws(DatagramError) in
            DatagramEndpoint(try loop.bind(to: address, options, makeProtocol), on: self)
        }
    }

    /// Opens a Unix datagram endpoint bound to `address`; suspends until `connectionMade` has been called.
    public func bindDatagram(
        to address: UnixAddress, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> DatagramEndpoint {
        try await runSuspending { loop throws(DatagramError) in
            DatagramEndpoint(try loop.bind(to: address, options, makeProtocol), on: self)
        }
    }

    /// Opens a Unix datagram endpoint connected to `peer`.
    ///
    /// - Parameters:
    ///   - peer: the only address it receives from.
    ///   - local: the address to bind to first, without which the peer cannot answer.
    ///   - options: how the socket and the transport are set up.
    ///   - makeProtocol: makes the protocol, on the loop.
    /// - Returns: the handle of the endpoint.
    /// - Throws: the errno of whichever call failed, with the address.
    public func connectDatagram(
        to peer: UnixAddress, from local: UnixAddress? = nil, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        try run { loop throws(DatagramError) in
            DatagramEndpoint(try loop.connect(to: peer, from: local, options, makeProtocol), on: self)
        }
    }

    /// Opens a Unix datagram endpoint connected to `peer`; suspends until `connectionMade` has been called.
    public func connectDatagram(
        to peer: UnixAddress, from local: UnixAddress? = nil, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> DatagramEndpoint {
        try await runSuspending { loop throws(DatagramError) in
            DatagramEndpoint(try loop.connect(to: peer, from: local, options, makeProtocol), on: self)
        }
    }

    /// Makes an endpoint of somebody else's socket, which belongs to the endpoint from here on, even on error.
    ///
    /// The options may be those of the transport only: one that would be set on the socket is refused with `EINVAL`.
    /// asyncio: `create_datagram_endpoint(sock=)`.
    ///
    /// - Throws: `EINVAL`, or `ENOTSOCK` or `EPROTOTYPE` when the descriptor is not a datagram socket.
    public func adoptDatagram(
        descriptor: CInt, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        try run { loop throws(DatagramError) in
            DatagramEndpoint(try loop.adopt(descriptor, options, makeProtocol), on: self)
        }
    }

    /// Makes an endpoint of a socket somebody else has set up; suspends until `connectionMade` has been called.
    public func adoptDatagram(
        descriptor: CInt, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> DatagramEndpoint {
        try await runSuspending { loop throws(DatagramError) in
            DatagramEndpoint(try loop.adopt(descriptor, options, makeProtocol), on: self)
        }
    }
}
