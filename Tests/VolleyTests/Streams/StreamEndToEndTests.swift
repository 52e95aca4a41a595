import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// A protocol that sends back what it receives.
private final class Echo: StreamProtocol {
    private var transport: (any StreamTransport)?
    func connectionMade(_ transport: any StreamTransport) { self.transport = transport }
    func dataReceived(_ data: RawSpan) { transport?.write(data) }
}

@Suite("Servers and connections, on loops of their own", .timeLimit(.minutes(10)))
struct StreamEndToEndTests {
    @Test("a client and a server talk, by address, and both hear of the end")
    func talk() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let server = try loop.createServer(on: SocketAddress(.loopbackV6, port: 0)) { Echo() }
        let address = try #require(server.localAddress)
        let answer = Completion<[UInt8]>()
        let client = try loop.createConnection(to: address) { Asker("hello", answer) }
        #expect(client.remoteAddress == address)
        #expect(answer.wait() == Array("hello".utf8))
        #expect(client.waitUntilClosed() == nil)
        #expect(client.statistics().bytesReceived == 5)
        server.close()
        server.waitUntilClosed()
        #expect(server.statistics().accepted == 1)
        #expect(server.statistics().streams.bytesSent == 5)
    }

    @Test("a client and a server talk by name, over whichever family answers")
    func names() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let server = try await loop.createServer(onHost: "127.0.0.1", port: 0) { Echo() }
        let port = try #require(server.localAddress?.port)
        let answer = Completion<[UInt8]>()
        let client = try await loop.createConnection(toHost: "localhost", port: port) { Asker("hello", answer) }
        #expect(await answer.get() == Array("hello".utf8))
        #expect(await client.closed() == nil)
        server.close()
        await server.closed()
        #expect(await server.statistics().accepted == 1)
    }

    @Test("a client and a server talk over a Unix socket")
    func unix() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let name = try TemporaryNames(isAbstract: true).next()
        let server = try await loop.createServer(on: name) { Echo() }
        #expect(server.unixAddress?.isAbstract == true)
        let answer = Completion<[UInt8]>()
        let client = try await loop.createConnection(to: name) { Asker("hello", answer) }
        #expect(await answer.get() == Array("hello".utf8))
        #expect(await client.closed() == nil)
    }

    @Test("where nobody listens the error names the address")
    func refused() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let peer = SocketAddress(.loopbackV4, port: 9)
        do throws(StreamError) {
            _ = try loop.createConnection(to: peer) { Echo() }
            Issue.record("the discard port answered")
        } catch {
            #expect(error.kind == .connectionRefused)
            #expect(error.peer == peer)
            #expect(error.description.hasPrefix("connect to 127.0.0.1:9: "))
        }
    }

    @Test("a loop that stops ends what lives on it, and what is being made")
    func stopping() throws {
        let loop = try LiveEventLoop()
        let server = try loop.createServer(on: SocketAddress(.loopbackV4, port: 0)) { Echo() }
        let client = try loop.createConnection(to: try #require(server.localAddress)) { Echo() }
        var options = ConnectOptions()
        options.resolver = SilentResolver()
        let result = Completion<Result<StreamConnection, StreamError>>()
        loop.startConnection(toHost: "nowhere", port: 1, options: options) {
            Echo()
        } whenDone: {
            result.give($0)
        }
        loop.stop()
        #expect(client.waitUntilClosed() == nil)
        server.waitUntilClosed()
        #expect(throws: StreamError(.canceled, operation: .connect)) { try result.wait().get() }
        #expect(throws: StreamError.self) {
            _ = try loop.createConnection(to: SocketAddress(.loopbackV4, port: 9)) { Echo() }
        }
    }

    @Test("a connection being made can be cancelled, by its handle and with its task")
    func cancelling() async throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        var options = ConnectOptions()
        options.resolver = SilentResolver()
        let result = Completion<Result<StreamConnection, StreamError>>()
        let pending = loop.startConnection(toHost: "nowhere", port: 1, options: options) {
            Echo()
        } whenDone: {
            result.give($0)
        }
        pending.cancel()
        #expect(throws: StreamError(.canceled, operation: .connect)) { try result.wait().get() }
        let task = Task { [options] in
            try await loop.createConnection(toHost: "nowhere", port: 1, options: options) { Echo() }
        }
        task.cancel()
        await #expect(throws: StreamError(.canceled, operation: .connect)) { try await task.value }
    }

    @Test("a connection is adopted, and what is none is refused")
    func adopting() throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        var pair: [CInt] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
        let peer = StreamPeerSocket(adopting: pair[1])
        let connection = try loop.adoptConnection(descriptor: pair[0]) { Echo() }
        peer.write([1, 2, 3])
        peer.drain(until: 3)
        #expect(peer.arrived == [1, 2, 3])
        connection.close()
        #expect(connection.waitUntilClosed() == nil)
        let datagram = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        #expect(throws: StreamError(.protocolWrongTypeForSocket, operation: .configure)) {
            _ = try loop.adoptConnection(descriptor: datagram) { Echo() }
        }
        let unconnected = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #expect(throws: StreamError(.socketNotConnected, operation: .configure)) {
            _ = try loop.adoptConnection(descriptor: unconnected) { Echo() }
        }
    }
}

/// A protocol that asks one question, gives the answer away and closes.
private final class Asker: StreamProtocol {
    private let question: String
    private let answer: Completion<[UInt8]>
    private var transport: (any StreamTransport)?
    private var received: [UInt8] = []

    init(_ question: String, _ answer: Completion<[UInt8]>) {
        self.question = question
        self.answer = answer
    }

    func connectionMade(_ transport: any StreamTransport) {
        self.transport = transport
        transport.write(question)
    }

    func dataReceived(_ data: RawSpan) {
        received += [UInt8](copying: data)
        guard received.count >= question.utf8.count else { return }
        answer.give(received)
        transport?.close()
    }
}

/// A resolver that never answers, unless it is told to end.
struct SilentResolver: NameResolver {
    func resolve(
        _ query: NameQuery, _ completion: @escaping @Sendable (Result<[SocketAddress], StreamError>) -> Void
    ) -> NameLookup {
        NameLookup { completion(.failure(StreamError(.canceled, operation: .resolve))) }
    }
}
