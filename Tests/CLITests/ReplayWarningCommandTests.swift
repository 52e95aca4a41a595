import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// What `volley replay` and `volley inspect` refuse, and what they say of captures with little in them.
@Suite(.timeLimit(.minutes(10)))
struct ReplayWarningCommandTests {
    /// A request and its echo for each of some servers.
    private static func capture(servers: UInt32 = 1) throws -> TemporaryFile {
        let writer = CaptureWriter(inMemory: .pcapng)
        let client = SocketAddress(IPAddress(v4: 0xc000_0301), port: 40_000)
        for index in 0..<servers {
            let server = SocketAddress(IPAddress(v4: 0xc000_0201 + index), port: 7007)
            let payload = Array("datagram".utf8)
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: Int64(index) * 1_000)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: Int64(index) * 1_000 + 500)
        }
        return try TemporaryFile(writer.bytes)
    }

    private static let offline = ["--as", "server:7007", "--into", "echo"]

    /// A folder with a capture `in`, a hard link `hard` and a symbolic link `soft` to it, a link `later` to a file `new`
    /// that is not there, and a link `here` to the folder itself.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/volley-test-\(UUID().uuidString)"

        init() throws {
            let files = FileManager.default
            try files.createDirectory(atPath: path, withIntermediateDirectories: false)
            let file = try capture()
            try withExtendedLifetime(file) { try files.copyItem(atPath: file.path, toPath: path + "/in") }
            try files.linkItem(atPath: path + "/in", toPath: path + "/hard")
            for (link, target) in [("soft", "in"), ("later", "new"), ("here", ".")] {
                try files.createSymbolicLink(atPath: path + "/" + link, withDestinationPath: target)
            }
        }

        var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    @Test(
        "outputs that are one file, and outputs that are the input, are refused before anything is made",
        arguments: [
            (["--output", "new", "--update", "new"], "--update"),
            (["--output", "new", "--update", "./new"], "--update"),
            (["--output", "new", "--output-delivered", "here/new"], "--output-delivered"),
            (["--update", "later", "--output-delivered", "here/here/new"], "--output-delivered"),
            (["--output", "later", "--update", "new"], "--update"),
            (["--output", "in"], "--output"), (["--output", "here/in"], "--output"),
            (["--update", "hard"], "--update"),
            (["--output-delivered", "soft"], "--output-delivered"),
        ])
    func sameFile(arguments: [String], mention: String) throws {
        let folder = try Folder()
        let before = (folder.names, try Data(contentsOf: URL(fileURLWithPath: folder.path + "/in")))
        let full = arguments.map { $0.hasPrefix("--") ? $0 : "\(folder.path)/\($0)" }
        let result = try Command.run("replay", ["\(folder.path)/i[n]"] + Self.offline + full)
        #expect(result.status == 64, "\(result.errors)")
        #expect(result.errors.contains("\(mention) ") && result.errors.contains("same file"), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(folder.names == before.0)
        let isUntouched = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/in")) == before.1
        #expect(isUntouched)
    }

    @Test("outputs that are different files are all written, and /dev/null takes any number")
    func differentFiles() throws {
        let folder = try Folder()
        let outputs = ["--output", "\(folder.path)/a", "--update", "\(folder.path)/b"]
        #expect(try Command.run("replay", ["\(folder.path)/in"] + Self.offline + outputs).status == 0)
        #expect(folder.names.contains("a") && folder.names.contains("b"))
        let nowhere = ["--output", "/dev/null", "--update", "/dev/null"]
        #expect(try Command.run("replay", ["\(folder.path)/in"] + Self.offline + nowhere).status == 0)
        let none = "\(folder.path)/none"
        let missing = try Command.run("replay", [none] + Self.offline + ["--output", none])
        #expect(missing.status == 4)
    }

    @Test(
        "numbers below zero are told to be no values, and not to be missing",
        arguments: [
            ("--loss", "-1%"), ("--burst-loss", "-1%,2%"), ("--duplicate", "-5%"), ("--reorder", "-1%"),
            ("--delay", "-5ms"), ("--jitter", "-5ms"), ("--truncate", "-1%"), ("--corrupt", "-0.1"),
            ("--inject-error", "-5:1%"), ("--inject-icmp", "-3/3:1%"), ("--seed", "-1"), ("--batch-window", "-1ms"),
            ("--turn-duration", "-1ms"), ("--write-limits", "-1,2,3"), ("--fragment-timeout", "-1"),
            ("--max-endpoints", "-1"),
        ])
    func negative(option: String, value: String) throws {
        let result = try Command.run("replay", ["x.pcap"] + Self.offline + [option, value])
        #expect(result.status == 64)
        #expect(!result.errors.contains("Missing value"), "\(result.errors)")
        let words = value.split(separator: ",")[0].split(separator: ":")[0]
        #expect(result.errors.contains(words) || result.errors.contains(option), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test("a live replay that cannot send says why, and nothing else of the capture")
    func cannotSend() throws {
        let file = try Self.capture()
        // Link-local without a scope: there is no way there.
        let result = try Command.run("replay", file.path, "--as", "server:7007", "--to", "[fe80::1]:9", "--drain", "0")
        #expect(result.status == 4)
        #expect(result.errors.contains("cannot send from"), "\(result.errors)")
        #expect(!result.errors.contains("the capture holds no datagram"), "\(result.errors)")
    }

    @Test("a live replay of which the kernel takes nothing is no success")
    func kernelTakesNone() throws {
        // As long as IPv6 allows, which is too long for IPv4.
        let writer = CaptureWriter(inMemory: .pcapng)
        let payload = [UInt8](repeating: 7, count: 65_520)
        try writer.writeDatagram(
            RawSpan(payload.span), from: SocketAddress(IPAddress(v6High: 1, low: 2), port: 1),
            to: SocketAddress(IPAddress(v6High: 1, low: 3), port: 7007), at: 0)
        let file = try TemporaryFile(writer.bytes)
        let result = try Command.run(
            "replay", file.path, "--as", "server:7007", "--to", "127.0.0.1:9", "--drain", "0", "--no-compare")
        #expect(result.status == 4)
        #expect(result.errors.contains("the kernel took none of the 1 datagrams"), "\(result.errors)")
    }

    @Test("a capture on standard output is not mixed with the report", arguments: ["-", "/dev/stdout"])
    func standardOutput(path: String) throws {
        let file = try Self.capture()
        let running = try Command.start(["replay", file.path] + Self.offline + ["--output", path])
        let bytes = running.pipes?.output.fileHandleForReading.readDataToEndOfFile() ?? Data()
        let errors = running.pipes?.errors.fileHandleForReading.readDataToEndOfFile() ?? Data()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        var reader = try CaptureReader(bytes: Array(bytes))
        while try reader.next() != nil {}
        #expect(reader.recordCount == 1)
        #expect(String(decoding: errors, as: UTF8.self).contains("1 datagrams delivered"))
        let json = try Command.run("replay", [file.path] + Self.offline + ["--output", path, "--json"])
        #expect(json.status == 64)
        #expect(json.output.isEmpty)
    }

    @Test("a filter that refuses everything is named", arguments: [["--into", "echo"], ["--to", "127.0.0.1:9"]])
    func filtered(target: [String]) throws {
        let file = try Self.capture()
        let result = try Command.run("replay", [file.path, "--as", "server:7007", "--filter", "tcp"] + target)
        #expect(result.status == 65)
        #expect(result.errors.contains("the filter 'tcp' refuses all of the 2 records"), "\(result.errors)")
    }

    @Test("endpoints over the limit are counted and warned of")
    func maxEndpoints() throws {
        let file = try Self.capture(servers: 3)
        let result = try Command.run(
            "replay", file.path, "--as", "every-server", "--into", "echo", "--json", "--max-endpoints", "2")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("\"beyondEndpoints\" : 2"), "\(result.output)")
        #expect(result.errors.contains("more than 2 endpoints") && result.errors.contains("--max-endpoints"))
        let single = try Command.run("replay", [file.path] + Self.offline + ["--max-endpoints", "2"])
        #expect(single.status == 64)
    }

    @Test("a capture without records is shown, and said to have none")
    func noRecords() throws {
        let file = try TemporaryFile(CaptureWriter(inMemory: .pcapng).bytes)
        let result = try Command.run("inspect", file.path)
        #expect(result.status == 0)
        #expect(result.errors == "volley: \(file.path): the capture holds no records\n")
    }

    @Test("what is odd about a capture is warned of, in JSON too")
    func oddVersion() throws {
        let file = try Self.capture()
        var bytes = try Array(Data(contentsOf: URL(fileURLWithPath: file.path)))
        bytes[12] = 7
        let odd = try TemporaryFile(bytes)
        let inspected = try Command.run("inspect", odd.path, "--json")
        #expect(inspected.status == 0)
        #expect(inspected.output.contains("version 7.0 is not known"))
        #expect(inspected.errors.contains("version 7.0 is not known"))
        let replayed = try Command.run("replay", [odd.path] + Self.offline)
        #expect(replayed.status == 0)
        #expect(replayed.errors.contains("version 7.0 is not known"))
    }
}
