import Foundation
import Testing

/// The `volley` that was built along with the tests, run as a user would.
struct Command {
    let status: Int32
    let output: String
    let errors: String

    /// The program, beside the test bundle.
    static let program = Bundle.main.executableURL?.deletingLastPathComponent().appendingPathComponent("volley")

    /// Runs `volley` to its end.
    static func run(_ arguments: String..., input: Data? = nil) throws -> Command {
        let process = try start(arguments)
        let pipes = try #require(process.pipes)
        if let input { try? pipes.input.fileHandleForWriting.write(contentsOf: input) }
        try? pipes.input.fileHandleForWriting.close()
        let output = pipes.output.fileHandleForReading.readDataToEndOfFile()
        let errors = pipes.errors.fileHandleForReading.readDataToEndOfFile()
        process.process.waitUntilExit()
        return Command(
            status: process.process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }

    /// Runs `volley` with a subcommand to its end.
    static func run(_ command: String, _ arguments: [String]) throws -> Command {
        let running = try start([command] + arguments)
        let pipes = try #require(running.pipes)
        let output = pipes.output.fileHandleForReading.readDataToEndOfFile()
        let errors = pipes.errors.fileHandleForReading.readDataToEndOfFile()
        running.process.waitUntilExit()
        return Command(
            status: running.process.terminationStatus, output: String(decoding: output, as: UTF8.self),
            errors: String(decoding: errors, as: UTF8.self))
    }

    /// A running `volley`.
    struct Running {
        let process: Process
        let pipes: (input: Pipe, output: Pipe, errors: Pipe)?

        /// Standard output up to and without the next end of line.
        func readLine() -> String {
            var line = Data()
            while let handle = pipes?.output.fileHandleForReading, let byte = try? handle.read(upToCount: 1),
                !byte.isEmpty, byte[byte.startIndex] != UInt8(ascii: "\n")
            { line.append(byte) }
            return String(decoding: line, as: UTF8.self)
        }
    }

    static func start(_ arguments: [String], environment: [String: String] = [:]) throws -> Running {
        let process = Process()
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.executableURL = program
        process.arguments = arguments
        let pipes = (input: Pipe(), output: Pipe(), errors: Pipe())
        process.standardInput = pipes.input
        process.standardOutput = pipes.output
        process.standardError = pipes.errors
        try process.run()
        return Running(process: process, pipes: pipes)
    }
}

/// A file that goes away with the test.
final class TemporaryFile {
    let path: String

    /// A name that no file has yet.
    init(_ suffix: String) {
        path = FileManager.default.temporaryDirectory.path + "/volley-test-\(UUID().uuidString).\(suffix)"
    }

    convenience init(_ bytes: [UInt8]) throws {
        self.init("pcap")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
