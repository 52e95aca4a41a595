public import SystemPackage

/// Why sockets could not be inherited, offered or taken over, or the service manager not be told.
public struct LifecycleError: Error, Hashable, Sendable {
    /// The kind of failure.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case malformedEnvironment, unusableDescriptor, tooManySockets, unusablePath, alreadyServed
            case wrongUser, wrongVersion, malformedMessage, refused, timedOut, peerGone, systemCall
        }
        private let value: Value

        /// An environment variable of the service manager that is not what its protocol says.
        public static let malformedEnvironment = Code(value: .malformedEnvironment)
        /// A descriptor that is closed, no socket, or already given away.
        public static let unusableDescriptor = Code(value: .unusableDescriptor)
        /// More sockets than one message of the kernel carries, which is 252.
        public static let tooManySockets = Code(value: .tooManySockets)
        /// A path that is too long, or at which there is something else.
        public static let unusablePath = Code(value: .unusablePath)
        /// A path at which another process offers its sockets.
        public static let alreadyServed = Code(value: .alreadyServed)
        /// The process at the other end runs as another user.
        public static let wrongUser = Code(value: .wrongUser)
        /// The process at the other end speaks another version of the hand-over.
        public static let wrongVersion = Code(value: .wrongVersion)
        /// The process at the other end sent what the hand-over does not know.
        public static let malformedMessage = Code(value: .malformedMessage)
        /// The process at the other end said no, and keeps its sockets.
        public static let refused = Code(value: .refused)
        /// The process at the other end did not answer in time.
        public static let timedOut = Code(value: .timedOut)
        /// The process at the other end closed the connection.
        public static let peerGone = Code(value: .peerGone)
        /// A system call failed; see ``LifecycleError/errno``.
        public static let systemCall = Code(value: .systemCall)

        /// The code as in the source: `timedOut`.
        public var description: String { value.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// What, where and what to do, in one line.
    public let message: String
    /// The error number, where a system call failed.
    public let errno: Errno?

    init(_ code: Code, _ message: String, errno: Errno? = nil) {
        self.code = code
        self.message = message
        self.errno = errno
    }

    /// A failed system call; `number` is its errno.
    init(systemCall name: String, _ number: CInt, at place: String) {
        let errno = Errno(rawValue: number)
        self.init(.systemCall, "\(name) failed for \(place)", errno: errno)
    }
}

extension LifecycleError: CustomStringConvertible {
    /// The message and the errno in one line.
    public var description: String {
        errno.map { "\(message): \($0) (errno \($0.rawValue))" } ?? message
    }
}
