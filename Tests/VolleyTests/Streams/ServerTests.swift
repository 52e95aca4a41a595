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

@Suite("Servers", .timeLimit(.minutes(10)))
struct ServerTests {
    private static let anyPort = SocketAddress(.loopbackV4, port: 0)

    /// A server on a loop that the test steps.
    private static func serve(
        on loop: EpollLoop, _ options: ServerOptions = ServerOptions()
    ) throws -> (ServerCore, SocketAddress) {
        let core = try loop.makeServer(options, { Echo() }) { core throws(StreamError) in
            try core.bind(to: anyPort)
        }
        return (core, try #require(core.acceptors.first?.localAddress))
    }

    @Test("many clients are served side by side, and counted")
    func clients() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        let (server, address) = try Self.serve(on: loop)
        let clients = try (0..<100).map { _ in try StreamPeerSocket(connectedTo: address) }
        for (index, client) in clients.enumerated() { client.write(Array("client \(index)".utf8)) }
        loop.settle {
            clients.allSatisfy {
                $0.drain(); return $0.arrived.count >= 8
            } && server.statistics.active == 100
        }
        for (index, client) in clients.enumerated() {
            #expect(String(decoding: client.arrived, as: UTF8.self) == "client \(index)")
        }
        for client in clients { client.close() }
        loop.settle { server.statistics.active == 0 }
        #expect(server.statistics.accepted == 100)
        #expect(server.statistics.streams.bytesReceived == server.statistics.streams.bytesSent)
        #expect(server.statistics.streams.bytesReceived == 890)
    }

    @Test("connections over the limit wait until one ends")
    func limit() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        var options = ServerOptions()
        options.connectionsMax = 2
        let (server, address) = try Self.serve(on: loop, options)
        let clients = try (0..<4).map { _ in try StreamPeerSocket(connectedTo: address) }
        loop.settle { server.statistics.active == 2 }
        loop.settle()
        #expect(server.statistics.active == 2)
        #expect(server.statistics.limitReached == 1)
        clients[0].close()
        loop.settle { server.statistics.accepted == 3 }
        #expect(server.statistics.active == 2)
        for client in clients { client.close() }
        loop.settle { server.statistics.accepted == 4 && server.statistics.active == 0 }
    }

    @Test("without descriptors or memory accepting rests, then goes on", arguments: [24, 23, 105, 12] as [CInt])
    func backOff(number: CInt) throws {
        let script = AcceptScript([number])
        let loop = try EpollLoop(syscalls: script.table)
        defer { loop.shutDown() }
        var options = ServerOptions()
        options.acceptRetryDelay = .milliseconds(20)
        let (server, address) = try Self.serve(on: loop, options)
        let client = try StreamPeerSocket(connectedTo: address)
        loop.settle { server.statistics.backOffs == 1 }
        let calls = script.calls
        for _ in 0..<5 { loop.turn(waiting: false) }
        #expect(script.calls == calls || server.statistics.accepted == 1)
        #expect(server.statistics.acceptErrors == [Errno(rawValue: number): 1])
        waitUntil {
            loop.turn(waiting: true)
            return server.statistics.accepted == 1
        }
        #expect(server.statistics.active == 1)
        #expect(client.write([1]) == 1)
    }

    @Test(
        "a connection that ended before it was accepted costs the next nothing", arguments: [103, 71, 1, 113] as [CInt])
    func aborted(number: CInt) throws {
        let script = AcceptScript([number, number])
        let loop = try EpollLoop(syscalls: script.table)
        defer { loop.shutDown() }
        let (server, address) = try Self.serve(on: loop)
        let client = try StreamPeerSocket(connectedTo: address)
        loop.settle { server.statistics.accepted == 1 }
        #expect(server.statistics.acceptErrors == [Errno(rawValue: number): 2])
        #expect(server.statistics.backOffs == 0)
        #expect(client.write([1]) == 1)
    }

    /// Accepts that fail with one errno after the other, before any goes to the kernel.
    private final class AcceptScript: @unchecked Sendable {
        // True by the test: used on its one thread.
        private var errnos: [CInt]
        private(set) var calls = 0
        init(_ errnos: [CInt]) { self.errnos = errnos }

        var table: Syscalls {
            var table = Syscalls.kernel
            unsafe table.stream.accept = { [self] descriptor, name in
                calls += 1
                return errnos.isEmpty
                    ? unsafe StreamSyscalls.kernel.accept(descriptor, name) : -Int(errnos.removeFirst())
            }
            return table
        }
    }

    @Test("a listening socket has the options it is asked for, and its connections inherit theirs")
    func options() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        var options = ServerOptions()
        options.reusesPort = true
        options.stream.keepalive = Keepalive(idle: .seconds(10), interval: .seconds(3), count: 4)
        options.stream.acknowledgementTimeout = .seconds(7)
        let recorder = RecordingStreamProtocol()
        let server = try loop.makeServer(options, { recorder }) { core throws(StreamError) in
            try core.bind(to: Self.anyPort)
        }
        let acceptor = try #require(server.acceptors.first)
        #expect(System.getOption(acceptor.descriptor, SOL_SOCKET, SO_REUSEADDR) == 1)
        #expect(System.getOption(acceptor.descriptor, SOL_SOCKET, SO_REUSEPORT) == 1)
        let client = try StreamPeerSocket(connectedTo: try #require(acceptor.localAddress))
        loop.settle { recorder.transport != nil }
        let descriptor = recorder.transport?.extraInfo("descriptor", default: CInt(-1)) ?? -1
        let tcp = CInt(IPPROTO_TCP)
        #expect(System.getOption(descriptor, tcp, CInt(VOLLEY_TCP_NODELAY)) != 0)
        #expect(System.getOption(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(System.getOption(descriptor, tcp, CInt(VOLLEY_TCP_KEEPIDLE)) == 10)
        #expect(System.getOption(descriptor, tcp, CInt(VOLLEY_TCP_KEEPINTVL)) == 3)
        #expect(System.getOption(descriptor, tcp, CInt(VOLLEY_TCP_KEEPCNT)) == 4)
        #expect(System.getOption(descriptor, tcp, CInt(VOLLEY_TCP_USER_TIMEOUT)) == 7_000)
        #expect(recorder.transport?.remoteAddress == client.address)
    }

    @Test("options out of range are refused by name, and no socket stays")
    func badOptions() throws {
        let loop = try EpollLoop()
        var options = ServerOptions()
        options.connectionsMax = 0
        do throws(StreamError) {
            _ = try loop.makeServer(options, { Echo() }) { _ throws(StreamError) in }
            Issue.record("a server without connections was made")
        } catch {
            #expect(error.option?.name == "connectionsMax")
        }
        options.connectionsMax = 1
        options.stream.keepalive = Keepalive(count: -1)
        do throws(StreamError) {
            _ = try loop.makeServer(options, { Echo() }) { core throws(StreamError) in
                try core.bind(to: Self.anyPort)
            }
            Issue.record("a negative count was taken")
        } catch {
            #expect(error.option?.name == "TCP_KEEPCNT")
        }
        loop.shutDown()
    }

    @Test("abort resets the connection if asked to, and ends it quietly otherwise", arguments: [true, false])
    func reset(isAsked: Bool) throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        var options = ServerOptions()
        options.stream.resetsOnAbort = isAsked
        let recorder = RecordingStreamProtocol()
        let server = try loop.makeServer(options, { recorder }) { core throws(StreamError) in
            try core.bind(to: Self.anyPort)
        }
        let client = try StreamPeerSocket(connectedTo: try #require(server.acceptors.first?.localAddress))
        loop.settle { recorder.transport != nil }
        recorder.transport?.abort()
        loop.settle { server.statistics.active == 0 }
        waitUntil {
            client.drain()
            return client.hasEnded
        }
        #expect(client.receiveErrno == (isAsked ? ECONNRESET : nil))
    }

    @Test("the file of a Unix server goes with it, but not somebody else's")
    func socketFile() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        let names = try TemporaryNames(isAbstract: false)
        let name = try names.next()
        let path = try #require(name.path)
        let server = try loop.makeServer(ServerOptions(), { Echo() }) { core throws(StreamError) in
            try core.bind(to: name)
        }
        #expect(System.fileIdentity(path) != nil)
        // Alive, so not to be replaced.
        #expect(throws: StreamError.self) {
            _ = try loop.makeServer(ServerOptions(), { Echo() }) { core throws(StreamError) in
                try core.bind(to: name)
            }
        }
        server.close()
        #expect(System.fileIdentity(path) == nil)
        let second = try loop.makeServer(ServerOptions(), { Echo() }) { core throws(StreamError) in
            try core.bind(to: name)
        }
        System.unlinkFile(path)
        let other = try StreamPeerSocket(listeningOn: name)
        second.close()
        #expect(System.fileIdentity(path) != nil)
        other.close()
        // Stale now, so to be replaced.
        let third = try loop.makeServer(ServerOptions(), { Echo() }) { core throws(StreamError) in
            try core.bind(to: name)
        }
        third.close()
    }

    @Test("an address in use is named in the error, and nothing of the server stays")
    func addressInUse() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        let (server, address) = try Self.serve(on: loop)
        do throws(StreamError) {
            _ = try loop.makeServer(ServerOptions(), { Echo() }) { core throws(StreamError) in
                try core.bind(to: Self.anyPort)
                try core.bind(to: address)
            }
            Issue.record("an address was taken twice")
        } catch {
            #expect(error.kind == .addressInUse)
            #expect(error.peer == address || error.operation == .listen)
        }
        server.close()
    }
}
