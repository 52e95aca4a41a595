import Foundation
import Testing
import VolleyCore

/// `volley serve` with sockets passed as systemd passes them.
@Suite(.timeLimit(.minutes(2)))
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
}
