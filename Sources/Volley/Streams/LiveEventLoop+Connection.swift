public import VolleyCore

extension LiveEventLoop {
    /// Connects to an address, with a protocol that `makeProtocol` makes on the loop.
    ///
    /// `connectionMade` has been called when this returns. Blocks until the connection is there; in `async` code the
    /// overload that suspends is chosen, and a protocol, on the loop, uses
    /// ``startConnection(to:options:_:whenDone:)``. asyncio: `create_connection`.
    ///
    /// - Throws: the errno of whichever call failed, with the address: `ECONNREFUSED` where nobody listens, `ETIMEDOUT`
    ///   after ``ConnectOptions/timeout``.
    public func createConnection(
        to peer: SocketAddress, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        try connect(to: .peer(.internet(peer)), options, makeProtocol)
    }

    /// Connects to an address; suspends until `connectionMade` has been called.
    ///
    /// Cancelling the task ends the attempt with `ECANCELED`.
    public func createConnection(
        to peer: SocketAddress, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        try await connect(to: .peer(.internet(peer)), options, makeProtocol)
    }

    /// Connects to a Unix socket.
    ///
    /// asyncio: `create_unix_connection`.
    public func createConnection(
        to peer: UnixAddress, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        try connect(to: .peer(.unix(peer)), options, makeProtocol)
    }

    /// Connects to a Unix socket; suspends until `connectionMade` has been called.
    public func createConnection(
        to peer: UnixAddress, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        try await connect(to: .peer(.unix(peer)), options, makeProtocol)
    }

    /// Connects to a host by name: to whichever of its addresses answers first (RFC 8305, "Happy Eyeballs").
    ///
    /// IPv6 and IPv4 addresses are tried in turns, one every ``ConnectOptions/attemptDelay``, or as soon as one has
    /// failed.
    ///
    /// - Throws: an error of ``StreamError/Operation/resolve`` when there is no such name; when all addresses have
    ///   failed, the error of the first, with those of the others.
    public func createConnection(
        toHost host: String, port: UInt16, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        try connect(to: .name(host, port: port), options, makeProtocol)
    }

    /// Connects to a host by name; suspends until `connectionMade` has been called.
    public func createConnection(
        toHost host: String, port: UInt16, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        try await connect(to: .name(host, port: port), options, makeProtocol)
    }

    /// Begins to connect to an address, and returns at once: the way for protocols, which must not block their loop.
    ///
    /// - Parameters:
    ///   - peer: whom to connect to.
    ///   - options: how.
    ///   - makeProtocol: makes the protocol, on the loop, once there is a connection.
    ///   - whenDone: called once, on the loop, with the connection or the error.
    /// - Returns: what cancels it.
    @discardableResult
    public func startConnection(
        to peer: SocketAddress, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol,
        whenDone: @escaping @Sendable (Result<StreamConnection, StreamError>) -> Void
    ) -> PendingConnection {
        start(.peer(.internet(peer)), options, makeProtocol, whenDone)
    }

    /// Begins to connect to a host by name, and returns at once.
    @discardableResult
    public func startConnection(
        toHost host: String, port: UInt16, options: ConnectOptions = ConnectOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol,
        whenDone: @escaping @Sendable (Result<StreamConnection, StreamError>) -> Void
    ) -> PendingConnection {
        start(.name(host, port: port), options, makeProtocol, whenDone)
    }

    /// Makes a connection of somebody else's connected stream socket, which belongs to it from here on, even on error.
    ///
    /// asyncio: `connect_accepted_socket`, `create_connection(sock=)`.
    ///
    /// - Throws: `ENOTSOCK`, `EPROTOTYPE` or `ENOTCONN` when the descriptor is not a connected stream socket.
    public func adoptConnection(
        descriptor: CInt, options: StreamOptions = StreamOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        try run { loop throws(StreamError) in
            StreamConnection(try loop.adoptStream(descriptor, options, makeProtocol), on: self)
        }
    }

    /// Makes a connection of somebody else's connected stream socket; suspends until `connectionMade` has been called.
    public func adoptConnection(
        descriptor: CInt, options: StreamOptions = StreamOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        try await runSuspending { loop throws(StreamError) in
            StreamConnection(try loop.adoptStream(descriptor, options, makeProtocol), on: self)
        }
    }

    private func connect(
        to target: ConnectTarget, _ options: ConnectOptions,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamConnection {
        let pending = PendingConnection(on: self)
        return try runToEnd { pending.begin(target, options, on: $0, makeProtocol, $1) }
    }

    private func connect(
        to target: ConnectTarget, _ options: ConnectOptions,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamConnection {
        let pending = PendingConnection(on: self)
        let result: Result<StreamConnection, StreamError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                begin({ pending.begin(target, options, on: $0, makeProtocol, $1) }) {
                    continuation.resume(returning: $0)
                }
            }
        } onCancel: {
            pending.cancel()
        }
        return try result.get()
    }

    private func start(
        _ target: ConnectTarget, _ options: ConnectOptions,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol,
        _ whenDone: @escaping @Sendable (Result<StreamConnection, StreamError>) -> Void
    ) -> PendingConnection {
        let pending = PendingConnection(on: self)
        begin({ pending.begin(target, options, on: $0, makeProtocol, $1) }, whenDone)
        return pending
    }
}
