public import SystemPackage

/// What goes wrong with a stream's system calls, as a test orders it: short writes, blocked writes, any errno.
///
/// The in-memory world asks it directly; a world over real system calls asks it in an injected call, so that one script
/// means the same everywhere. Every attempt to write asks ``nextWrite(_:)`` once, as one `writev` would the kernel.
public final class StreamFaults {
    /// What becomes of one attempt to write.
    public struct WriteStep: Hashable, Sendable {
        let limit: Int
        let errno: Errno?

        /// Takes at most `count` bytes, leaving the rest; 0 takes nothing and is no error.
        public static func take(_ count: Int) -> WriteStep { WriteStep(limit: max(0, count), errno: nil) }
        /// Fails with `errno`, taking nothing.
        public static func fail(_ errno: Errno) -> WriteStep { WriteStep(limit: 0, errno: errno) }
        /// Takes as much as there is room for.
        public static let pass = WriteStep(limit: .max, errno: nil)
        /// Has no room: takes nothing (`EAGAIN`).
        public static let block = fail(.wouldBlock)
    }

    /// One attempt to write: what was offered, and what became of it.
    public struct WriteAttempt: Hashable, Sendable {
        /// Bytes offered.
        public let offered: Int
        /// Pieces of memory they were in.
        public let vectors: Int
        /// Bytes taken, from the front; 0 if the attempt failed.
        public let taken: Int
        /// Why nothing was taken.
        public let errno: Errno?
    }

    /// Whether every attempt to write fails with `EAGAIN`; steps of the script are then not used up.
    public var isWritingBlocked = false {
        didSet { if oldValue && !isWritingBlocked { onUnblocked?() } }
    }
    /// What the next attempts meet, one step each; when it is empty, everything goes out that there is room for.
    public var writeScript: [WriteStep] = []
    /// What the next reads fail with, one errno each, before anything is read.
    public var readScript: [Errno] = [] {
        didSet { if oldValue.isEmpty && !readScript.isEmpty { onReadScripted?() } }
    }
    /// Every attempt to write so far.
    public private(set) var writeAttempts: [WriteAttempt] = []
    /// For a world that is not polled: called when ``isWritingBlocked`` is cleared.
    public var onUnblocked: (() -> Void)?
    /// For a world that is not polled: called when ``readScript`` gets its first entry.
    public var onReadScripted: (() -> Void)?

    /// No faults.
    public init() {}

    /// Decides an attempt to write `count` bytes.
    ///
    /// - Returns: how many of them to pass on at most, or the negated errno to fail with.
    public func nextWrite(_ count: Int) -> Int {
        let step = isWritingBlocked ? .block : writeScript.isEmpty ? .pass : writeScript.removeFirst()
        return step.errno.map { -Int($0.rawValue) } ?? min(count, step.limit)
    }

    /// Notes what an attempt to write came to: the result of the call, or the negated errno.
    public func noteWrite(offered: Int, vectors: Int, result: Int) {
        let errno = result < 0 ? Errno(rawValue: CInt(truncatingIfNeeded: -result)) : nil
        writeAttempts.append(
            WriteAttempt(offered: offered, vectors: vectors, taken: max(0, result), errno: errno))
    }

    /// The errno the next read fails with, nil for none; used up by asking.
    public func nextRead() -> Errno? {
        readScript.isEmpty ? nil : readScript.removeFirst()
    }
}
