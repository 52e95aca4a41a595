internal import SystemPackage
public import VolleyCore

/// Several event loops, each on a thread of its own: one for every core, as it comes.
///
/// `bindDatagram(to:)` opens one address on all of them. Endpoints can be opened on single
/// ``loops`` as well. The group is a handle: a group that is never stopped runs as long as the process.
public final class EventLoopGroup: Sendable {
    /// The loops, in the order of the shards of the endpoints opened on the group.
    public let loops: [LiveEventLoop]

    /// The processor each loop is bound to, in the loops' order; `nil` when they are not bound.
    public let processors: [Int]?

    let syscalls: Syscalls

    /// Starts loops on new threads.
    ///
    /// - Parameters:
    ///   - count: how many, 1…1024; `nil`, the default, means one for each processor the calling thread may run on.
    ///   - isPinned: whether each loop is bound to one of those processors: the first loop to the first and so on,
    ///     beginning again when there are more loops. Pinning pays where steering is ``ShardSteering/cpu`` or
    ///     nothing else runs on the machine; otherwise the scheduler knows better.
    /// - Throws: `EINVAL` for another `count`; the kernel's errno when it gives no loop or thread.
    public convenience init(count: Int? = nil, isPinned: Bool = false) throws(DatagramError) {
        try self.init(count: count, isPinned: isPinned, syscalls: .kernel)
    }

    init(count: Int? = nil, isPinned: Bool = false, syscalls: Syscalls) throws(DatagramError) {
        let available = LiveEventLoop.availableProcessors
        let count = count ?? min(available.count, Self.countMax)
        guard (1...Self.countMax).contains(count) else {
            throw DatagramError(.invalidArgument, operation: .create)
        }
        var loops: [LiveEventLoop] = []
        do throws(DatagramError) {
            for index in 0..<count {
                let loop = try LiveEventLoop(syscalls: syscalls)
                loops.append(loop)
                if isPinned { try loop.pin(to: [available[index % available.count]]) }
            }
        } catch {
            for loop in loops { loop.stop() }
            throw error
        }
        self.loops = loops
        self.syscalls = syscalls
        processors = isPinned ? (0..<count).map { available[$0 % available.count] } : nil
    }

    /// The most loops of a group: a steering program has a few instructions for each, and the kernel takes 4096.
    static var countMax: Int { 1024 }

    /// Stops every loop and waits for their ends, as ``LiveEventLoop/stop()`` does for one.
    public func stop() {
        for loop in loops { loop.stop() }
    }
}
