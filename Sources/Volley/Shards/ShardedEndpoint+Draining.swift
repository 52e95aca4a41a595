public import VolleyCore

extension ShardedEndpoint {
    /// Takes one shard out without losing a datagram, and blocks until it is closed.
    ///
    /// First the kernel is told to steer nothing more to it: its peers move to the other shards, and nobody else's do.
    /// Then what it has queued is delivered and answered as in ``DatagramEndpoint/drain(within:refusingNew:)``, and it
    /// is closed. The shard's counters stay in ``statistics()``.
    ///
    /// A peer that moves may be served by both shards for a moment: what it sends after the change does not wait for
    /// what it sent before. The leaving shard's loop stands still for some milliseconds, until the kernel has put what
    /// was on its way into the queue. Must not be called on one of the group's loops.
    ///
    /// - Parameters:
    ///   - index: the shard's place in ``shards``.
    ///   - limit: how long it may take; what is left then is dropped and not in the report.
    /// - Returns: what was still received, and whether all of it was.
    /// - Throws: `EINVAL` when `index` is not in ``activeShards`` or the only one there (drain them all instead), or the
    ///   errno with which the kernel refused the steering program; nothing has changed then.
    public func removeShard(_ index: Int, within limit: Duration) throws(DatagramError) -> DrainReport {
        try membership.exclude(index)
        return shards[index].drain(within: limit, .redirecting)
    }

    /// Takes one shard out without losing a datagram, and suspends until it is closed.
    ///
    /// The same as the form that blocks.
    public func removeShard(_ index: Int, within limit: Duration) async throws(DatagramError) -> DrainReport {
        try membership.exclude(index)
        return await shards[index].drain(within: limit, .redirecting)
    }

    /// Stops the intake of all shards, delivers and answers what is queued, closes them, and blocks until that is done.
    ///
    /// See ``DatagramEndpoint/drain(within:refusingNew:)``. Must not be called on one of the group's loops.
    ///
    /// - Parameter limit: how long it may take; what is left then is dropped and not in the reports.
    /// - Returns: one report a shard, in their order.
    public func drain(within limit: Duration) -> [DrainReport] {
        let pending = shards.map { $0.beginDrain(within: limit, .refusing) }
        return pending.map { $0.wait() }
    }

    /// Stops the intake of all shards, delivers and answers what is queued, and closes them.
    ///
    /// The same as the form that blocks.
    public func drain(within limit: Duration) async -> [DrainReport] {
        await withTaskGroup(of: (Int, DrainReport).self) { tasks in
            for (index, shard) in shards.enumerated() {
                tasks.addTask { (index, await shard.drain(within: limit, .refusing)) }
            }
            var reports = [DrainReport](repeating: DrainReport(), count: shards.count)
            for await (index, report) in tasks { reports[index] = report }
            return reports
        }
    }
}
