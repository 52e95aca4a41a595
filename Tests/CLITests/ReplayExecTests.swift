import Foundation
import Testing
import VolleyCapture
import VolleyCore

/// `volley replay --exec`: a command's output as the capture.
@Suite("volley replay --exec", .timeLimit(.minutes(10)))
struct ReplayExecTests {
    /// A capture of an echo service: `count` requests to port 7007, each with its answer.
    private func capture(_ count: Int) throws -> TemporaryFile {
        let file = TemporaryFile("pcapng")
        let writer = try CaptureWriter(path: file.path)
        let (client, server) = (SocketAddress(.loopbackV4, port: 40_000), SocketAddress(.loopbackV4, port: 7007))
        for number in 0..<count {
            let payload = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 1_000)
            let time = Int64(1_700_000_000_000_000_000 + number * 1_000_000)
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1_000)
        }
        try writer.close()
        return file
    }

    private func replay(_ command: String) throws -> Command {
        try Command.run("replay", ["--exec", command, "--as", "server:7007", "--into", "echo"])
    }

    @Test("what a command writes is replayed like the file, and its status is reported")
    func output() throws {
        let file = try capture(2_000)
        let command = try replay("cat \(file.path)")
        #expect(command.status == 0)
        #expect(command.output.contains("replies: 2,000 identical, 0 different, 0 missing, 0 extra"))
        #expect(command.errors.contains("ended with status 0"))
    }

    @Test("a command line is the shell's: pipelines, and compressed output")
    func pipeline() throws {
        let file = try capture(100)
        let command = try replay("cat \(file.path) | gzip -c")
        #expect(command.status == 0)
        #expect(command.output.contains("replies: 100 identical"))
    }

    @Test("the command's standard error is passed on, and a failure is one, although everything was replayed")
    func failure() throws {
        let file = try capture(10)
        let command = try replay("cat \(file.path); echo complaint >&2; exit 3")
        #expect(command.status == 4)
        #expect(command.output.contains("replies: 10 identical"))
        #expect(command.errors.contains("complaint\n"))
        #expect(command.errors.contains("ended with status 3"))
    }

    @Test("a command that is not there is reported by the shell, with status 127")
    func missing() throws {
        let command = try replay("volley-no-such-command")
        #expect(command.status == 4)
        #expect(command.errors.contains("not found"))
        #expect(command.errors.contains("status 127"))
    }

    @Test("a command whose output is no capture is ended, and that is not its fault")
    func noCapture() throws {
        let command = try replay("yes")
        #expect(command.status == 65)
        #expect(command.errors.contains("yes: "))
        #expect(command.errors.contains("yes: the command ended with signal"))
    }

    @Test("a signal ends the command and whatever it has started, and the report comes", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: CInt) throws {
        let file = try capture(50)
        // The command says when the capture is on its way; the shell then waits for a program that runs for ever.
        let running = try Command.start([
            "replay", "--exec", "cat \(file.path); echo written $$ >&2; tail -f /dev/null; true", "--as", "server:7007",
            "--into", "echo",
        ])
        let errors = try #require(running.pipes?.errors.fileHandleForReading)
        var said = ""
        while !said.contains("\n"), let byte = try errors.read(upToCount: 1), !byte.isEmpty {
            said += String(decoding: byte, as: UTF8.self)
        }
        let shell = try #require(said.split(whereSeparator: \.isWhitespace).last.flatMap { CInt($0) })
        #expect(kill(running.process.processIdentifier, signal) == 0)
        let output = String(
            decoding: try running.pipes?.output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        let rest = String(decoding: try errors.readToEnd() ?? Data(), as: UTF8.self)
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        #expect(output.contains("replies: 50 identical"))
        #expect(rest.contains("ended with"))
        #expect(isGone(group: shell), "somebody of the command's group is left")
    }

    /// Whether the processes of a group have ended, in a while; those that only wait to be reaped by init have.
    private func isGone(group: CInt) -> Bool {
        let deadline = ContinuousClock.now.advanced(by: .seconds(10))
        while ContinuousClock.now < deadline {
            let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            let isAlive = processes.contains { name in
                guard CInt(name) != nil, let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                    let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 2
                else { return false }
                return fields[0] != "Z" && fields[2] == "\(group)"
            }
            if !isAlive { return true }
            sched_yield()
        }
        return false
    }

    @Test(
        "a capture is read as it comes: what the command has written is sent while it goes on, until Ctrl-C or its end",
        arguments: [false, true])
    func live(isInterrupted: Bool) throws {
        let file = TemporaryFile("pcapng")
        let writer = try CaptureWriter(path: file.path)
        let (client, server) = (SocketAddress(.loopbackV4, port: 40_000), SocketAddress(.loopbackV4, port: 7007))
        for number: UInt8 in 0..<5 {
            let payload = [0, 0, 0, number]
            try writer.writeDatagram(
                RawSpan(payload.span), from: client, to: server,
                at: 1_700_000_000_000_000_000 + Int64(number) * 1_000_000)
        }
        try writer.close()
        let service = try UDPClient()
        // The command ends only when it is told to, which is after everything has arrived.
        let running = try Command.start([
            "replay", "--exec", "cat \(file.path); read go", "--as", "server:7007", "--to", "127.0.0.1:\(service.port)",
            "--no-compare", "--drain", "0",
        ])
        for number: UInt32 in 0..<5 { #expect(service.receive() == number) }
        let pipes = try #require(running.pipes)
        if isInterrupted {
            #expect(kill(running.process.processIdentifier, SIGINT) == 0)
        } else {
            try pipes.input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8))
        }
        let errors = String(decoding: try pipes.errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        #expect(errors.contains(isInterrupted ? "ended with signal 2 (SIGINT)" : "ended with status 0"))
    }

    @Test("a command and a file, neither of them, and a command more than once are refused")
    func usage() throws {
        for arguments in [
            ["--exec", "true", "file"], [String](), ["--exec", "true", "--to", "127.0.0.1:9", "--loop", "2"],
        ] {
            let rest = arguments.contains("--to") ? [] : ["--as", "server:1", "--into", "echo"]
            #expect(try Command.run("replay", arguments + rest).status == 64)
        }
    }
}
