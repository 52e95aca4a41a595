internal import Synchronization
internal import VolleyCore

/// What became of an endpoint that was drained.
public struct DrainReport: Hashable, Sendable {
    /// Datagrams received while draining.
    public internal(set) var received: UInt64 = 0
    /// Whether everything the kernel had queued for the endpoint has been received and delivered.
    public internal(set) var isReceivingComplete = false
    /// Datagrams that were to be sent and were dropped, since the kernel did not take them in time.
    public internal(set) var abandonedSends: UInt64 = 0

    /// Whether nothing was lost.
    public var isComplete: Bool { isReceivingComplete && abandonedSends == 0 }
}

extension DatagramEndpoint {
    /// Delivers what the kernel has queued, sends what that is answered with, then closes; blocks until it is closed.
    ///
    /// Where ``close()`` drops the datagrams that have arrived and wait to be received, this reads on until a receive
    /// would find nothing (`EAGAIN`), and closes then. A protocol that has paused reading is waited for. Must not be
    /// called on the endpoint's loop.
    ///
    /// - Parameters:
    ///   - limit: how long it may take in all; then the endpoint is aborted.
    ///   - refusesNew: whether the kernel drops what arrives from now on (a socket filter; counted in
    ///     ``DatagramStatistics/kernelDrops``). It bounds the draining of an endpoint under steady load. The filter is on
    ///     the socket and not on the descriptor: leave it off where another process has the same socket.
    /// - Returns: what was received, and whether all of it was; all zero when the endpoint had ended before.
    public func drain(within limit: Duration, refusingNew refusesNew: Bool = false) -> DrainReport {
        drain(within: limit, refusesNew ? .refusing : .open)
    }

    /// Delivers what the kernel has queued, sends what that is answered with, then closes; suspends until it is closed.
    ///
    /// The same as the form that blocks.
    public func drain(within limit: Duration, refusingNew refusesNew: Bool = false) async -> DrainReport {
        await drain(within: limit, refusesNew ? .refusing : .open)
    }

    func drain(within limit: Duration, _ intake: Drain.Intake) -> DrainReport {
        beginDrain(within: limit, intake).wait()
    }

    func drain(within limit: Duration, _ intake: Drain.Intake) async -> DrainReport {
        let pending = beginDrain(within: limit, intake)
        return await withCheckedContinuation { continuation in
            pending.whenDone { continuation.resume(returning: $0) }
        }
    }

    /// Begins to drain, and returns what to wait for.
    func beginDrain(within limit: Duration, _ intake: Drain.Intake) -> PendingDrain {
        let pending = PendingDrain()
        let promise = DrainPromise(pending)
        execute { transport in
            // Without onLost it has ended, and letting go of the promise says so.
            guard let transport = transport as? RingTransport, transport.onLost != nil else { return }
            Drain(transport, promise).begin(within: limit, intake)
        }
        return pending
    }
}

/// The draining of one endpoint, on its loop.
final class Drain {
    /// What is done about datagrams that arrive meanwhile.
    enum Intake: Sendable {
        /// Nothing: they are received as long as there are some.
        case open
        /// The kernel has been told to give them to another socket.
        case redirecting
        /// The kernel is told to drop them.
        case refusing
    }

    private let transport: RingTransport
    private let before: DatagramStatistics
    private let descriptor: CInt
    private var isReceivingComplete = false
    private var deadline: ScheduledCall?
    /// How long a protocol that does not read is left alone at a time.
    private static let pauseInterval = Duration.milliseconds(1)

    init(_ transport: RingTransport, _ promise: DrainPromise) {
        self.transport = transport
        before = transport.statistics
        descriptor = transport.extraInfo("descriptor", default: -1)
        let noteEnd = transport.onLost
        // The transport keeps this object until it is lost.
        transport.onLost = { [self, unowned transport] error in
            deadline?.cancel()
            noteEnd?(error)
            promise.keep(report(transport.statistics, error))
        }
    }

    func begin(within limit: Duration, _ intake: Intake) {
        if intake == .refusing {
            // Only fails where the process is out of memory; then the limit ends the draining.
            do throws(DatagramError) { try System.refuseDatagrams(descriptor) } catch {}
        }
        if intake != .open { System.waitForDatagramsUnderWay() }
        deadline = transport.eventLoop.callLater(limit) { [transport] in transport.abort() }
        step()
    }

    /// Closes if there is nothing to receive; otherwise lets the loop receive and looks again.
    private func step() {
        guard !transport.isClosing else { return }
        if !transport.wantsDatagrams {
            transport.eventLoop.callLater(Self.pauseInterval) { [self] in step() }
        } else if System.isReadable(descriptor) {
            transport.eventLoop.callSoon { [self] in step() }
        } else {
            isReceivingComplete = true
            transport.close()
        }
    }

    private func report(_ after: DatagramStatistics, _ error: DatagramError?) -> DrainReport {
        var report = DrainReport()
        report.received = after.received &- before.received
        report.isReceivingComplete = isReceivingComplete && error == nil
        report.abandonedSends =
            (after.abortedDropped &- before.abortedDropped)
            &+ (error == nil ? 0 : after.failedDropped &- before.failedDropped)
        return report
    }
}

/// The promise of a report: it is kept, or broken when nobody is left to keep it, as with a loop that stops before it
/// has begun; then the report says that nothing was drained.
final class DrainPromise: Sendable {
    private let pending: PendingDrain
    init(_ pending: PendingDrain) { self.pending = pending }
    deinit { pending.finish(DrainReport()) }
    func keep(_ report: DrainReport) { pending.finish(report) }
}

/// A drain's report, for whoever waits for it.
final class PendingDrain: Sendable {
    private struct State {
        var report: DrainReport?
        var waiters: [@Sendable (DrainReport) -> Void] = []
    }
    private let state = Mutex(State())
    private let latch = Latch()

    func finish(_ report: DrainReport) {
        let waiters = state.withLock { state in
            guard state.report == nil else { return [@Sendable (DrainReport) -> Void]() }
            state.report = report
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        latch.open()
        for waiter in waiters { waiter(report) }
    }

    /// Calls `body` with the report, now or when it is there.
    func whenDone(_ body: @escaping @Sendable (DrainReport) -> Void) {
        let report = state.withLock { state in
            if state.report == nil { state.waiters.append(body) }
            return state.report
        }
        if let report { body(report) }
    }

    /// Blocks until the report is there.
    func wait() -> DrainReport {
        latch.wait()
        return state.withLock { $0.report } ?? DrainReport()
    }
}
