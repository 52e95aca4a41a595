internal import Synchronization
internal import VolleyCore

/// Calls from other threads on their way to a ``VirtualEventLoop``.
final class VirtualMailbox: EventLoopHandle {
    private struct State {
        var calls: [@Sendable (any EventLoop) -> Void] = []
        var isOpen = true
    }
    private let state = Mutex(State())
    /// Whether there may be calls: what the loop looks at after every batch, without taking the lock.
    private let mayHaveCalls = Atomic(false)

    func execute(_ body: @escaping @Sendable (any EventLoop) -> Void) -> Bool {
        state.withLock { state in
            guard state.isOpen else { return false }
            state.calls.append(body)
            mayHaveCalls.store(true, ordering: .releasing)
            return true
        }
    }

    var isEmpty: Bool { !mayHaveCalls.load(ordering: .acquiring) }

    func takeAll() -> [@Sendable (any EventLoop) -> Void] {
        state.withLock { state in
            mayHaveCalls.store(false, ordering: .relaxed)
            defer { state.calls = [] }
            return state.calls
        }
    }

    /// Refuses all further calls, and forgets those that wait.
    func close() {
        state.withLock { state in
            state.isOpen = false
            state.calls = []
            mayHaveCalls.store(false, ordering: .relaxed)
        }
    }
}
