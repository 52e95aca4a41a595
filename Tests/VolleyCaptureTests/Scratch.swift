import Glibc
import SystemPackage
import Testing

@testable import VolleyCapture

/// A folder for a test's files, gone with the last reference to it.
final class Scratch {
    let path: String

    init() throws {
        path = "/tmp/volley-capture-test-\(UInt64.random(in: 0...UInt64.max))"
        // SAFETY: the string is a C string for the length of the call.
        try #require(unsafe mkdir(path, 0o700) == 0)
    }

    deinit { Self.run("rm -r '\(path)'") }

    /// The path of a file in the folder.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    func write(_ bytes: [UInt8], to name: String) throws -> String {
        let path = file(name)
        let file = try FileDescriptor.open(
            FilePath(path), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        try file.writeAll(bytes)
        try file.close()
        return path
    }

    /// The names of the files there are, sorted.
    var names: [String] {
        Self.output(of: "ls '\(path)'").split(separator: "\n").map(String.init)
    }

    /// Runs a line of shell; `true` if it succeeds.
    @discardableResult
    static func run(_ line: String) -> Bool { unsafe system(line) == 0 }

    /// What a line of shell prints.
    static func output(of line: String) -> String {
        guard let stream = unsafe popen(line, "r") else { return "" }
        defer { unsafe pclose(stream) }
        var bytes: [UInt8] = []
        while case let byte = unsafe fgetc(stream), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips the test, saying why, where one of `programs` is not installed.
    static func needs(_ programs: String...) -> Self {
        let missing = programs.filter { !Scratch.run("command -v \($0) > /dev/null") }.joined(separator: ", ")
        return .enabled(if: missing.isEmpty, "not installed: \(missing)")
    }
}
