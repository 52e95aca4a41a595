import Foundation
import Testing

/// `volley replay --exec` with the program it is made for.
@Suite(.timeLimit(.minutes(10)))
struct ReplayExecTests {
    /// Whether packets can be captured here (packet(7) takes CAP_NET_RAW).
    private static let mayCapture: Bool = {
        let descriptor = socket(AF_PACKET, Int32(SOCK_DGRAM.rawValue), 0)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }()

    /// An echo server of somebody else, and its client: they say the port, wait for a line, and exchange ten datagrams.
    private static let traffic = """
        import socket, sys
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for one in (server, client): one.settimeout(30); one.bind(("127.0.0.1", 0))
        print(server.getsockname()[1], flush=True)
        sys.stdin.readline()
        for number in range(10):
            client.sendto(b"request %d" % number, server.getsockname())
            data, source = server.recvfrom(100)
            server.sendto(data, source)
            client.recvfrom(100)
        """

    @Test(
        "what tcpdump sees on the loopback is replayed as it comes; Ctrl-C ends both, with a report",
        .needs(.tcpdump, .python), .enabled(if: mayCapture, "capturing is not permitted here"))
    func tcpdump() throws {
        let traffic = try Running("/usr/bin/env", ["python3", "-c", Self.traffic])
        let port = try #require(UInt16(traffic.output.readLine()))
        let program = try #require(Bundle.main.executableURL).deletingLastPathComponent().appendingPathComponent(
            "volley")
        let replay = try Running(
            program.path,
            [
                "replay", "--exec", "tcpdump -i lo -U -c 20 -w - udp port \(port); tail -f /dev/null", "--as",
                "server:\(port)",
                "--into", "echo",
            ])
        var said = ""
        while !said.contains("listening on") {
            said = replay.errors.readLine()
            try #require(!said.isEmpty, "tcpdump does not listen")
        }
        traffic.input.write("go\n")
        traffic.process.waitUntilExit()
        #expect(traffic.process.terminationStatus == 0)
        // It has written all of them when it says how many they were; the command then goes on with something else.
        while !said.contains("packets captured") {
            said = replay.errors.readLine()
            try #require(!said.isEmpty, "tcpdump does not end")
        }
        replay.process.interrupt()
        let report = replay.output.readAll()
        let errors = replay.errors.readAll()
        replay.process.waitUntilExit()
        #expect(replay.process.terminationStatus == 0, "\(errors)")
        #expect(report.contains("20 records, 10 datagrams delivered"), "\(report)")
        #expect(report.contains("replies: 10 identical, 0 different, 0 missing, 0 extra"), "\(report)")
        #expect(errors.contains("the command ended with"))
    }
}

/// A program with pipes.
private struct Running {
    let process = Process()
    let input = Pipe()
    let output = Pipe()
    let errors = Pipe()

    init(_ program: String, _ arguments: some Sequence<String>) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = Array(arguments)
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }
}

extension Pipe {
    /// The next line, without its end; empty at the end of the stream.
    fileprivate func readLine() -> String {
        var line = Data()
        while let byte = try? fileHandleForReading.read(upToCount: 1), !byte.isEmpty,
            byte[byte.startIndex] != UInt8(ascii: "\n")
        { line.append(byte) }
        return String(decoding: line, as: UTF8.self)
    }

    /// All that is left.
    fileprivate func readAll() -> String {
        String(decoding: (try? fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
    }

    fileprivate func write(_ text: String) { try? fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
}
