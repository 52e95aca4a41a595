/// How a program has ended (`waitid(2)`).
public struct ProcessTermination: Hashable, Sendable {
    private enum Value: Hashable { case exited(CInt), signaled(Signal, hasDumpedCore: Bool), unknown }
    private let value: Value

    /// It has ended by itself, with a status of 0 to 255; 0 means success.
    public static func exited(_ status: CInt) -> ProcessTermination { ProcessTermination(value: .exited(status)) }

    /// A signal has ended it.
    public static func signaled(_ signal: Signal, hasDumpedCore: Bool = false) -> ProcessTermination {
        ProcessTermination(value: .signaled(signal, hasDumpedCore: hasDumpedCore))
    }

    /// It has ended, but somebody else in this process has reaped it (or `SIGCHLD` is ignored), and so nobody can tell how.
    public static let unknown = ProcessTermination(value: .unknown)

    /// The status it has ended with; `nil` when a signal has ended it.
    public var status: CInt? {
        if case .exited(let status) = value { status } else { nil }
    }

    /// The signal that has ended it; `nil` when it has ended by itself.
    public var signal: Signal? {
        if case .signaled(let signal, _) = value { signal } else { nil }
    }

    /// Whether it has left a core dump behind.
    public var hasDumpedCore: Bool {
        if case .signaled(_, let hasDumpedCore) = value { hasDumpedCore } else { false }
    }

    /// Whether it has ended by itself with status 0.
    public var isSuccess: Bool { status == 0 }

    /// The status, or the negated number of the signal, or 255 when nobody can tell (asyncio's `returncode`).
    public var returnCode: CInt {
        switch value {
        case .exited(let status): status
        case .signaled(let signal, _): -signal.rawValue
        case .unknown: 255
        }
    }
}

extension ProcessTermination: CustomStringConvertible {
    /// In words: `status 1`, `signal 15 (SIGTERM)`.
    public var description: String {
        switch value {
        case .exited(let status): "status \(status)"
        case .signaled(let signal, let hasDumpedCore): "\(signal)" + (hasDumpedCore ? ", core dumped" : "")
        case .unknown: "an unknown status: somebody else has reaped it"
        }
    }
}
