import Foundation
import Testing
import VolleyCapture
import VolleyCore
import VolleyWire

/// `volley replay --to`: the names of services, and the addresses that datagrams are sent from.
@Suite("the target of a live replay", .timeLimit(.minutes(10)))
struct ReplayTargetTests {
    /// Requests of three clients and their answers, over one family.
    private static func capture(isIPv6: Bool = false) throws -> (file: TemporaryFile, clients: Set<String>) {
        func host(_ number: UInt64) -> IPAddress {
            isIPv6
                ? IPAddress(v6High: 0x2001_0db8_0000_0000, low: number) : IPAddress(v4: 0xc000_0200 + UInt32(number))
        }
        let writer = CaptureWriter(inMemory: .pcapng)
        let server = SocketAddress(host(1), port: 7007)
        var clients: Set<String> = []
        for index in 0..<30 as Range<UInt64> {
            let client = SocketAddress(host(10 + index % 3), port: 40_000 + UInt16(index % 3))
            clients.insert("\(client)")
            let payload = Array("\(index) datagram".utf8)
            let time = Int64(index) * 100_000
            try writer.writeDatagram(RawSpan(payload.span), from: client, to: server, at: time)
            try writer.writeDatagram(RawSpan(payload.span), from: server, to: client, at: time + 1_000)
        }
        return (try TemporaryFile(writer.bytes), clients)
    }

    @Test("a host may have a name")
    func hostName() throws {
        // Of either family, for that is the resolver's choice.
        let service = try Command.start(["serve", "echo", "--listen", "[::]:0"])
        defer {
            service.process.terminate()
            service.process.waitUntilExit()
        }
        let port = String(try #require(service.readLine().split(separator: ":").last))
        let file = try Self.capture().file
        let result = try Command.run(
            "replay",
            [file.path, "--as", "server:7007", "--to", "localhost:\(port)", "--drain", "0.3"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("to localhost:\(port) (") && result.output.contains("30 answers"))
    }

    @Test("a name that has no address is an error of the network, not of the command line")
    func unknownName() throws {
        let file = try Self.capture().file
        let result = try Command.run("replay", file.path, "--as", "server:7007", "--to", "no-such-host.invalid:53")
        #expect(result.status == 4)
        #expect(result.errors.contains("no-such-host.invalid: no address"))
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test(
        "what is no host and port gets one line and status 64",
        arguments: [
            "localhost", "localhost:", "localhost:0", "localhost:70000", "300.1.1.1:53", ":53", "a b:53", "::1:x",
        ])
    func wrong(_ target: String) throws {
        let result = try Command.run("replay", "x.pcap", "--to", target)
        #expect(result.status == 64)
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(result.errors.contains("--to"))
    }

    /// Why there can be no network of the test's own; nil when there can.
    private static let obstacle: String? = {
        let attempt = try? shell("unshare -n ip link set lo up")
        return attempt?.status == 0 ? nil : "takes CAP_SYS_ADMIN, unshare(1) and ip(8)"
    }()

    private static func shell(_ script: String) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "PATH=$PATH:/usr/sbin:/sbin\n" + script]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    @Test(
        "with --original-sources the service sees the clients of the capture, and answers them",
        .enabled(if: obstacle == nil, Comment(rawValue: obstacle ?? "")), arguments: [false, true])
    func originalSources(isIPv6: Bool) throws {
        let program = try #require(Command.program?.path)
        let (file, clients) = try Self.capture(isIPv6: isIPv6)
        let recording = TemporaryFile("pcapng")
        let result = try Self.shell(
            """
            unshare -n sh -e -c '
                ip link set lo up
                ip route add local 192.0.2.0/24 dev lo
                ip -6 route add local 2001:db8::/32 dev lo
                mkfifo \(recording.path).fifo
                "\(program)" serve echo --listen \(isIPv6 ? "[::1]" : "127.0.0.1"):7007 --record \(recording.path) \
                    > \(recording.path).fifo &
                exec 3< \(recording.path).fifo
                rm \(recording.path).fifo
                read line <&3
                status=0
                "\(program)" replay \(file.path) --as server:7007 --to \(isIPv6 ? "[::1]" : "127.0.0.1"):7007 \
                    --original-sources --drain 0.3 || status=$?
                kill $!
                cat <&3 > /dev/null
                wait $! || true
                exit $status'
            """)
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output.contains("by 3 sockets; 30 answers") && result.output.contains("30 identical"))
        var reader = try CaptureReader(path: recording.path)
        var sources: Set<String> = []
        while let record = try reader.next() {
            let frame = record.decode()
            if frame.destination.port == 7007 { sources.insert("\(frame.source)") }
        }
        #expect(sources == clients)
    }
}
