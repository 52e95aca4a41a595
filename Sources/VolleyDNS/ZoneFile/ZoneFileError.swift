/// What is wrong with a zone, and where in its files.
public struct ZoneFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, as it was named; empty for a zone that was not read from one.
    public let file: String
    /// The line, counted from 1; 0 when it is about the zone as a whole.
    public let line: Int
    /// The column, counted from 1 in octets; 0 when it is about the zone as a whole.
    public let column: Int
    /// What is wrong.
    public let reason: String

    /// An error of a loader, or about the zone as a whole.
    public init(file: String, line: Int = 0, column: Int = 0, reason: String) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
    }

    init(_ fault: PresentationFault, file: String, text: [UInt8]) {
        var (line, start) = (1, 0)
        for index in 0..<min(fault.offset, text.count) where text[index] == UInt8(ascii: "\n") {
            line += 1
            start = index + 1
        }
        self.init(file: file, line: line, column: fault.offset - start + 1, reason: fault.reason)
    }

    /// `example.com.zone:12:7: a label is empty`.
    public var description: String {
        (file.isEmpty ? "" : "\(file):") + (line > 0 ? "\(line):\(column):" : "")
            + (file.isEmpty && line == 0 ? "" : " ")
            + reason
    }
}
