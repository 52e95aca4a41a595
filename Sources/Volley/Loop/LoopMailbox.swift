internal import CVolley
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// How other threads reach a loop: a locked list of calls, and an eventfd that wakes the loop when it was empty.
final class LoopMailbox: EventLoopHandle {
    typealias Call = @Sendable (any EventLoop) -> Void

    private struct State {
        var calls: [Call] = []
        var isClosed = false
    }

    let descriptor: CInt
    private let state = Mutex(State())

    init() throws(DatagramError) {
        descriptor = volley_eventfd()
        guard descriptor >= 0 else { throw DatagramError(Errno(rawValue: errno), operation: .create) }
    }

    deinit { System.close(descriptor) }

    func execute(_ body: @escaping Call) -> Bool {
        let (isTaken, isFirst) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.calls.append(body)
            return (true, state.calls.count == 1)
        }
        if isFirst { wake() }
        return isTaken
    }

    /// What has been posted so far, in order.
    func takeAll() -> [Call] {
        var count: UInt64 = 0
        // SAFETY: an eventfd is read by its eight bytes.
        _ = unsafe read(descriptor, &count, 8)
        return state.withLock { state in
            let calls = state.calls
            state.calls = []
            return calls
        }
    }

    /// Takes no more calls; those not yet run are forgotten.
    func close() {
        let forgotten = state.withLock { state in
            state.isClosed = true
            let calls = state.calls
            state.calls = []
            return calls
        }
        // Released outside of the lock: a closure's captures may post when they go.
        _ = forgotten
    }

    private func wake() {
        var one: UInt64 = 1
        // SAFETY: an eventfd is written by its eight bytes; it cannot overflow, since it is written once per batch.
        _ = unsafe write(descriptor, &one, 8)
    }
}
