import Synchronization
import Testing
import Volley

/// Programs of others as clients of our endpoints.
struct EchoPeerTests {
    /// Sends every datagram back to where it came from.
    private final class Echo: DatagramProtocol {
        func datagramReceived(_ datagram: Datagram) { datagram.reply(datagram.payload) }
    }

    /// Gives the first datagram away.
    private final class FirstDatagram: DatagramProtocol {
        private let stream: AsyncStream<[UInt8]>.Continuation
        init(_ stream: AsyncStream<[UInt8]>.Continuation) { self.stream = stream }
        func datagramReceived(_ datagram: Datagram) {
            stream.yield(Array(copying: datagram.payload))
            stream.finish()
        }
    }

    @Test(
        "an asyncio DatagramProtocol gets every size back, the empty one too", .needs(.python),
        arguments: ["127.0.0.1", "::1"])
    func asyncioClient(host: String) async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try await loop.bindDatagram(to: SocketAddress(try IPAddress(parsing: host), port: 0)) { Echo() }
        let port = try #require(endpoint.localAddress).port
        let output = try await Tool.python.run(["-", host, "\(port)"], input: Array(Self.asyncioEcho.utf8))
        #expect(output.lines == ["0 1 2 1400 9000 65507"])
        #expect(await endpoint.statistics().received == 6)
    }

    /// One datagram of each size, the next when the answer to the last has come; prints the sizes of what came back.
    private static let asyncioEcho = """
        import asyncio, os, socket, sys

        class Client(asyncio.DatagramProtocol):
            def __init__(self):
                self.answers = asyncio.Queue()
            def datagram_received(self, data, addr):
                self.answers.put_nowait(data)
            def error_received(self, exc):
                self.answers.put_nowait(exc)

        async def main():
            loop = asyncio.get_running_loop()
            address = (sys.argv[1], int(sys.argv[2]))
            # Not every version of asyncio sends empty datagrams, so a plain socket does.
            transport, client = await loop.create_datagram_endpoint(Client, remote_addr=address)
            descriptor = os.dup(transport.get_extra_info("socket").fileno())
            plain = socket.socket(fileno=descriptor)
            sizes = []
            for size in (0, 1, 2, 1400, 9000, 65507):
                sent = bytes(i * 7 % 256 for i in range(size))
                if sent:
                    transport.sendto(sent)
                else:
                    plain.send(sent)
                answer = await asyncio.wait_for(client.answers.get(), 30)
                assert answer == sent, (size, answer)
                sizes.append(str(size))
            print(*sizes)

        asyncio.run(main())
        """

    @Test("socat gets its line back over UDP", .needs(.socat))
    func socatOverUDP() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Echo() }
        let address = try #require(endpoint.localAddress)
        // Ends by itself as soon as the six bytes are there; -t only bounds the wait for them.
        let output = try await Tool.socat.run(
            ["-t", "30", "-", "UDP4:\(address),readbytes=6"], input: Array("volley".utf8))
        #expect(output.text == "volley")
    }

    @Test("a Python client gets its bytes back over a Unix datagram socket", .needs(.python))
    func pythonOverUnix() async throws {
        let folder = try TemporaryFolder()
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let server = try UnixAddress(path: folder.path("server"))
        let endpoint = try await loop.bindDatagram(to: server) { Echo() }
        let program = """
            import socket, sys
            client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            client.settimeout(30)
            client.bind(sys.argv[2])
            client.connect(sys.argv[1])
            for size in (1, 0, 65507):
                client.send(bytes(size))
                print(client.recv(70000) == bytes(size))
            """
        let output = try await Tool.python.run(
            ["-", folder.path("server"), folder.path("client")], input: Array(program.utf8))
        #expect(output.lines == ["True", "True", "True"])
        #expect(await endpoint.statistics().received == 3)
    }

    @Test("what logger sends arrives as one syslog datagram", .needs(.logger))
    func loggerSends() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let endpoint = try await loop.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) {
            FirstDatagram(continuation)
        }
        let port = try #require(endpoint.localAddress).port
        try await Tool.logger.run(
            [
                "--udp", "--server", "127.0.0.1", "--port", "\(port)", "--rfc5424=notime,notq,nohost", "-t", "volley",
                "fired",
            ])
        var datagrams = stream.makeAsyncIterator()
        let message = String(decoding: try #require(await datagrams.next()), as: UTF8.self)
        #expect(message.hasPrefix("<13>1 "))
        #expect(message.hasSuffix(" fired"))
    }
}
