internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// Which shards of a group are chosen for new datagrams, and the sockets that make it so, until the last one has ended.
final class ShardMembership: Sendable {
    let address: SocketAddress
    let steering: ShardSteering
    private let count: Int
    private let processors: [Int]?
    private let isShared: Bool
    private let state: Mutex<State>

    private struct State {
        /// In ascending order.
        var active: [Int]
        var ended: Set<Int> = []
        /// Nil once all shards have ended, and in a group shared with others, where places mean nothing.
        var sockets: ShardSockets?
    }

    /// - Parameter isShared: the group may have members that are not ours, so that it can have no program.
    init(
        _ sockets: ShardSockets, steering: ShardSteering, processors: [Int]?, isShared: Bool
    ) throws(DatagramError) {
        address = sockets.address
        count = sockets.count
        self.steering = steering
        self.processors = processors
        self.isShared = isShared
        state = Mutex(State(active: Array(0..<sockets.count), sockets: isShared ? nil : sockets))
        if count > 1, steering != .kernel {
            try sockets.steer(by: program(choosing: Array(0..<count)))
        }
    }

    var active: [Int] { state.withLock { $0.active } }

    /// The shard datagrams from `source` meet now.
    func shard(for source: SocketAddress) -> Int? {
        let active = active
        guard !isShared, !active.isEmpty else { return nil }
        return active.count == 1 ? active[0] : steering.shard(for: source, count: count, active: active)
    }

    /// Has the kernel choose `index` no more.
    ///
    /// - Throws: `EINVAL` when it is not active or the last one.
    func exclude(_ index: Int) throws(DatagramError) {
        let result: Result<Void, DatagramError> = state.withLock { state in
            guard state.active.contains(index), state.active.count > 1 else {
                return .failure(DatagramError(.invalidArgument, operation: .configure, peer: address))
            }
            let active = state.active.filter { $0 != index }
            do throws(DatagramError) {
                try state.sockets?.steer(by: program(choosing: active))
            } catch {
                return .failure(error)
            }
            state.active = active
            return .success(())
        }
        try result.get()
    }

    /// Notes that a shard's endpoint is gone, whatever the reason.
    ///
    /// One that ended by itself is excluded now. With the last one the sockets are closed and the port is free.
    func noteEnd(of index: Int) {
        // Only fails for one that is excluded already and for the last one, of which the sockets go.
        do throws(DatagramError) { try exclude(index) } catch {}
        let sockets = state.withLock { state in
            state.ended.insert(index)
            guard state.ended.count == count else { return nil as ShardSockets? }
            state.active = []
            return state.sockets.take()
        }
        // Closed here, outside of the lock.
        _ = consume sockets
    }

    private func program(choosing active: [Int]) -> SteeringProgram {
        SteeringProgram(steering, count: count, active: active, processors: processors)
    }
}
