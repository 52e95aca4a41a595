import Glibc
import Synchronization

/// A thread that runs a closure once.
///
/// It uses what the test uses; the test sees to it that they do not do so at the same time.
final class TestThread {
    /// What the thread runs: an object of its own, so that the thread never holds on to the one that joins it.
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
    private var identity = pthread_t()

    init(_ body: @escaping () -> Void) {
        // SAFETY: the thread takes over this reference, and lets go of it before it ends.
        let argument = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        let number = unsafe pthread_create(
            &identity, nil,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, argument)
        precondition(number == 0)
    }

    deinit { pthread_join(identity, nil) }
}

/// Runs `body` on a new thread and waits for its end.
func onThread(_ body: () -> Void) {
    withoutActuallyEscaping(body) { body in
        let thread = TestThread(body)
        _ = consume thread
    }
}

/// Says when a thread is to end.
final class StopFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
