internal import SystemPackage
public import VolleyCore

extension EventLoopGroup {
    /// Opens an endpoint on every loop, all bound to `address`: one socket and one protocol a loop.
    ///
    /// `makeProtocol` is called once for each loop, on that loop. Port 0 lets the kernel choose one port for all. No
    /// datagram is delivered before every shard's `connectionMade` has been called; what arrives until then is dropped,
    /// as it was before the port was open. Blocks until then; must not be called on one of the group's loops.
    ///
    /// It is all or nothing: when one shard cannot be opened, those that are open are aborted before this throws. An
    /// address that somebody else is bound to is refused, also when they allow sharing it, since every member of such a
    /// group gets a part of the traffic, and its steering is for all of them. With ``DatagramOptions/reusesPort`` the
    /// endpoint joins others; then steering has to be ``ShardSteering/kernel``, and a shard that leaves may lose what
    /// arrives while it does.
    ///
    /// - Throws: the errno of whichever call failed, with the address: `EADDRINUSE` when somebody else has it, `EINVAL`
    ///   for options out of their ranges, or `reusesPort` with steering of our own.
    public func bindDatagram(
        to address: SocketAddress, options: DatagramOptions = DatagramOptions(),
        steering: ShardSteering = .sourceHash, _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> ShardedEndpoint {
        let opening = try ShardOpening(self, at: address, options, steering, makeProtocol)
        var shards: [DatagramEndpoint] = []
        do throws(DatagramError) {
            for (index, loop) in loops.enumerated() {
                shards.append(try loop.run { epoll throws(DatagramError) in try opening.open(index, loop, epoll) })
            }
            return try opening.finish(shards)
        } catch {
            for shard in shards { shard.abort() }
            for shard in shards { shard.waitUntilClosed() }
            throw error
        }
    }

    /// Opens an endpoint on every loop, all bound to `address`; suspends until every `connectionMade` has been called.
    ///
    /// The same as the form that blocks.
    public func bindDatagram(
        to address: SocketAddress, options: DatagramOptions = DatagramOptions(),
        steering: ShardSteering = .sourceHash, _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> ShardedEndpoint {
        let opening = try ShardOpening(self, at: address, options, steering, makeProtocol)
        var shards: [DatagramEndpoint] = []
        do throws(DatagramError) {
            for (index, loop) in loops.enumerated() {
                shards.append(
                    try await loop.runSuspending { epoll throws(DatagramError) in
                        try opening.open(index, loop, epoll)
                    })
            }
            return try opening.finish(shards)
        } catch {
            for shard in shards { shard.abort() }
            for shard in shards { _ = await shard.closed() }
            throw error
        }
    }
}

/// A sharded endpoint in the making.
struct ShardOpening: Sendable {
    private let membership: ShardMembership
    private let sockets: ShardSockets
    private let options: DatagramOptions
    private let makeProtocol: @Sendable () -> any DatagramProtocol

    init(
        _ group: EventLoopGroup, at address: SocketAddress, _ options: DatagramOptions, _ steering: ShardSteering,
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) {
        try options.check()
        guard !options.reusesPort || steering == .kernel else {
            throw DatagramError(.invalidArgument, operation: .configure, peer: address)
        }
        sockets = try ShardSockets(group.loops.count, at: address, options, syscalls: group.syscalls)
        membership = try ShardMembership(
            sockets, steering: steering, processors: group.processors, isShared: options.reusesPort)
        self.options = options
        self.makeProtocol = makeProtocol
    }

    /// Opens one shard; called on its loop.
    func open(_ index: Int, _ loop: LiveEventLoop, _ epoll: EpollLoop) throws(DatagramError) -> DatagramEndpoint {
        let transport = try open(index, on: epoll)
        let endpoint = DatagramEndpoint(transport, on: loop)
        // Before the endpoint's own note, so that whoever waits for the last shard finds the port free.
        let noteEnd = transport.onLost
        transport.onLost = { [membership] error in
            membership.noteEnd(of: index)
            noteEnd?(error)
        }
        return endpoint
    }

    /// Opens one shard's transport on a loop.
    func open(_ index: Int, on epoll: EpollLoop) throws(DatagramError) -> RingTransport {
        let socket = try DatagramSocket(adopting: try sockets.duplicate(index), syscalls: epoll.syscalls)
        return try epoll.open(socket, options, sockets.report, makeProtocol)
    }

    /// Lets datagrams in.
    func finish(_ shards: [DatagramEndpoint]) throws(DatagramError) -> ShardedEndpoint {
        try sockets.acceptDatagrams()
        return ShardedEndpoint(shards, membership)
    }
}
