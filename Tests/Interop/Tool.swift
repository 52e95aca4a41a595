import Foundation
import Testing

/// A program of somebody else that a test talks to.
struct Tool {
    let name: String

    static let capinfos = Tool(name: "capinfos")
    static let delv = Tool(name: "delv")
    static let dig = Tool(name: "dig")
    static let dnssecKeygen = Tool(name: "dnssec-keygen")
    static let dnssecSignzone = Tool(name: "dnssec-signzone")
    static let editcap = Tool(name: "editcap")
    static let logger = Tool(name: "logger")
    static let mergecap = Tool(name: "mergecap")
    static let python = Tool(name: "python3")
    static let socat = Tool(name: "socat")
    static let tcpdump = Tool(name: "tcpdump")
    static let text2pcap = Tool(name: "text2pcap")
    static let tshark = Tool(name: "tshark")

    /// Where it is, `nil` when it is nowhere in `PATH`.
    var path: String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// What a program has left behind.
    struct Output {
        let status: Int32
        let bytes: [UInt8]
        let errors: String

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var lines: [String] { text.split(separator: "\n").map(String.init) }
    }

    /// Runs it to its end and checks that it succeeds; `timeout` ends it should it hang.
    @discardableResult
    func run(_ arguments: [String], input: [UInt8] = []) async throws -> Output {
        let scratch = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "60", name] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["LC_ALL": "C.UTF-8", "TZ": "UTC"]) { $1 }
        try Data(input).write(to: scratch.url("input"))
        process.standardInput = try FileHandle(forReadingFrom: scratch.url("input"))
        process.standardOutput = try scratch.newFile("output")
        process.standardError = try scratch.newFile("errors")
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        let output = Output(
            status: process.terminationStatus, bytes: Array(try Data(contentsOf: scratch.url("output"))),
            errors: String(decoding: try Data(contentsOf: scratch.url("errors")), as: UTF8.self))
        #expect(output.status == 0, "\(name) \(arguments.joined(separator: " ")): \(output.errors)")
        return output
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips the test, saying why, where one of `tools` is not installed.
    static func needs(_ tools: Tool...) -> Self {
        let missing = tools.filter { $0.path == nil }.map(\.name).joined(separator: ", ")
        return .enabled(if: missing.isEmpty, "not installed: \(missing) (tools/test --with-peers installs it)")
    }
}

/// A folder of its own for a test, gone with the last reference to it.
final class TemporaryFolder: Sendable {
    private let root: URL

    init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("volley-interop-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    func url(_ name: String) -> URL { root.appendingPathComponent(name) }
    func path(_ name: String) -> String { url(name).path }

    func newFile(_ name: String) throws -> FileHandle {
        try Data().write(to: url(name))
        return try FileHandle(forWritingTo: url(name))
    }
}
