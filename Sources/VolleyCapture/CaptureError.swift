public import SystemPackage

/// Why a capture cannot be read, written or filtered; says which file, where in it, and what is wrong.
public struct CaptureError: Error, Sendable {
    /// The kind of failure.
    public struct Code: Hashable, Sendable {
        private let number: Int

        /// The file cannot be opened; ``CaptureError/errno`` says why.
        public static var cannotOpen: Code { Code(number: 1) }
        /// A read failed; ``CaptureError/errno`` says why.
        public static var readFailed: Code { Code(number: 2) }
        /// A write or the closing failed; ``CaptureError/errno`` says why.
        ///
        /// What was written is not a whole capture.
        public static var writeFailed: Code { Code(number: 3) }
        /// The file holds no bytes.
        public static var empty: Code { Code(number: 4) }
        /// The file does not begin as pcap, pcapng or snoop do.
        public static var notACapture: Code { Code(number: 5) }
        /// The file is compressed, and the program that decompresses it is not installed.
        public static var compressed: Code { Code(number: 6) }
        /// A capture in a version or of a medium that this reader does not know.
        public static var unsupportedFormat: Code { Code(number: 7) }
        /// The file ends inside a header, record or block.
        public static var truncated: Code { Code(number: 8) }
        /// A length or number in the file contradicts the rest of it.
        public static var corrupt: Code { Code(number: 9) }
        /// Something in the file is larger than this reader takes.
        public static var limitExceeded: Code { Code(number: 10) }
        /// libpcap refuses the filter expression.
        public static var invalidFilter: Code { Code(number: 11) }
        /// A packet, time stamp or interface that the format to be written cannot hold.
        public static var invalidArgument: Code { Code(number: 12) }
        /// The writer was closed before.
        public static var closed: Code { Code(number: 13) }
        /// The decompressor has failed: what it had made until then is read.
        public static var decompressionFailed: Code { Code(number: 14) }
        /// Several of the files that are read as one are damaged; the message has the error of each.
        public static var severalDamaged: Code { Code(number: 15) }
        /// libpcap cannot capture from the interface.
        public static var cannotCapture: Code { Code(number: 16) }
    }

    /// The kind of failure.
    public let code: Code
    /// The file's path as given, or what stands for it: `standard input`, `memory`.
    public let file: String
    /// The number of the record that cannot be read, counted from 1; `nil` when no record is meant.
    public let record: Int?
    /// The number of the pcapng block that cannot be read, counted from 1; `nil` for pcap and when no block is meant.
    public let block: Int?
    /// Where in the file that record, block or header begins; `nil` when no place is meant.
    public let byteOffset: Int64?
    /// The system's error number, if the system refused.
    public let errno: Errno?
    /// What is wrong and, where there is something to be done, what.
    public let message: String

    init(
        _ code: Code, file: String, record: Int? = nil, block: Int? = nil, byteOffset: Int64? = nil,
        errno: Errno? = nil, _ message: String
    ) {
        self.code = code
        self.file = file
        self.record = record
        self.block = block
        self.byteOffset = byteOffset
        self.errno = errno
        self.message = message
    }
}

extension CaptureError: CustomStringConvertible {
    /// One line: file, place, what is wrong.
    public var description: String {
        var place: [String] = []
        if let record { place.append("record \(record)") }
        if let block { place.append("block \(block)") }
        if let byteOffset { place.append("byte \(byteOffset)") }
        let cause = errno.map { ": \($0)" } ?? ""
        return "\(file): " + (place.isEmpty ? "" : place.joined(separator: ", ") + ": ") + message + cause
    }
}
