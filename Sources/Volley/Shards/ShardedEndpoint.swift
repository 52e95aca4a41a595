public import VolleyCore

/// The handle of an endpoint that is spread over the loops of an ``EventLoopGroup``: one address, one shard a loop.
///
/// A shard is a ``DatagramEndpoint`` with a socket and a protocol of its own; which one a datagram meets is the kernel's
/// doing, see ``ShardSteering``. Shards share nothing; what has to be seen as one is put together by its reader, as
/// ``statistics()`` does. Letting go of the handle does not close the endpoint.
public final class ShardedEndpoint: Sendable {
    /// All shards, in the order of the group's loops; those that have left or ended keep their index.
    public let shards: [DatagramEndpoint]

    let membership: ShardMembership

    init(_ shards: [DatagramEndpoint], _ membership: ShardMembership) {
        self.shards = shards
        self.membership = membership
    }

    /// The address all shards are bound to, with the port the kernel chose.
    public var localAddress: SocketAddress { membership.address }

    /// What was asked of the sockets when they were set up, and granted; the same for all.
    public var socketReport: SocketReport { shards[0].socketReport }

    /// How the kernel chooses a datagram's shard.
    public var steering: ShardSteering { membership.steering }

    /// The indices of the shards that new datagrams may meet, in ascending order.
    public var activeShards: [Int] { membership.active }

    /// The index of the shard that datagrams from `peer` meet as things are; `nil` when it does not follow from the
    /// peer, as with ``ShardSteering/cpu`` and ``ShardSteering/kernel``, or all shards have ended.
    ///
    /// With it another thread finds the protocol that has a peer's state, and can send from there.
    public func shard(for peer: SocketAddress) -> Int? { membership.shard(for: peer) }

    /// Sends a copy of `bytes` to `destination`: from the shard that its answers will meet, or if that cannot be known
    /// from the first active one.
    ///
    /// - Returns: whether a loop took it; what becomes of it then is in the statistics.
    @discardableResult
    public func send(_ bytes: [UInt8], to destination: SocketAddress) -> Bool {
        guard let index = shard(for: destination) ?? activeShards.first else { return false }
        return shards[index].send(bytes, to: destination)
    }

    /// Flushes what each shard has queued, then closes all of them.
    ///
    /// What still waits in the kernel to be received is dropped: see ``drain(within:)``. Returns at once.
    public func close() {
        for shard in shards { shard.close() }
    }

    /// Drops what each shard has queued and closes all of them; returns at once.
    public func abort() {
        for shard in shards { shard.abort() }
    }

    /// Suspends until every shard is closed and its protocol has been told; then the port is free.
    ///
    /// - Returns: the first error, in the shards' order, that ended one; `nil` after `close()` or `abort()`.
    public func closed() async -> DatagramError? {
        var first: DatagramError?
        for shard in shards {
            let error = await shard.closed()
            first = first ?? error
        }
        return first
    }

    /// Blocks the calling thread, which must be none of the loops', until every shard is closed.
    @discardableResult
    public func waitUntilClosed() -> DatagramError? {
        var first: DatagramError?
        for shard in shards {
            let error = shard.waitUntilClosed()
            first = first ?? error
        }
        return first
    }

    // MARK: Statistics

    /// The sum over all shards so far, those that have left or ended included.
    public func statistics() async -> DatagramStatistics {
        await statisticsByShard().reduce(into: DatagramStatistics()) { $0 += $1 }
    }

    /// The sum over all shards so far; blocks until every loop has answered.
    public func statistics() -> DatagramStatistics {
        statisticsByShard().reduce(into: DatagramStatistics()) { $0 += $1 }
    }

    /// The statistics of each shard, in their order.
    public func statisticsByShard() async -> [DatagramStatistics] {
        var statistics: [DatagramStatistics] = []
        for shard in shards { statistics.append(await shard.statistics()) }
        return statistics
    }

    /// The statistics of each shard, in their order; blocks until every loop has answered.
    public func statisticsByShard() -> [DatagramStatistics] {
        shards.map { $0.statistics() }
    }
}
