import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// `volley record`, in a network namespace of its own, whose loopback nobody else uses.
@Suite(.timeLimit(.minutes(10)))
struct RecordCommandTests {
    /// Whether this process may make namespaces, and has what the scripts use.
    private static let hasNamespaces: Bool = {
        (try? script("command -v ip > /dev/null && unshare -n true", isPlain: true).status) == 0
    }()

    private static func script(
        _ text: String, _ variables: [String: String] = [:], isPlain: Bool = false
    ) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let shell = ["bash", "-c", isPlain ? text : "ip link set lo up; " + text]
        process.arguments = (isPlain ? [] : ["unshare", "-n"]) + shell
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text, complaints)
    }

    private func ports(_ path: String) throws -> [UInt16] {
        var reader = try CaptureReader(path: path)
        var ports: [UInt16] = []
        while let record = try reader.next() { ports.append(record.decode().destination.port) }
        return ports
    }

    @Test(
        "packets of lo that match are recorded up to the count, with the drops reported",
        .enabled(if: hasNamespaces, "needs the right to make network namespaces, and ip"))
    func countAndFilter() throws {
        let file = TemporaryFile("pcapng")
        let result = try Self.script(
            """
            exec 3< <(exec "$volley" record -i lo --filter 'udp dst port 9' --count 3 "$file")
            read -u 3 line; echo "$line"
            for port in 9 10 9 11 9 9 9; do echo hello > /dev/udp/127.0.0.1/$port; done
            cat <&3
            """, ["volley": try #require(Command.program).path, "file": file.path])
        #expect(result.output.hasPrefix("recording lo (ETHERNET) into \(file.path)\nrecorded 3 packets, 144 bytes in "))
        #expect(result.output.contains("\ndropped  0 by the kernel, 0 by the interface\n"))
        #expect(try ports(file.path) == [9, 9, 9])
    }

    @Test(
        "Ctrl-C ends a recording, and what came before is in the file",
        .enabled(if: hasNamespaces, "needs the right to make network namespaces, and ip"))
    func interrupt() throws {
        let file = TemporaryFile("pcapng")
        let result = try Self.script(
            """
            exec 3< <(exec "$volley" record -i lo --snaplen 44 --json "$file"); pid=$!
            read -u 3 line
            for port in 9 10; do echo hello > /dev/udp/127.0.0.1/$port; done
            kill -INT $pid; cat <&3; wait $pid
            """, ["volley": try #require(Command.program).path, "file": file.path])
        #expect(result.status == 0)
        #expect(result.output.contains("\"packets\":4"), "two datagrams and two port unreachables")
        var reader = try CaptureReader(path: file.path)
        var lengths: [Int] = []
        while let record = try reader.next() { lengths.append(record.capturedLength) }
        #expect(lengths == [44, 44, 44, 44])
    }

    @Test("an interface that is not there, and one that must not be captured from, are explained")
    func refused() throws {
        let file = TemporaryFile("pcapng")
        let result = try Command.run("record", "-i", "volley-none0", file.path)
        #expect(result.status == 4)
        #expect(result.errors.contains("volley-none0: "))
        #expect(result.errors.contains("no such interface") || result.errors.contains("CAP_NET_RAW"))
        #expect(!FileManager.default.fileExists(atPath: file.path))
        #expect(try Command.run("record", "-i", "lo", "--keep", "3", file.path).status == 64)
    }

    @Test("nobody captures without the privilege, and is told which one", .enabled(if: geteuid() == 0, "not root"))
    func unprivileged() throws {
        let file = TemporaryFile("pcapng")
        let script = "setpriv --reuid=65534 --clear-groups --bounding-set=-all \"$volley\" record -i lo \"$file\""
        let result = try Self.script(
            script, ["volley": try #require(Command.program).path, "file": file.path], isPlain: true)
        // Where the build folder is closed to others, the program cannot even start.
        guard !result.errors.contains("Permission denied\n") || result.errors.contains("volley: lo") else { return }
        #expect(result.status == 4)
        #expect(result.errors.contains("CAP_NET_RAW"), "\(result.errors)")
    }
}
