public import SystemPackage

extension DatagramError {
    /// A kind of failure, as Python's `OSError` hierarchy has it, with the kinds UDP adds.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case connectionRefused, connectionReset, hostUnreachable, networkUnreachable, hostDown
            case protocolUnreachable, protocolError, messageTooLong, permissionDenied, noBufferSpace
            case addressInUse, addressNotAvailable, addressFamilyNotSupported, destinationRequired, alreadyConnected
            case fileNotFound, invalidArgument, badDescriptor, tooManyFiles
            case timedOut, connectionAborted, nameNotFound, other
        }
        private let value: Value

        /// `ECONNREFUSED`: nobody listens on that port.
        ///
        /// Python: `ConnectionRefusedError`.
        public static let connectionRefused = Kind(value: .connectionRefused)
        /// `ECONNRESET`, `EPIPE`, `ENOTCONN`: the peer is gone.
        ///
        /// Python: `ConnectionResetError`.
        public static let connectionReset = Kind(value: .connectionReset)
        /// `EHOSTUNREACH`, `ENONET`.
        public static let hostUnreachable = Kind(value: .hostUnreachable)
        /// `ENETUNREACH`, `ENETDOWN`.
        public static let networkUnreachable = Kind(value: .networkUnreachable)
        /// `EHOSTDOWN`.
        public static let hostDown = Kind(value: .hostDown)
        /// `ENOPROTOOPT`, `EOPNOTSUPP`: the peer has no such protocol, or the option is unknown.
        public static let protocolUnreachable = Kind(value: .protocolUnreachable)
        /// `EPROTO`: an ICMP parameter problem and the like.
        public static let protocolError = Kind(value: .protocolError)
        /// `EMSGSIZE`: the datagram is larger than the socket or the path takes.
        public static let messageTooLong = Kind(value: .messageTooLong)
        /// `EACCES`, `EPERM`: a broadcast without permission, a firewall.
        ///
        /// Python: `PermissionError`.
        public static let permissionDenied = Kind(value: .permissionDenied)
        /// `ENOBUFS`, `ENOMEM`.
        public static let noBufferSpace = Kind(value: .noBufferSpace)
        /// `EADDRINUSE`.
        public static let addressInUse = Kind(value: .addressInUse)
        /// `EADDRNOTAVAIL`.
        public static let addressNotAvailable = Kind(value: .addressNotAvailable)
        /// `EAFNOSUPPORT`: an address of another family than the socket's.
        public static let addressFamilyNotSupported = Kind(value: .addressFamilyNotSupported)
        /// `EDESTADDRREQ`: a send without an address on an endpoint that is not connected.
        public static let destinationRequired = Kind(value: .destinationRequired)
        /// `EISCONN`: a send to an address other than the connected peer's.
        public static let alreadyConnected = Kind(value: .alreadyConnected)
        /// `ENOENT`: no socket at that path.
        ///
        /// Python: `FileNotFoundError`.
        public static let fileNotFound = Kind(value: .fileNotFound)
        /// `EINVAL`.
        public static let invalidArgument = Kind(value: .invalidArgument)
        /// `EBADF`, `ENOTSOCK`, `EFAULT`: the descriptor is no longer ours; the only kind that ends an endpoint.
        public static let badDescriptor = Kind(value: .badDescriptor)
        /// `EMFILE`, `ENFILE`.
        public static let tooManyFiles = Kind(value: .tooManyFiles)
        /// `ETIMEDOUT`: the peer, or whoever was asked for its address, did not answer in time.
        ///
        /// Python: `TimeoutError`.
        public static let timedOut = Kind(value: .timedOut)
        /// `ECONNABORTED`: the connection was given up before it was accepted.
        ///
        /// Python: `ConnectionAbortedError`.
        public static let connectionAborted = Kind(value: .connectionAborted)
        /// `ENOENT` of ``DatagramError/Operation/resolve``: no such name, or none with an address of the family.
        ///
        /// Python: `gaierror`.
        public static let nameNotFound = Kind(value: .nameNotFound)
        /// Any other errno.
        public static let other = Kind(value: .other)

        /// The kind of an error number.
        public init(_ errno: Errno) { value = Self.values[errno] ?? .other }

        private init(value: Value) { self.value = value }

        private static let values: [Errno: Value] = [
            .connectionRefused: .connectionRefused, .connectionReset: .connectionReset, .brokenPipe: .connectionReset,
            .socketNotConnected: .connectionReset, .noRouteToHost: .hostUnreachable,
            Errno(rawValue: 64): .hostUnreachable, .networkUnreachable: .networkUnreachable,
            .networkDown: .networkUnreachable, .hostIsDown: .hostDown, .protocolNotAvailable: .protocolUnreachable,
            .notSupportedOnSocket: .protocolUnreachable, .protocolError: .protocolError,
            .messageTooLong: .messageTooLong, .permissionDenied: .permissionDenied,
            .notPermitted: .permissionDenied, .noBufferSpace: .noBufferSpace, .noMemory: .noBufferSpace,
            .addressInUse: .addressInUse, .addressNotAvailable: .addressNotAvailable,
            .addressFamilyNotSupported: .addressFamilyNotSupported, .addressRequired: .destinationRequired,
            .socketIsConnected: .alreadyConnected, .noSuchFileOrDirectory: .fileNotFound,
            .invalidArgument: .invalidArgument, .badFileDescriptor: .badDescriptor, .notSocket: .badDescriptor,
            .badAddress: .badDescriptor, .tooManyOpenFiles: .tooManyFiles, .tooManyOpenFilesInSystem: .tooManyFiles,
            .timedOut: .timedOut, .connectionAbort: .connectionAborted,
        ]

        /// The kind's name, as in the source: `connectionRefused`.
        public var description: String { value.rawValue }
    }
}
