import ArgumentParser
import FoundationEssentials
import SystemPackage

/// What the command prints: results to standard output, everything else to standard error.
enum Console {
    /// Writes lines to standard output at once, so that a program reading them sees them now.
    ///
    /// - Throws: exit status 4, after a word about it, when they cannot be written: a report that nobody gets is a failure.
    static func print(_ lines: String...) throws { try print(lines) }

    /// Writes lines to standard output at once.
    static func print(_ lines: [String]) throws {
        do {
            _ = try FileDescriptor.standardOutput.writeAll(lines.map { $0 + "\n" }.joined().utf8)
        } catch {
            complain("cannot write to standard output: \(error)")
            throw ExitCode.ioFailure
        }
    }

    /// Writes one line about a problem to standard error.
    static func complain(_ line: String) {
        // Nobody is left to tell if this fails.
        _ = try? FileDescriptor.standardError.writeAll("volley: \(line)\n".utf8)
    }

    /// Writes `value` as JSON, keys in order, to standard output: on one line, or indented for reading.
    static func print(json value: some Encodable, indented: Bool = false) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = indented ? [.sortedKeys, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        try Console.print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
