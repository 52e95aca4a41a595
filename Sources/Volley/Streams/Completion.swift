internal import Synchronization

/// A value that comes once, for whoever waits for it: threads, tasks, or a look whether it is there.
final class Completion<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiters: [CheckedContinuation<Value, Never>] = []
    }
    private let state = Mutex(State())
    private let latch = Latch()

    /// The value, if it is there.
    var value: Value? { state.withLock { $0.value } }

    /// Gives the value; only the first counts.
    func give(_ value: Value) {
        let waiters: [CheckedContinuation<Value, Never>]? = state.withLock { state in
            guard state.value == nil else { return nil }
            state.value = value
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        guard let waiters else { return }
        latch.open()
        for waiter in waiters { waiter.resume(returning: value) }
    }

    /// Suspends until the value is there.
    func get() async -> Value {
        await withCheckedContinuation { continuation in
            let value: Value? = state.withLock { state in
                if state.value == nil { state.waiters.append(continuation) }
                return state.value
            }
            if let value { continuation.resume(returning: value) }
        }
    }

    /// Blocks until the value is there.
    func wait() -> Value {
        latch.wait()
        guard let value else { preconditionFailure("the latch opens when the value is there") }
        return value
    }
}
