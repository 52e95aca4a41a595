/// Why a ``ByteReader`` or ``ByteWriter`` refused an operation.
///
/// A trivial value that travels in registers: a codec that meets a malformed packet on every datagram pays a compare
/// and a branch, no allocation and no existential. That is why reader and writer throw it, typed, rather than return
/// optionals: `try` keeps a codec linear, and the offset survives for the message.
@frozen
public struct ByteError: Error, Hashable, Sendable {
    /// What was wrong.
    @frozen
    public struct Code: Hashable, Sendable {
        @usableFromInline let number: UInt8

        @inlinable init(number: UInt8) { self.number = number }

        /// Fewer bytes are left than the read needs, or the position lies outside the bytes.
        @inlinable public static var endOfBytes: Code { Code(number: 1) }
        /// Fewer bytes are free than the write needs.
        @inlinable public static var outOfCapacity: Code { Code(number: 2) }
        /// A patch or truncation reaches outside of what has been written.
        @inlinable public static var outsideWritten: Code { Code(number: 3) }
        /// The value does not fit the field.
        @inlinable public static var valueTooLarge: Code { Code(number: 4) }
    }

    /// What was wrong.
    public let code: Code
    /// Where, in bytes from the first one of the reader or writer.
    public let offset: Int
    /// How many bytes the operation needed, as asked for: it may be negative or absurd when it came from the input.
    public let count: Int

    /// An error with all its parts.
    @inlinable
    public init(_ code: Code, offset: Int, count: Int) {
        self.code = code
        self.offset = offset
        self.count = count
    }
}

extension ByteError: CustomStringConvertible {
    /// One line that says what and where.
    public var description: String {
        switch code {
        case .endOfBytes: "the bytes end too early: \(count) needed at offset \(offset)"
        case .outOfCapacity: "no room: \(count) bytes to be written at offset \(offset); give a larger capacity"
        case .outsideWritten: "\(count) bytes at offset \(offset) are not all written yet; only those can be changed"
        case .valueTooLarge: "the value at offset \(offset) does not fit into \(count) bytes"
        default: "operation on \(count) bytes at offset \(offset) failed"
        }
    }
}
