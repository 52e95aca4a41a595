public import SystemPackage

/// Why a program could not be started or signalled.
public struct SubprocessError: Error, Hashable, Sendable {
    /// The kind of failure.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case noSuchProgram, notExecutable, noSuchDirectory, invalidArgument, badDescriptor
            case processEnded, notPermitted, systemCall, loopStopped
        }
        private let value: Value

        /// There is no such program, in no folder of `PATH`; or its interpreter is missing.
        public static let noSuchProgram = Code(value: .noSuchProgram)
        /// There is such a file, but it cannot be executed.
        public static let notExecutable = Code(value: .notExecutable)
        /// There is no such working directory, or it cannot be entered.
        public static let noSuchDirectory = Code(value: .noSuchDirectory)
        /// An argument, a variable, an option or a signal that no program can be given.
        public static let invalidArgument = Code(value: .invalidArgument)
        /// A descriptor that was to be given to the program is not open.
        public static let badDescriptor = Code(value: .badDescriptor)
        /// The program has ended and been reaped; there is nobody left to signal.
        public static let processEnded = Code(value: .processEnded)
        /// The program runs as another user by now, whom this process may not signal.
        public static let notPermitted = Code(value: .notPermitted)
        /// A system call failed; see ``SubprocessError/errno``.
        public static let systemCall = Code(value: .systemCall)
        /// The event loop has stopped.
        public static let loopStopped = Code(value: .loopStopped)

        /// The code as in the source: `noSuchProgram`.
        public var description: String { value.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// What, where and what to do, in one line.
    public let message: String
    /// The error number, where a system call gave one.
    public let errno: Errno?

    /// An error from its parts.
    public init(_ code: Code, _ message: String, errno: Errno? = nil) {
        self.code = code
        self.message = message
        self.errno = errno
    }
}

extension SubprocessError: CustomStringConvertible {
    /// The message and the errno in one line.
    public var description: String {
        errno.map { "\(message): \($0) (errno \($0.rawValue))" } ?? message
    }
}
