/// Why a packet cannot be written.
public struct WireError: Error, Hashable, Sendable {
    /// The kind of failure.
    public struct Code: Hashable, Sendable {
        private let number: Int

        /// The payload is longer than a UDP datagram of its family can carry.
        public static var payloadTooLong: Code { Code(number: 1) }
        /// Source and destination are not both IPv4 or both IPv6.
        public static var addressFamily: Code { Code(number: 2) }
        /// The caller's buffer is too small.
        public static var bufferTooSmall: Code { Code(number: 3) }
    }

    /// The kind of failure.
    public let code: Code
    /// What is wrong, with the numbers.
    public let message: String
}

extension WireError: CustomStringConvertible {
    /// The same as ``message``.
    public var description: String { message }
}
