import Foundation
import Testing
import Volley

/// The hand-over as its documentation says, spoken by a program that shares no code with ours.
struct HandoverPeerTests {
    private final class Echo: DatagramProtocol {
        func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
    }

    /// Gives away whether the first attempt succeeded, and the reason if it did not.
    private static func firstReport() -> (
        AsyncStream<String?>, @Sendable (Result<CInt, LifecycleError>) -> Void
    ) {
        let (stream, continuation) = AsyncStream.makeStream(of: String?.self)
        return (
            stream,
            { result in
                if case .failure(let error) = result {
                    continuation.yield("\(error.code)")
                } else {
                    continuation.yield(nil)
                }
            }
        )
    }

    /// What both programs begin with: connected, greeted, and the names and descriptors of the offer.
    private static let greeting = """
        import array, os, socket, struct, sys
        if len(sys.argv) > 2:
            os.setuid(int(sys.argv[2]))
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(30)
        s.connect(sys.argv[1])
        s.send(b"VLYH\\x01\\x01")
        data, fds, flags, _ = socket.recv_fds(s, 70000, 253)
        assert data[:5] == b"VLYH\\x01", data

        """

    @Test("a successor written in Python takes the socket over, and answers what comes", .needs(.python))
    func pythonTakesOver() async throws {
        let folder = try TemporaryFolder()
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Echo() }
        let (reports, report) = Self.firstReport()
        _ = try loop.offerSockets(
            [OfferedSocket(endpoint, name: "écho")], at: folder.path("handover"), options: HandoverOptions(), report)
        let program =
            Self.greeting + """
                assert data[5] == 2 and len(fds) == 2, (data, fds)
                count, length = struct.unpack("!HB", data[6:9])
                print(count, data[9:9 + length].decode(), len(data) - 9 - length)
                udp = socket.socket(fileno=fds[0])
                client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                client.settimeout(30)
                client.sendto(b"old", udp.getsockname())
                print(client.recv(100).decode())
                s.send(b"VLYH\\x01\\x03")
                print(s.recv(100))
                client.sendto(b"new", udp.getsockname())
                udp.settimeout(30)
                print(udp.recv(100).decode())
                """
        let output = try await Tool.python.run(["-", folder.path("handover")], input: Array(program.utf8))
        #expect(output.lines == ["1 écho 0", "old", #"b'VLYH\x01\x04'"#, "new"])
        var iterator = reports.makeAsyncIterator()
        #expect(await iterator.next() == .some(nil))
        #expect(await endpoint.closed() == nil)
        #expect(await endpoint.statistics().received == 1)
    }

    @Test(
        "a process of another user gets nothing, even where the path lets it in", .needs(.python),
        .enabled(if: geteuid() == 0, "only root can become another user"))
    func anotherUser() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path("handover")
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Echo() }
        let (reports, report) = Self.firstReport()
        _ = try loop.offerSockets([OfferedSocket(endpoint)], at: path, options: HandoverOptions(), report)
        let locked = Self.greeting.replacingOccurrences(
            of: "s.connect(sys.argv[1])", with: "print(s.connect_ex(sys.argv[1])); sys.exit()")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path(""))
        #expect(try await Tool.python.run(["-", path, "65534"], input: Array(locked.utf8)).lines == ["\(EACCES)"])

        try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
        let program = Self.greeting + "print(data[5], fds, b'65534' in data)\n"
        let output = try await Tool.python.run(["-", path, "65534"], input: Array(program.utf8))
        #expect(output.lines == ["5 [] True"])
        var iterator = reports.makeAsyncIterator()
        #expect(await iterator.next() == "wrongUser")
    }
}
