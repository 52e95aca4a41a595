/// Why an address was refused, with the text and the place in it.
public struct AddressError: Error, Hashable, Sendable {
    /// What was wrong.
    public struct Code: Hashable, Sendable {
        enum Reason: UInt8, Hashable {
            case unexpectedEnd, unexpectedCharacter, leadingZero, numberTooLarge, tooManyGroups, repeatedCompression
            case missingPort, missingBrackets, unknownInterface
            case emptyName, nameTooLong, nulInPath, wrongFamily, wrongLength
        }

        let reason: Reason

        init(_ reason: Reason) { self.reason = reason }

        /// The text ends before the address is complete.
        public static var unexpectedEnd: Code { Code(.unexpectedEnd) }
        /// A character that cannot stand here.
        public static var unexpectedCharacter: Code { Code(.unexpectedCharacter) }
        /// A decimal number with a leading zero, which some programs read as octal.
        public static var leadingZero: Code { Code(.leadingZero) }
        /// A number over its field's limit.
        public static var numberTooLarge: Code { Code(.numberTooLarge) }
        /// More groups than an IPv6 address has.
        public static var tooManyGroups: Code { Code(.tooManyGroups) }
        /// A second `::` in an IPv6 address.
        public static var repeatedCompression: Code { Code(.repeatedCompression) }
        /// An IP address without a port where one is needed.
        public static var missingPort: Code { Code(.missingPort) }
        /// An IPv6 address with a port but without brackets.
        public static var missingBrackets: Code { Code(.missingBrackets) }
        /// A scope that names no interface known here.
        public static var unknownInterface: Code { Code(.unknownInterface) }
        /// An empty path.
        public static var emptyName: Code { Code(.emptyName) }
        /// A Unix path or abstract name over 107 bytes.
        public static var nameTooLong: Code { Code(.nameTooLong) }
        /// A NUL byte in a Unix path.
        public static var nulInPath: Code { Code(.nulInPath) }
        /// Kernel bytes of another address family.
        public static var wrongFamily: Code { Code(.wrongFamily) }
        /// Kernel bytes of a length that this kind of address does not have.
        public static var wrongLength: Code { Code(.wrongLength) }
    }

    /// What was wrong.
    public let code: Code
    /// The refused text; empty when the address did not come from text.
    public let text: String
    /// Where in `text` the fault lies, in bytes of UTF-8; the count of bytes for faults of length.
    public let offset: Int

    /// An error with all its parts.
    public init(_ code: Code, text: String, offset: Int) {
        self.code = code
        self.text = text
        self.offset = offset
    }
}

extension AddressError: CustomStringConvertible {
    /// One line that says what is wrong, where, and what to write instead.
    public var description: String {
        // The debug description quotes, and escapes what would tamper with a log or a terminal.
        text.isEmpty && code != .unexpectedEnd
            ? "not an address: \(advice)" : "not an address: \(text.debugDescription): \(advice)"
    }

    private var advice: String {
        switch code.reason {
        case .unexpectedEnd:
            "ends too early at offset \(offset); write 192.0.2.1 or 2001:db8::1, with a port 192.0.2.1:53 or [2001:db8::1]:53"
        case .unexpectedCharacter:
            "unexpected character at offset \(offset)"
        case .leadingZero:
            "number with a leading zero at offset \(offset); write it without"
        case .numberTooLarge:
            "number too large at offset \(offset); the limits are 255 (IPv4), ffff (IPv6), 65535 (port), 4294967295 (scope)"
        case .tooManyGroups:
            "more than eight groups at offset \(offset); '::' stands for at least one"
        case .repeatedCompression:
            "second '::' at offset \(offset); only one is allowed"
        case .missingPort:
            "no port; append one, as in 192.0.2.1:53 or [2001:db8::1]:53"
        case .missingBrackets:
            "an IPv6 address with a port needs brackets, as in [2001:db8::1]:53"
        case .unknownInterface:
            "no such interface at offset \(offset); write the name or index of one that exists"
        case .emptyName:
            "a Unix socket path must not be empty"
        case .nameTooLong:
            "a Unix socket path or abstract name has at most 107 bytes, this one \(offset)"
        case .nulInPath:
            "NUL byte at offset \(offset) of a Unix socket path"
        case .wrongFamily:
            "the kernel bytes are of another address family"
        case .wrongLength:
            "\(offset) kernel bytes are no such address"
        }
    }
}
