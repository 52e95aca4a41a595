/// What was asked of a socket when it was set up, and what the kernel made of it, read back once all was set.
///
/// An option that the kernel refuses ends the set-up with an error; this is about those it takes and changes, of which
/// the buffer sizes are the ones that matter. See ``DatagramEndpoint/socketReport``.
public struct SocketReport: Hashable, Sendable {
    /// One option.
    public struct Option: Hashable, Sendable, CustomStringConvertible {
        /// Its name, as in the manual pages: `SO_RCVBUF`.
        public let name: String
        /// What it was to be: a number, 0 or 1 for a switch, an index for an interface.
        public let asked: Int
        /// What it is; `nil` where the kernel cannot tell.
        ///
        /// Of buffers it is half of what `getsockopt` says, which counts the kernel's overhead as well (socket(7)).
        public let granted: Int?
        /// What to do about a difference, in a few words.
        public let advice: String?

        /// Whether the kernel did as it was asked, as far as it can tell.
        public var isAsAsked: Bool { granted.map { $0 == asked } ?? true }

        /// One line: `SO_RCVBUF: asked for 8388608, got 212992; sysctl -w net.core.rmem_max=8388608 allows it`.
        public var description: String {
            guard let granted else { return "\(name): asked for \(asked)" }
            let text = isAsAsked ? "\(name): \(granted)" : "\(name): asked for \(asked), got \(granted)"
            return text + (advice.map { "; \($0)" } ?? "")
        }
    }

    /// Every option that was set, in the order in which it was; multicast memberships are not among them.
    public let options: [Option]

    /// The options that are not as asked.
    public var differences: [Option] { options.filter { !$0.isAsAsked } }
}
