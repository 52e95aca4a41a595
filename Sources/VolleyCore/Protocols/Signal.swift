/// A signal a loop can be told of, or a program be sent (signal(7)); the numbers are Linux's on x86-64 and ARM.
public struct Signal: RawRepresentable, Hashable, Sendable {
    /// The signal's number.
    public let rawValue: CInt

    /// The signal with that number.
    public init(rawValue: CInt) { self.rawValue = rawValue }

    /// The terminal is gone; by custom, "reload" (`SIGHUP`).
    public static let hangup = Signal(rawValue: 1)
    /// Ctrl-C (`SIGINT`).
    public static let interrupt = Signal(rawValue: 2)
    /// Ctrl-\ (`SIGQUIT`).
    public static let quit = Signal(rawValue: 3)
    /// The end, which nobody can catch (`SIGKILL`).
    public static let kill = Signal(rawValue: 9)
    /// For the program's own use (`SIGUSR1`).
    public static let user1 = Signal(rawValue: 10)
    /// For the program's own use (`SIGUSR2`).
    public static let user2 = Signal(rawValue: 12)
    /// A pipe was written to that nobody reads (`SIGPIPE`).
    public static let brokenPipe = Signal(rawValue: 13)
    /// A polite request to end (`SIGTERM`).
    public static let terminate = Signal(rawValue: 15)
    /// A stopped program goes on (`SIGCONT`).
    public static let `continue` = Signal(rawValue: 18)
    /// A stop, which nobody can catch (`SIGSTOP`).
    public static let stop = Signal(rawValue: 19)
}

extension Signal: CustomStringConvertible {
    /// Number and name: `signal 15 (SIGTERM)`.
    public var description: String {
        let names: [CInt: String] = [
            1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
            9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
            18: "SIGCONT", 19: "SIGSTOP", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
        ]
        return "signal \(rawValue)" + (names[rawValue].map { " (\($0))" } ?? "")
    }
}
