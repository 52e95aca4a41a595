public import SystemPackage

/// What goes wrong with an endpoint's system calls, as a test orders it: short sends, blocked sends, any errno.
///
/// The in-memory world asks it directly; a world over real system calls asks it in an injected call, so that one script
/// means the same everywhere. Every attempt to send asks ``nextSend(_:tag:)`` once, as one `sendmmsg` would the kernel.
public final class TransportFaults {
    /// What becomes of one attempt to send a batch.
    public struct SendStep: Hashable, Sendable, CustomStringConvertible {
        let limit: Int
        let errno: Errno?

        /// Takes at most `count` datagrams (at least 1), leaving the rest.
        public static func take(_ count: Int) -> SendStep { SendStep(limit: max(1, count), errno: nil) }
        /// Fails with `errno`, sending nothing.
        public static func fail(_ errno: Errno) -> SendStep { SendStep(limit: 0, errno: errno) }
        /// Takes everything.
        public static let pass = SendStep(limit: .max, errno: nil)
        /// Has no room: takes nothing (`EAGAIN`).
        public static let block = fail(.wouldBlock)

        /// The step in a few words.
        public var description: String {
            errno.map { "fail(\($0.rawValue))" } ?? (limit == .max ? "pass" : "take(\(limit))")
        }
    }

    /// One attempt to send: how many datagrams were offered, and what became of them.
    public struct SendAttempt: Hashable, Sendable {
        /// Datagrams in the batch.
        public let offered: Int
        /// Datagrams taken, from the front; 0 if the attempt failed.
        public let taken: Int
        /// Why nothing was taken.
        public let errno: Errno?
    }

    /// Whether every attempt to send fails with `EAGAIN`; steps of the script are then not used up.
    public var isSendingBlocked = false {
        didSet { if oldValue && !isSendingBlocked { onUnblocked?() } }
    }
    /// What the next attempts meet, one step each; when it is empty, everything goes out.
    public var sendScript: [SendStep] = []
    /// Datagrams that fail for a reason of their own, again and again: those whose first byte is a key.
    public var poisonedTags: [UInt8: Errno] = [:]
    /// What the next receives fail with, one errno each, before anything is received.
    public var receiveScript: [Errno] = [] {
        didSet { if oldValue.isEmpty && !receiveScript.isEmpty { onReceiveScripted?() } }
    }
    /// Every attempt to send so far.
    public private(set) var sendAttempts: [SendAttempt] = []
    /// For a world that is not polled: called when ``isSendingBlocked`` is cleared.
    public var onUnblocked: (() -> Void)?
    /// For a world that is not polled: called when ``receiveScript`` gets its first entry.
    public var onReceiveScripted: (() -> Void)?

    /// No faults.
    public init() {}

    /// Decides an attempt to send `count` datagrams, `tag` giving the first byte of each (nil for an empty one).
    ///
    /// - Returns: how many of them to pass on to the peer (at least 1), or the negated errno to fail with.
    public func nextSend(_ count: Int, tag: (Int) -> UInt8?) -> Int {
        var step = isSendingBlocked ? .block : sendScript.isEmpty ? .pass : sendScript.removeFirst()
        if step.errno == nil {
            let limit = min(count, step.limit)
            if let index = (0..<limit).first(where: { tag($0).map { poisonedTags[$0] != nil } ?? false }) {
                // As the kernel does it: those before the bad one go, and only at the head is its errno seen.
                step = index == 0 ? .fail(tag(0).flatMap { poisonedTags[$0] } ?? .invalidArgument) : .take(index)
            }
        }
        guard let errno = step.errno else {
            return min(count, step.limit)
        }
        return -Int(errno.rawValue)
    }

    /// Notes what an attempt to send came to: the result of the call, or the negated errno.
    public func noteSend(offered: Int, result: Int) {
        let errno = result < 0 ? Errno(rawValue: CInt(truncatingIfNeeded: -result)) : nil
        sendAttempts.append(SendAttempt(offered: offered, taken: max(0, result), errno: errno))
    }

    /// The errno the next receive fails with, nil for none; used up by asking.
    public func nextReceive() -> Errno? {
        receiveScript.isEmpty ? nil : receiveScript.removeFirst()
    }
}
