import FoundationEssentials
import SystemPackage

/// What the command prints: results to standard output, everything else to standard error.
enum Console {
    /// Writes one line to standard output at once, so that a program reading it sees it now.
    static func print(_ line: String) {
        write(line + "\n", to: .standardOutput)
    }

    /// Writes one line about a problem to standard error.
    static func complain(_ line: String) {
        write("volley: \(line)\n", to: .standardError)
    }

    /// Writes `value` as JSON, keys in order, to standard output: on one line, or indented for reading.
    static func print(json value: some Encodable, indented: Bool = false) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = indented ? [.sortedKeys, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        Console.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    private static func write(_ text: String, to descriptor: FileDescriptor) {
        // A reader that has gone away is no reason to fail what is being done.
        _ = try? descriptor.writeAll(text.utf8)
    }
}
