internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// The thread one loop runs on.
final class LoopThread: Sendable {
    private let identity: Mutex<pthread_t>
    private let hasEnded = Latch()
    private let box: Box

    /// Carries the loop to its thread, which is the only one that touches it once the thread runs.
    fileprivate final class Box: @unchecked Sendable {
        let loop: EpollLoop
        let hasEnded: Latch
        init(_ loop: EpollLoop, _ hasEnded: Latch) {
            self.loop = loop
            self.hasEnded = hasEnded
        }
    }

    init(running loop: consuming EpollLoop) throws(DatagramError) {
        box = Box(loop, hasEnded)
        var thread = pthread_t()
        // SAFETY: the box is retained for the thread, which releases it at its end.
        let argument = unsafe Unmanaged.passRetained(box).toOpaque()
        let number = unsafe pthread_create(&thread, nil, runLoop, argument)
        guard number == 0 else {
            unsafe Unmanaged<Box>.fromOpaque(argument).release()
            throw DatagramError(Errno(rawValue: number), operation: .create)
        }
        pthread_detach(thread)
        identity = Mutex(thread)
    }

    /// Whether the caller is this thread.
    var isCurrent: Bool { identity.withLock { pthread_equal($0, pthread_self()) != 0 } }

    /// Waits until the loop has stopped.
    func join() { hasEnded.wait() }

    /// Gives the loop to a caller that is on its thread.
    func withLoop<Result>(_ body: (EpollLoop) throws(DatagramError) -> Result) throws(DatagramError) -> Result {
        precondition(isCurrent)
        return try body(box.loop)
    }
}

/// What the thread runs; `argument` is a retained box.
private func runLoop(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    // SAFETY: LoopThread.init retained the box for this thread.
    let box = unsafe Unmanaged<LoopThread.Box>.fromOpaque(argument).takeRetainedValue()
    box.loop.run()
    box.hasEnded.open()
    return nil
}

/// Opens once, and lets every waiter pass then.
final class Latch: Sendable {
    private let semaphore = Semaphore()

    func open() { semaphore.signal() }

    func wait() {
        semaphore.wait()
        // For the next waiter.
        semaphore.signal()
    }
}

/// A value that one thread waits for and another gives.
final class Reply<Value: Sendable>: Sendable {
    private let value = Mutex<Result<Value, DatagramError>?>(nil)
    private let latch = Latch()

    func give(_ result: Result<Value, DatagramError>) {
        value.withLock { $0 = result }
        latch.open()
    }

    func wait() -> Result<Value, DatagramError> {
        latch.wait()
        return value.withLock { $0 } ?? .failure(DatagramError(.canceled, operation: .create))
    }
}
