import Foundation
import Testing

/// `volley serve` with sockets passed as systemd passes them.
@Suite(.timeLimit(.minutes(10)))
struct ActivationTests {
    /// Starts `volley serve echo` with `socket` as descriptor 3, in the environment that `variables` sets: `$$` is the
    /// process id of the server.
    private func start(_ socket: UDPClient, _ variables: String) throws -> Command.Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        let program = try #require(Command.program).path
        process.arguments = [
            "-c", "exec 3<&0 0</dev/null; \(variables) exec \"$0\" serve echo --listen 127.0.0.1:0", program,
        ]
        process.standardInput = FileHandle(fileDescriptor: socket.descriptor)
        let pipes = (input: Pipe(), output: Pipe(), errors: Pipe())
        process.standardOutput = pipes.output
        process.standardError = pipes.errors
        try process.run()
        return Command.Running(process: process, pipes: pipes)
    }

    @Test("a socket passed by the service manager is served, and says so; what waits across a restart is answered")
    func restart() throws {
        let socket = try UDPClient()
        let client = try UDPClient(to: socket.port)
        for round: UInt32 in 0..<3 {
            // Nobody serves now: this waits in the socket, which the service manager holds.
            #expect(client.send(2 * round))
            let running = try start(socket, "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=echo")
            #expect(running.readLine() == "listening on 127.0.0.1:\(socket.port) (from systemd)")
            #expect(client.receive() == 2 * round)
            #expect(client.send(2 * round + 1))
            #expect(client.receive() == 2 * round + 1)
            running.process.terminate()
            running.process.waitUntilExit()
            #expect(running.process.terminationStatus == 0)
        }
    }

    @Test("a socket meant for another process is not touched")
    func anotherProcess() throws {
        let socket = try UDPClient()
        let running = try start(socket, "LISTEN_PID=1 LISTEN_FDS=1")
        #expect(!running.readLine().contains("systemd"))
        running.process.terminate()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
    }

    @Test(
        "variables that are not what the protocol says end the start with one line and status 4",
        arguments: [
            ("LISTEN_PID=$$ LISTEN_FDS=one", "LISTEN_FDS"), ("LISTEN_PID=x LISTEN_FDS=1", "LISTEN_PID"),
            ("LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=a:b", "LISTEN_FDNAMES"),
            ("LISTEN_PID=$$ LISTEN_FDS=2", "descriptor 4"),
            ("4<&3 LISTEN_PID=$$ LISTEN_FDS=2", "one datagram socket"),
        ])
    func malformed(variables: String, mention: String) throws {
        let running = try start(try UDPClient(), variables)
        let errors = running.pipes?.errors.fileHandleForReading.readDataToEndOfFile() ?? Data()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 4)
        let text = String(decoding: errors, as: UTF8.self)
        #expect(text.contains(mention))
        #expect(text.split(separator: "\n").count == 1)
    }

    /// Where a program is, nil when it is nowhere in `PATH`.
    private static func tool(_ name: String) -> URL? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { URL(fileURLWithPath: "\($0)/\(name)") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    @Test(
        "systemd's own implementation starts it at the first datagram, which is answered",
        .enabled(if: tool("systemd-socket-activate") != nil, "not installed: systemd-socket-activate"))
    func systemd() throws {
        // Below the ports the kernel gives out, so that nobody else gets it meanwhile.
        let port = UInt16(20_000 + getpid() % 10_000)
        let process = Process()
        process.executableURL = Self.tool("systemd-socket-activate")
        process.arguments = [
            "--datagram", "--listen=127.0.0.1:\(port)", "--fdname=echo", try #require(Command.program).path, "serve",
            "echo",
        ]
        let pipes = (input: Pipe(), output: Pipe(), errors: Pipe())
        process.standardOutput = pipes.output
        process.standardError = pipes.errors
        try process.run()
        // It says where it listens once it does; before that, the datagram would be refused.
        let errors = Command.Running(process: process, pipes: (pipes.input, pipes.errors, pipes.output))
        while case let line = errors.readLine(), !line.isEmpty, !line.contains("Listening") {}
        let client = try UDPClient(to: port)
        #expect(client.send(1))
        #expect(client.receive() == 1)
        let running = Command.Running(process: process, pipes: pipes)
        #expect(running.readLine() == "listening on 127.0.0.1:\(port) (from systemd)")
        process.terminate()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test(
        "the units in tools/deploy are what systemd takes without a word",
        .enabled(if: tool("systemd-analyze") != nil, "not installed: systemd-analyze"))
    func units() throws {
        let folder = URL(fileURLWithPath: #filePath)
            .appendingPathComponent("../../../tools/deploy/systemd").standardized
        let scratch = TemporaryFile("units")
        try FileManager.default.createDirectory(atPath: scratch.path, withIntermediateDirectories: false)
        var units: [String] = []
        let installed = "/usr/local/bin/volley"
        let program = try #require(Command.program).path
        for name in ["volley-echo.socket", "volley-echo.service"] {
            let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
            // systemd-analyze wants to see the program itself.
            #expect(text.contains(installed) == name.hasSuffix(".service"))
            units.append("\(scratch.path)/\(name)")
            try text.replacingOccurrences(of: installed, with: program)
                .write(toFile: units[units.count - 1], atomically: true, encoding: .utf8)
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = Self.tool("systemd-analyze")
        process.arguments = ["verify", "--man=no"] + units
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        // It may have something to say about other units of this machine.
        #expect(!text.contains("volley-echo"), "\(text)")
    }
}
