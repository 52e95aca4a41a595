internal import SystemPackage
public import VolleyCore

extension LiveEventLoop {
    /// Listens for connections on an address; each gets a protocol of its own, which `makeProtocol` makes on the loop.
    ///
    /// Port 0 lets the kernel choose: see ``StreamServer/localAddress``. Blocks until the loop has answered; in `async`
    /// code the overload that suspends is chosen. asyncio: `create_server`.
    ///
    /// - Throws: the errno of whichever of `socket`, `setsockopt`, `bind` and `listen` failed, with the address.
    public func createServer(
        on address: SocketAddress, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamServer {
        try run { loop throws(StreamError) in
            try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in try core.bind(to: address) }
        }
    }

    /// Listens for connections on an address; suspends until it does.
    public func createServer(
        on address: SocketAddress, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamServer {
        try await runSuspending { loop throws(StreamError) in
            try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in try core.bind(to: address) }
        }
    }

    /// Listens for connections on a Unix address; a socket file that nobody uses any more is replaced.
    ///
    /// asyncio: `create_unix_server`.
    public func createServer(
        on address: UnixAddress, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamServer {
        try run { loop throws(StreamError) in
            try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in try core.bind(to: address) }
        }
    }

    /// Listens for connections on a Unix address; suspends until it does.
    public func createServer(
        on address: UnixAddress, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamServer {
        try await runSuspending { loop throws(StreamError) in
            try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in try core.bind(to: address) }
        }
    }

    /// Listens for connections on every address of a name.
    ///
    /// - Parameters:
    ///   - host: the name; `nil` for all addresses of this host, IPv4 and IPv6.
    ///   - port: the port; with 0 the kernel chooses one for each address.
    ///   - options: how to listen; IPv6 addresses take no IPv4 clients unless asked to.
    ///   - makeProtocol: makes the protocol of each connection, on the loop.
    /// - Returns: the handle of the server.
    /// - Throws: an error of ``StreamError/Operation/resolve`` when there is no such name; when one of the addresses
    ///   cannot be listened on, its error, and none of the others is.
    public func createServer(
        onHost host: String?, port: UInt16, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamServer {
        try runToEnd { self.beginServing(host, port, options, on: $0, makeProtocol, $1) }
    }

    /// Listens for connections on every address of a name; suspends until it does.
    public func createServer(
        onHost host: String?, port: UInt16, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamServer {
        let result: Result<StreamServer, StreamError> = await withCheckedContinuation { continuation in
            begin({ self.beginServing(host, port, options, on: $0, makeProtocol, $1) }) {
                continuation.resume(returning: $0)
            }
        }
        return try result.get()
    }

    /// Makes a server of somebody else's stream socket, bound and possibly listening, which belongs to it from here on,
    /// even on error.
    ///
    /// asyncio: `create_server(sock=)`.
    ///
    /// - Throws: `ENOTSOCK` or `EPROTOTYPE` when the descriptor is not a stream socket; the errno of `listen`.
    public func adoptServer(
        descriptor: CInt, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) throws(StreamError) -> StreamServer {
        try run { loop throws(StreamError) in
            try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in try core.adopt(descriptor) }
        }
    }

    /// Makes a server of somebody else's stream socket; suspends until it listens.
    public func adoptServer(
        descriptor: CInt, options: ServerOptions = ServerOptions(),
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol
    ) async throws(StreamError) -> StreamServer {
        try await runSuspending { loop throws(StreamError) in
            try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in try core.adopt(descriptor) }
        }
    }

    private func serve(
        on loop: EpollLoop, _ options: ServerOptions,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol,
        _ bind: (ServerCore) throws(StreamError) -> Void
    ) throws(StreamError) -> StreamServer {
        StreamServer(try loop.makeServer(options, makeProtocol, bind), on: self)
    }

    private func beginServing(
        _ host: String?, _ port: UInt16, _ options: ServerOptions, on loop: EpollLoop,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol, _ answer: Answer<StreamServer>
    ) {
        let query = NameQuery(host: host, port: port, isPassive: true)
        _ = options.resolver.resolve(query) { result in
            self.execute { loop in
                guard let loop = loop as? EpollLoop else { return }
                do throws(StreamError) {
                    var options = options
                    options.isIPv6Only = options.isIPv6Only ?? true
                    let addresses = try result.get()
                    let server = try self.serve(on: loop, options, makeProtocol) { core throws(StreamError) in
                        for address in addresses { try core.bind(to: address) }
                    }
                    answer.give(.success(server))
                } catch {
                    answer.give(.failure(error))
                }
            }
        }
    }
}

extension EpollLoop {
    /// A server that `bind` gives its sockets; it begins to accept.
    func makeServer(
        _ options: ServerOptions, _ makeProtocol: @escaping () -> any BaseStreamProtocol,
        _ bind: (ServerCore) throws(StreamError) -> Void
    ) throws(StreamError) -> ServerCore {
        try options.check()
        let core = ServerCore(self, options, makeProtocol)
        do throws(StreamError) {
            try bind(core)
        } catch {
            core.close()
            throw error
        }
        core.start()
        return core
    }
}
