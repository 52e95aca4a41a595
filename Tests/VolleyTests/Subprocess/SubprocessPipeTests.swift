import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// What goes through the pipes of programs.
@Suite("Pipes to a program", .timeLimit(.minutes(10)))
struct SubprocessPipeTests {
    @Test("S3: what is written to standard input comes back through cat, and close() kills")
    func echo() throws {
        let process = try SteppedProcess("cat")
        try process.input.write("Python The Winner")
        process.run(until: { process.recorder.text(1) == "Python The Winner" })
        process.transport.close()
        process.runToEnd()
        #expect(process.transport.returnCode == -SIGKILL)
    }

    @Test("S4: several writes are answered in their order")
    func interactive() throws {
        let process = try SteppedProcess(shell: "while read line; do echo \"<$line>\"; done")
        var expected = ""
        for word in ["one", "two", "three"] {
            try process.input.write(word + "\n")
            expected += "<\(word)>\n"
            process.run(until: { process.recorder.text(1) == expected })
        }
        try process.input.close()
        process.runToEnd()
        #expect(process.transport.termination == .exited(0))
    }

    @Test("S5: all three pipes of a shell are lost, without an error, and the status is 0")
    func shell() throws {
        let process = try SteppedProcess(shell: "echo Python")
        process.runToEnd()
        #expect(
            process.recorder.events.filter { $0.hasPrefix("pipe") }.sorted() == [
                "pipe 0 lost", "pipe 1 lost", "pipe 2 lost",
            ])
        #expect(process.recorder.text(1) == "Python\n")
        #expect(process.transport.termination == .exited(0))
    }

    @Test("S9: standard output and error arrive under their own numbers")
    func numbers() throws {
        let process = try SteppedProcess(shell: "cat; echo 'to stderr' >&2")
        try process.input.write("to stdout")
        try process.input.close()
        process.runToEnd()
        #expect(process.recorder.text(1) == "to stdout")
        #expect(process.recorder.text(2) == "to stderr\n")
    }

    @Test("S10: standard error redirected to standard output arrives as 1, and there is no pipe 2")
    func redirected() throws {
        let process = try SteppedProcess(
            shell: "echo out; echo err >&2", .with { $0.standardError = .standardOutput })
        #expect(process.transport.pipe(2) == nil)
        process.runToEnd()
        #expect(process.recorder.text(1) == "out\nerr\n")
        #expect(!process.recorder.events.contains { $0.hasPrefix("pipe 2") })
    }

    @Test("S11: closing our end of standard output is told as its loss, and the program sees EPIPE")
    func closedOutput() throws {
        let process = try SteppedProcess(
            shell: "trap '' PIPE; read line; echo something 2>/dev/null || echo refused >&2")
        try #require(process.transport.pipe(1)).close()
        process.run(until: { process.recorder.events.contains("pipe 1 lost") })
        try process.input.write("go\n")
        process.runToEnd()
        #expect(process.recorder.text(2) == "refused\n")
        #expect(process.recorder.text(1) == "")
    }

    @Test("S15: a megabyte makes the round trip; the end of the input is what ends the program")
    func roundTrip() throws {
        let process = try SteppedProcess("cat")
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        try process.input.write(bytes)
        try process.input.writeEOF()
        process.runToEnd()
        let isSame = process.recorder.output[1] == bytes
        #expect(isSame)
        #expect(process.transport.termination == .exited(0))
    }

    @Test("S19: a program that ends before it was fed breaks the pipe: EPIPE for what it did not take")
    func brokenInput() throws {
        let process = try SteppedProcess(shell: "exec <&-; echo closed; exit 0")
        process.run(until: { process.recorder.text(1) == "closed\n" })
        let input = try process.input
        input.write([UInt8](repeating: 1, count: 200_000))
        process.runToEnd()
        #expect(input.statistics.bytesDropped == 200_000)
        // Without an error if the loop had noticed before the write.
        #expect(
            process.recorder.events.contains("pipe 0 lost connectionReset")
                || process.recorder.events.contains("pipe 0 lost"))
        #expect(process.transport.termination == .exited(0))
    }

    @Test("S19: data that waits for a program which ends is lost with EPIPE")
    func brokenFullInput() throws {
        let process = try SteppedProcess(shell: "read line; exit 0")
        // More than the pipe holds, in front of a program that reads only a line.
        try process.input.write([UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000))
        #expect(try process.input.writeBufferSize > 0)
        try process.transport.terminate()
        process.runToEnd()
        #expect(process.recorder.events.contains("pipe 0 lost connectionReset"))
    }

    @Test("S20: a paused output holds the program back until it is resumed")
    func pausedOutput() throws {
        let recorder = ProcessRecorder()
        recorder.onData = { number in
            guard let pipe = recorder.transport?.pipe(number), pipe.isReading else { return }
            pipe.pauseReading()
        }
        let process = try SteppedProcess(
            shell: "head -c 1000000 /dev/zero; echo done >&2", .with { $0.standardInput = .null }, recorder: recorder)
        process.run(until: { recorder.output[1] != nil })
        process.loop.settle()
        let received = recorder.output[1]?.count ?? 0
        #expect(received < 1_000_000)
        #expect(!recorder.hasExited)
        recorder.onData = { _ in }
        process.transport.pipe(1)?.resumeReading()
        process.runToEnd()
        #expect(recorder.output[1]?.count == 1_000_000)
        #expect(recorder.text(2) == "done\n")
    }

    @Test("S21: our ends are not inherited by other programs: closing an input ends its reader")
    func endsAreNotInherited() throws {
        let first = try SteppedProcess("cat")
        let others = try (0..<3).map { _ in try SteppedProcess("cat") }
        try first.input.close()
        first.runToEnd()
        #expect(first.transport.termination == .exited(0))
        for other in others { other.transport.close() }
        for other in others { other.runToEnd() }
    }

    @Test("S22: an input closed at once is empty")
    func emptyInput() throws {
        let process = try SteppedProcess("cat")
        try process.input.close()
        process.runToEnd()
        #expect(process.recorder.output[1] == nil)
        #expect(process.transport.termination == .exited(0))
    }

    @Test("S22: the null device is read as empty and takes every output")
    func nullDevices() throws {
        let input = try SteppedProcess("cat", [], .with { $0.standardInput = .null })
        input.runToEnd()
        #expect(input.recorder.output[1] == nil)
        #expect(input.transport.termination == .exited(0))
        let output = try SteppedProcess(
            shell: "echo out && echo err >&2",
            .with {
                $0.standardOutput = .null
                $0.standardError = .null
            })
        output.runToEnd()
        #expect(output.recorder.output.isEmpty)
        #expect(output.transport.termination == .exited(0))
    }

    @Test("S22: a program can open /dev/stdin, since its standard input is a pipe and no socket")
    func openableInput() throws {
        let process = try SteppedProcess("cat", ["/dev/stdin"])
        try process.input.write("by name")
        try process.input.writeEOF()
        process.runToEnd()
        #expect(process.recorder.text(1) == "by name")
    }

    @Test("S36: flow control of standard input reaches the program's protocol")
    func flowControl() throws {
        let recorder = ProcessRecorder()
        let process = try SteppedProcess(
            shell: "read go; cat > /dev/null",
            .with { $0.writeBufferLimits = (try? WriteBufferLimits(low: 1_000, high: 4_000)) ?? .stream },
            recorder: recorder)
        // What the pipe takes at once; the rest has to wait.
        try process.input.write([UInt8](repeating: UInt8(ascii: "x"), count: 200_000))
        #expect(recorder.events == ["made", "pause"])
        try process.input.write("\n")
        process.run(until: { recorder.events.contains("resume") })
        #expect(recorder.events == ["made", "pause", "resume"])
        #expect(try process.input.writeBufferSize <= 1_000)
        try process.input.close()
        process.runToEnd()
        #expect(process.transport.termination == .exited(0))
    }

    @Test("a pipe under another number is one that the program writes to")
    func otherNumbers() throws {
        let process = try SteppedProcess(
            shell: "echo three >&3; echo five >&5; echo four 2>/dev/null >&4 || echo none",
            .with {
                $0.standardInput = .null
                $0.otherDescriptors = [3: .pipe, 5: .pipe]
            })
        process.runToEnd()
        #expect(process.recorder.text(3) == "three\n")
        #expect(process.recorder.text(5) == "five\n")
        #expect(process.recorder.text(1) == "none\n")
    }
}
