/// A stream that cannot be taken apart into frames: the peer speaks another language, or means harm.
public struct FramingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the stream.
    public struct Code: Hashable, Sendable {
        private enum Value { case tooLong, lengthTooSmall }
        private let value: Value

        /// A frame is, or says that it is, longer than may be.
        public static let tooLong = Code(value: .tooLong)
        /// A frame's length counts its own prefix and yet is smaller than that.
        public static let lengthTooSmall = Code(value: .lengthTooSmall)
    }

    /// What is wrong.
    public let code: Code
    /// The length the frame has, or says it has; of a line without end, the bytes that have come.
    public let length: UInt64
    /// The length that it may have.
    public let limit: Int

    /// The rule and the number that breaks it.
    public var description: String {
        code == .tooLong
            ? "a frame of \(length) bytes, where \(limit) are allowed"
            : "a frame length of \(length), which is to count a prefix of \(limit) bytes"
    }
}
