/// Why bytes are no DNS message, or why a message could not be written.
///
/// A trivial value: a malformed query costs no allocation.
public struct DNSError: Error, Hashable, Sendable {
    /// What was wrong.
    public struct Code: Hashable, Sendable {
        let number: UInt8

        /// The bytes end before the field does.
        public static let endOfMessage = Code(number: 1)
        /// A label's first octet has a type other than 00 (label) and 11 (pointer): RFC 1035 section 4.1.4.
        public static let badLabelType = Code(number: 2)
        /// A name has more than 255 octets (RFC 1035 section 2.3.4).
        public static let nameTooLong = Code(number: 3)
        /// A compression pointer does not point to before the name it is in.
        public static let badPointer = Code(number: 4)
        /// The record's data is shorter or longer than its type says.
        public static let badDataLength = Code(number: 5)
        /// An EDNS option is malformed, or OPT stands where it must not.
        public static let badOption = Code(number: 6)
        /// The message would be longer than its limit.
        public static let outOfCapacity = Code(number: 7)
        /// A section is written after one that follows it, or has more than 65,535 records.
        public static let badSection = Code(number: 8)
        /// Bytes follow the last record.
        public static let trailingBytes = Code(number: 9)
    }

    /// What was wrong.
    public let code: Code
    /// Where, in bytes from the beginning of the message or data.
    public let offset: Int

    init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }
}

extension DNSError: CustomStringConvertible {
    /// One line that says what and where.
    public var description: String {
        let what =
            switch code {
            case .endOfMessage: "the message ends too early"
            case .badLabelType: "a label is neither of 0 to 63 octets nor a pointer"
            case .nameTooLong: "a name has more than 255 octets"
            case .badPointer: "a compression pointer does not point backwards"
            case .badDataLength: "the record's data does not have the length of its type"
            case .badOption: "an EDNS option is malformed or misplaced"
            case .outOfCapacity: "the message would exceed its limit; give a larger one"
            case .badSection: "records must be written section by section, at most 65,535 each"
            case .trailingBytes: "bytes follow the last record"
            default: "malformed"
            }
        return "\(what), at offset \(offset)"
    }
}
