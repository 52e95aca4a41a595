import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// The command line as a user meets it: what it prints, and how it ends.
@Suite(.timeLimit(.minutes(10)))
struct CommandTests {
    @Test(
        "a bad command line gets one clear line, a usage and status 64",
        arguments: [
            (["serve", "echoes"], "echoes"),
            (["serve", "echo", "--listen", "127.0.0.1"], "127.0.0.1"),
            (["serve", "echo", "--listen", "127.0.0.1:70000"], "70000"),
            (["serve", "echo", "--duration", "-1"], "--duration"),
            (["serve", "echo", "--batch-size", "0"], "--batch-size"),
            (["serve", "echo", "--listen", "0.0.0.0:0", "--join", "10.0.0.1"], "10.0.0.1"),
            (["serve", "echo", "--listen", "0.0.0.0:0", "--join", "x@232.1.2.3"], "--join"),
            (["serve", "echo", "--join", "239.1.2.3%lo"], "--listen"),
            (["serve", "echo", "--slot-size", "99999999"], "--slot-size"),
            (["serve", "echo", "--shards", "-1"], "--shards"),
            (["serve", "echo", "--steering", "random"], "random"),
            (["replay", "x.pcap", "--as", "server:0", "--into", "echo"], "server:0"),
            (["replay", "x.pcap", "--as", "host:53", "--into", "echo"], "host:53"),
            (["replay", "x.pcap", "--as", "server:53"], "--into"),
            (["replay", "x.pcap", "--as", "server:53", "--into", "echo", "--golden", "dns", "--key", "0"], "--golden"),
            (["replay", "x.pcap", "--as", "server:53", "--into", "echo", "--golden", "smtp"], "--golden"),
            (["inspect"], "<file>"),
            (["inspect", "x", "--top", "-3"], "--top"),
            (["frobnicate"], "frobnicate"),
        ])
    func badCommandLine(arguments: [String], mention: String) throws {
        let process = try Command.start(arguments)
        let errors = process.pipes?.errors.fileHandleForReading.readDataToEndOfFile() ?? Data()
        process.process.waitUntilExit()
        #expect(process.process.terminationStatus == 64)
        let text = String(decoding: errors, as: UTF8.self)
        #expect(text.contains(mention))
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test("every command has help with examples", arguments: ["serve", "replay", "inspect"])
    func help(command: String) throws {
        let result = try Command.run(command, "--help")
        #expect(result.status == 0)
        #expect(result.output.contains("EXAMPLES"))
    }

    @Test("a missing file is an input error that names it", arguments: ["inspect", "replay"])
    func missingFile(command: String) throws {
        let extra = command == "replay" ? ["--as", "server:53", "--into", "sink"] : []
        let process = try Command.start([command, "/nowhere/at/all.pcap"] + extra)
        let errors = process.pipes?.errors.fileHandleForReading.readDataToEndOfFile() ?? Data()
        process.process.waitUntilExit()
        #expect(process.process.terminationStatus == 4)
        let text = String(decoding: errors, as: UTF8.self)
        #expect(text.contains("/nowhere/at/all.pcap"))
        #expect(text.split(separator: "\n").count == 1)
    }

    @Test(
        "a file that is no capture gets one line and status 65",
        arguments: [[], Array("hello, world, this is no capture\n".utf8), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    func notACapture(bytes: [UInt8]) throws {
        let file = try TemporaryFile(bytes)
        let result = try Command.run("inspect", file.path)
        #expect(result.status == 65)
        #expect(result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.errors.contains(file.path))
    }

    @Test("a truncated file is shown as far as it goes, with the place it breaks and status 65")
    func truncatedFile() throws {
        let whole = try capture(datagrams: 5)
        let file = try TemporaryFile(Array(whole.dropLast(7)))
        let result = try Command.run("inspect", file.path, "--json")
        #expect(result.status == 65)
        #expect(result.output.contains("\"delivered\" : 9"))
        #expect(result.errors.contains("record 10") || result.errors.contains("block"))
    }

    @Test("inspect reads standard input")
    func standardInput() throws {
        let result = try Command.run("inspect", "-", "--json", input: Data(try capture(datagrams: 3)))
        #expect(result.status == 0)
        #expect(result.output.contains("\"datagrams\" : 6"))
    }

    @Test("a capture of an echo replays with every reply identical, twice to the same bytes")
    func replayEcho() throws {
        let file = try TemporaryFile(try capture(datagrams: 100))
        let outputs = try (0..<2).map { _ in
            let output = TemporaryFile("pcapng")
            let result = try Command.run(
                "replay", file.path, "--as", "server:7007", "--into", "echo", "--output", output.path, "--json")
            #expect(result.status == 0)
            #expect(result.output.contains("\"identical\" : 100"))
            return try Data(contentsOf: URL(fileURLWithPath: output.path))
        }
        #expect(outputs[0].count > 100)
        #expect(outputs[0] == outputs[1])
    }

    @Test("differing replies end with status 1, nothing to deliver with 65 and the reason")
    func replayStatus() throws {
        let file = try TemporaryFile(try capture(datagrams: 2))
        #expect(try Command.run("replay", file.path, "--as", "server:7007", "--into", "reflect").status == 1)
        let nothing = try Command.run("replay", file.path, "--as", "server:9", "--into", "echo")
        #expect(nothing.status == 65)
        #expect(nothing.errors.contains("nothing was delivered"))
    }

    @Test("serve says where it listens, holds little memory and reports at SIGTERM")
    func serve() throws {
        let running = try Command.start(["serve", "echo", "--listen", "127.0.0.1:0", "--json"])
        let line = running.readLine()
        #expect(line.hasPrefix("listening on 127.0.0.1:"))
        running.process.terminate()
        let report = running.readLine()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        struct Report: Decodable { let received, kernelDrops: Int, maximumResidentBytes: Int }
        let decoded = try JSONDecoder().decode(Report.self, from: Data(report.utf8))
        #expect(decoded.received == 0)
        #if !DEBUG
        #expect(decoded.maximumResidentBytes < 20_000_000)
        #endif
    }

    @Test("a sharded service says what each shard received", arguments: ["source", "address", "cpu", "kernel"])
    func shards(steering: String) throws {
        let served = try Command.run(
            "serve", "echo", "--listen", "127.0.0.1:0", "--shards", "2", "--steering", steering, "--pin", "--json",
            "--duration", "0.1")
        #expect(served.status == 0)
        #expect(served.output.contains("\"receivedByShard\":[0,0]"))
        let single = try Command.run("serve", "sink", "--listen", "127.0.0.1:0", "--duration", "0.1")
        #expect(single.status == 0)
        #expect(!single.output.contains("shard"))
    }

    @Test("an address in use ends with status 4 and one line that names it")
    func addressInUse() throws {
        let first = try Command.start(["serve", "sink", "--listen", "127.0.0.1:0"])
        let address = String(first.readLine().dropFirst("listening on ".count))
        let second = try Command.run("serve", "sink", "--listen", address)
        first.process.terminate()
        first.process.waitUntilExit()
        #expect(second.status == 4)
        #expect(second.errors.contains(address))
        #expect(second.errors.split(separator: "\n").count == 1)
    }

    @Test("an output file that is there already is left alone", arguments: [true, false])
    func existingOutput(isReplay: Bool) throws {
        let bytes = try capture(datagrams: 10)
        let file = try TemporaryFile(bytes)
        let input = try TemporaryFile(bytes)
        let result =
            try isReplay
            ? Command.run("replay", input.path, "--as", "server:7007", "--into", "echo", "--output", file.path)
            : Command.run("serve", "echo", "--listen", "127.0.0.1:0", "--record", file.path)
        #expect(result.status == 4)
        #expect(result.errors.contains(file.path))
        #expect(result.errors.split(separator: "\n").count == 1)
        let isUntouched = try Data(contentsOf: URL(fileURLWithPath: file.path)) == Data(bytes)
        #expect(isUntouched)
    }

    @Test("a server that cannot listen leaves no recording behind")
    func noListenerNoRecording() throws {
        let record = TemporaryFile("pcapng")
        let result = try Command.run("serve", "echo", "--listen", "192.0.2.55:1", "--record", record.path)
        #expect(result.status == 4)
        #expect(!FileManager.default.fileExists(atPath: record.path))
    }

    @Test("output that cannot be written ends with status 4", arguments: ["inspect", "replay"])
    func fullOutput(command: String) throws {
        let file = try TemporaryFile(try capture(datagrams: 3))
        let process = Process()
        process.executableURL = Command.program
        process.arguments =
            command == "inspect"
            ? [command, file.path] : [command, file.path, "--as", "server:7007", "--into", "echo"]
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 4)
        #expect(text.contains("standard output"))
    }

    @Test("a recording is whole although nobody reads the report")
    func recordingWithoutReader() throws {
        let record = TemporaryFile("pcapng")
        let running = try Command.start(["serve", "echo", "--listen", "127.0.0.1:0", "--record", record.path])
        _ = running.readLine()
        try running.pipes?.output.fileHandleForReading.close()
        running.process.terminate()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 4)
        #expect(try Command.run("inspect", record.path).status == 0)
    }

    @Test("a recording that cannot be made is refused before anything is served")
    func unwritableRecording() throws {
        let result = try Command.run("serve", "echo", "--listen", "127.0.0.1:0", "--record", "/nowhere/at/all.pcapng")
        #expect(result.status == 4)
        #expect(result.errors.contains("/nowhere/at/all.pcapng"))
        #expect(result.output.isEmpty)
    }

    /// Requests to port 7007 and their echoes, in turn.
    private func capture(datagrams: Int) throws -> [UInt8] {
        let writer = CaptureWriter(inMemory: .pcapng, linkType: .rawIP)
        let server = SocketAddress(IPAddress(v4: 0xc000_0201), port: 7007)
        let client = SocketAddress(IPAddress(v4: 0xc000_0202), port: 40_000)
        for index in 0..<datagrams {
            let payload = Array("datagram \(index)".utf8)
            let time = Int64(index) * 1_000_000
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1000)
        }
        try writer.close()
        return writer.bytes
    }
}
