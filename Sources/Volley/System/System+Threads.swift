internal import Glibc
internal import SystemPackage

extension System {
    /// Starts a thread that nobody joins; returns why it could not be.
    static func startThread(_ body: @escaping @Sendable () -> Void) -> Errno? {
        var thread = pthread_t()
        // SAFETY: the box is retained for the thread, which releases it.
        let argument = unsafe Unmanaged.passRetained(ThreadBody(body)).toOpaque()
        let number = unsafe pthread_create(&thread, nil, runThread, argument)
        guard number == 0 else {
            unsafe Unmanaged<ThreadBody>.fromOpaque(argument).release()
            return Errno(rawValue: number)
        }
        pthread_detach(thread)
        return nil
    }
}

private final class ThreadBody: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    // SAFETY: startThread retained the box for this thread.
    unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().body()
    return nil
}

/// A counting semaphore (`sem_overview(7)`).
@safe
final class Semaphore: @unchecked Sendable {
    // True by the semaphore: the only state, and made for this.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        // SAFETY: the semaphore has a place of its own until deinit.
        unsafe semaphore = .allocate(capacity: 1)
        unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    func signal() { unsafe sem_post(semaphore) }
    func wait() { while unsafe sem_wait(semaphore) != 0 {} }
}
