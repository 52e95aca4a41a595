import VolleyCore

/// The event loop as the protocols of one simulated host see it: its calls stop when the host does.
final class HostLoop: EventLoop {
    private let loop: VirtualEventLoop
    /// What the host's clock is ahead of the simulation's, in nanoseconds.
    var clockOffset: Int64 = 0
    /// Counts lives: calls made in an earlier one are forgotten.
    private var life = 0
    /// While paused, what came due waits here.
    private var overdue: [ScheduledCall] = []
    private(set) var isPaused = false

    init(_ loop: VirtualEventLoop) { self.loop = loop }

    var now: MonotonicInstant { loop.now }

    var wallClock: WallClockTime {
        let (sum, overflow) = loop.wallClock.nanosecondsSinceEpoch.addingReportingOverflow(clockOffset)
        return WallClockTime(nanosecondsSinceEpoch: overflow ? (clockOffset < 0 ? .min : .max) : sum)
    }

    var handle: any EventLoopHandle { loop.handle }

    @discardableResult
    func callSoon(_ body: @escaping () -> Void) -> ScheduledCall {
        let call = ScheduledCall(deadline: nil, sequence: 0, body: body)
        let life = life
        loop.callSoon { [self] in run(call, of: life) }
        return call
    }

    @discardableResult
    func callAt(_ deadline: MonotonicInstant, _ body: @escaping () -> Void) -> ScheduledCall {
        let call = ScheduledCall(deadline: deadline, sequence: 0, body: body)
        let life = life
        loop.callAt(deadline) { [self] in run(call, of: life) }
        return call
    }

    private func run(_ call: ScheduledCall, of life: Int) {
        guard life == self.life else { return }
        guard isPaused else { return call.run() }
        // What is cancelled while it waits here does not run.
        if call.isPending { overdue.append(call) }
    }

    func pause() { isPaused = true }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        let calls = overdue
        overdue = []
        let life = life
        loop.callSoon { [self] in for call in calls { run(call, of: life) } }
    }

    /// Forgets all calls, those that are waiting included.
    func endLife() {
        life += 1
        overdue = []
        isPaused = false
    }
}
