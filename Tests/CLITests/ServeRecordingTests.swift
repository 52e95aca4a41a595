import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// `volley serve --record` and what goes with it; several captures as one.
@Suite(.timeLimit(.minutes(10)))
struct ServeRecordingTests {
    /// A server, and the port it says that it listens on.
    private func serve(_ arguments: [String]) throws -> (Command.Running, UInt16) {
        let running = try Command.start(["serve", "echo", "--listen", "127.0.0.1:0"] + arguments)
        let line = running.readLine()
        return (running, try #require(line.split(separator: ":").last.flatMap { UInt16($0) }, "\(line)"))
    }

    /// Sends a datagram and waits for the same one to come back.
    private func exchange(_ client: UDPClient) throws {
        try #require(client.send(7))
        try #require(client.receive() == 7)
    }

    private func readErrorLine(_ running: Command.Running) -> String {
        var line = Data()
        while let byte = try? running.pipes?.errors.fileHandleForReading.read(upToCount: 1), !byte.isEmpty,
            byte != Data([UInt8(ascii: "\n")])
        { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    @Test("SIGUSR1 writes what a flight recorder holds, and it goes on")
    func flightRecorder() throws {
        let file = TemporaryFile("pcapng")
        let (running, port) = try serve(["--record", file.path, "--record-last", "60"])
        let client = try UDPClient(to: port)
        for round in 1...2 {
            try exchange(client)
            kill(running.process.processIdentifier, SIGUSR1)
            let words = readErrorLine(running).split(separator: " ")
            let path = String(try #require(words.last))
            // The last reply may be here before the recorder has been shown it.
            let told = try #require(words.dropFirst().first.flatMap { Int($0) }, "\(words)")
            #expect((2 * round - 1...2 * round).contains(told))
            var reader = try CaptureReader(path: path)
            var count = 0
            while let record = try reader.next() { count += record.decode().payloadLength == 4 ? 1 : 0 }
            #expect(count == told)
            try FileManager.default.removeItem(atPath: path)
        }
        running.process.terminate()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: file.path))
    }

    @Test("what is recorded can be read while serving goes on, and is not lost when the server is killed")
    func flushed() throws {
        let fifo = TemporaryFile("fifo")
        try #require(unsafe mkfifo(fifo.path, 0o600) == 0)
        let running = try Command.start(["serve", "echo", "--listen", "127.0.0.1:0", "--record", fifo.path])
        var reader = try CaptureReader(path: fifo.path)
        let port = try #require(running.readLine().split(separator: ":").last.flatMap { UInt16($0) })
        try exchange(UDPClient(to: port))
        for _ in 0..<2 { #expect(try nextPayloadLength(&reader) == 4) }
        kill(running.process.processIdentifier, SIGKILL)
        running.process.waitUntilExit()
        #expect(try nextPayloadLength(&reader) == nil)
    }

    private func nextPayloadLength(_ reader: inout CaptureReader) throws -> Int? {
        guard let record = try reader.next() else { return nil }
        return record.decode().payloadLength
    }

    @Test("a full disk is told when it happens, and serving goes on")
    func fullDisk() throws {
        let (running, port) = try serve(["--record", "/dev/full"])
        let line = readErrorLine(running)
        #expect(line.contains("the recording has ended, serving goes on: /dev/full"), "\(line)")
        try exchange(UDPClient(to: port))
        running.process.terminate()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 4)
    }

    @Test("options of a recording take a recording")
    func badOptions() throws {
        for arguments in [
            ["--record-last", "3"], ["--rotate-size", "100"], ["--record", "x", "--keep", "2"],
            ["--record", "x", "--record-last", "3", "--rotate-size", "100"],
            ["--record", "x", "--record-sample", "2", "--record-peers", "2"],
        ] {
            #expect(try Command.run("serve", ["echo"] + arguments).status == 64)
        }
    }

    @Test("several captures are one, a damaged one is named, and a missing decompressor with its package")
    func severalFiles() throws {
        var files: [TemporaryFile] = []
        for first in 0..<2 {
            let file = TemporaryFile("pcapng")
            let writer = try CaptureWriter(path: file.path)
            for number in 0..<4 {
                let packet = [UInt8(first)]
                try writer.write(RawSpan(packet.span), at: Int64(2 * number + first))
            }
            try writer.close()
            files.append(file)
        }
        let whole = try Command.run("inspect", files[0].path, files[1].path, "--json")
        #expect(whole.status == 0)
        #expect(whole.output.contains("\"records\" : 8") || whole.output.contains("\"total\" : 8"), "\(whole.output)")
        #expect(whole.output.contains("\"timestampsBackwards\" : 0"), "\(whole.output)")
        let cut = try TemporaryFile(Array(try Data(contentsOf: URL(fileURLWithPath: files[0].path)).dropLast(4)))
        let damaged = try Command.run("inspect", cut.path, files[1].path)
        #expect(damaged.status == 65)
        #expect(damaged.errors.contains("\(cut.path): block "))

        let packed = try TemporaryFile([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0])
        let running = try Command.start(["inspect", packed.path], environment: ["PATH": "/nowhere"])
        let errors = running.pipes?.errors.fileHandleForReading.readDataToEndOfFile() ?? Data()
        running.process.waitUntilExit()
        #expect(running.process.terminationStatus == 65)
        #expect(String(decoding: errors, as: UTF8.self).contains("install the package zstd"))
    }
}
