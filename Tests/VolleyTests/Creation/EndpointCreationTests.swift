import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("Creating datagram endpoints", .timeLimit(.minutes(10)))
struct EndpointCreationTests {
    private static let hosts = [IPAddress(v4: 0x7f00_0001), IPAddress(v6High: 0, low: 1)]

    @Test(
        "server on port 0 and connected client: both are made before the call returns, echo, and close",
        arguments: hosts)
    func echo(host: IPAddress) throws {
        let loop = try EpollLoop()
        let (server, client) = (RecordingProtocol(), RecordingProtocol())
        server.onDatagram = { _, datagram, _ in datagram.reply(datagram.payload) }
        let bound = try loop.bind(to: SocketAddress(host, port: 0), DatagramOptions()) { server }
        #expect(server.events == [.connectionMade])
        let address = try #require(bound.localAddress)
        #expect(address.port != 0)
        #expect(bound.extraInfo("sockname") as? SocketAddress == address)
        #expect(bound.extraInfo("peername") == nil)
        let connected = try loop.connect(to: address, from: nil, DatagramOptions()) { client }
        #expect(client.events == [.connectionMade])
        #expect(connected.extraInfo("peername") as? SocketAddress == address)
        connected.send(Array("hello".utf8))
        loop.settle { !client.payloads.isEmpty }
        #expect(server.datagrams.map(\.source) == [PeerAddress(try #require(connected.localAddress))])
        #expect(client.payloads == [Array("hello".utf8)])
        connected.close()
        bound.close()
        loop.settle()
        #expect(client.events.last == .connectionLost(nil))
        #expect(server.events.last == .connectionLost(nil))
    }

    @Test("a ready-made bound socket can be given, and belongs to the endpoint")
    func adopts() throws {
        let descriptor = CInt(Syscalls.kernel.socket(CInt(AF_INET)))
        let identity = try #require(SocketIdentity(descriptor))
        let local = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0)
        try #require(unsafe local.withKernelBytes { unsafe Syscalls.kernel.bind(descriptor, $0) } == 0)
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        let transport = try loop.adopt(descriptor, DatagramOptions()) { recorder }
        #expect(transport.descriptor == descriptor)
        let peer = try PeerSocket(host: IPAddress(v4: 0x7f00_0001))
        peer.send([1], to: PeerAddress(try #require(transport.localAddress)))
        loop.settle { !recorder.payloads.isEmpty }
        #expect(recorder.payloads == [[1]])
        #expect(identity.isOpen)
        transport.close()
        loop.settle()
        #expect(!identity.isOpen)
    }

    @Test("a socket that is not a datagram socket is refused, and closed")
    func wrongSocket() throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let identity = try #require(SocketIdentity(descriptor))
        let loop = try EpollLoop()
        let error = #expect(throws: DatagramError.self) {
            try loop.adopt(descriptor, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(error?.errno == .protocolWrongTypeForSocket)
        #expect(!identity.isOpen)
    }

    @Test("an address without a family, as of a name that was not found, is refused with EAFNOSUPPORT")
    func noAddress() throws {
        let loop = try EpollLoop()
        let bound = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress.unspecified, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(bound?.errno == .addressFamilyNotSupported)
        let connected = #expect(throws: DatagramError.self) {
            try loop.connect(to: SocketAddress.unspecified, from: nil, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(connected?.errno == .addressFamilyNotSupported)
    }

    @Test("a failing connect is thrown with its operation and peer, and the socket closed")
    func connectFails() throws {
        let calls = RecordedCalls()
        calls.connectResult = -Int(Errno.networkUnreachable.rawValue)
        let peer = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 9)
        let loop = try EpollLoop(syscalls: calls.table)
        let error = #expect(throws: DatagramError.self) {
            try loop.connect(to: peer, from: nil, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(error == DatagramError(.networkUnreachable, operation: .connect, peer: peer))
        #expect(calls.socket?.isOpen == false)
    }

    @Test("an endpoint that may broadcast is not connected to the peer it is given")
    func broadcastStaysUnconnected() throws {
        let peers = try (0..<2).map { _ in try PeerSocket(host: IPAddress(v4: 0x7f00_0001)) }
        let loop = try EpollLoop()
        let recorder = RecordingProtocol()
        var options = DatagramOptions()
        options.allowsBroadcast = true
        let local = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0)
        let address = try #require(peers[0].address.socketAddress)
        let transport = try loop.connect(to: address, from: local, options) { recorder }
        #expect(transport.remoteAddress == nil)
        peers[1].send([1], to: PeerAddress(try #require(transport.localAddress)))
        loop.settle { !recorder.payloads.isEmpty }
        #expect(recorder.payloads == [[1]])
    }

    @Test("a failing socket call is thrown, for every way to make an endpoint")
    func socketFails() throws {
        let calls = RecordedCalls()
        calls.socketResult = -Int(Errno.tooManyOpenFiles.rawValue)
        let loop = try EpollLoop(syscalls: calls.table)
        let address = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0)
        let unix = try UnixAddress(abstract: "volley-nobody")
        let ways: [() throws -> RingTransport] = [
            { try loop.bind(to: address, DatagramOptions()) { RecordingProtocol() } },
            { try loop.connect(to: address, from: nil, DatagramOptions()) { RecordingProtocol() } },
            { try loop.bind(to: unix, DatagramOptions()) { RecordingProtocol() } },
            { try loop.connect(to: unix, from: nil, DatagramOptions()) { RecordingProtocol() } },
        ]
        for way in ways {
            let error = #expect(throws: DatagramError.self) { _ = try way() }
            #expect(error?.kind == .tooManyFiles)
            #expect(error?.operation == .create)
        }
    }

    @Test("local and remote addresses of different families are refused, and the socket closed")
    func mixedFamilies() throws {
        let calls = RecordedCalls()
        let loop = try EpollLoop(syscalls: calls.table)
        let error = #expect(throws: DatagramError.self) {
            try loop.connect(
                to: SocketAddress(IPAddress(v6High: 0, low: 1), port: 9),
                from: SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0), DatagramOptions()
            ) { RecordingProtocol() }
        }
        #expect(error?.errno == .addressFamilyNotSupported)
        #expect(calls.socket?.isOpen != true)
    }

    @Test("a failure to make the socket non-blocking is thrown, and the socket closed")
    func nonBlockingFails() throws {
        let calls = RecordedCalls()
        calls.nonBlockingResult = -Int(Errno.invalidArgument.rawValue)
        let loop = try EpollLoop(syscalls: calls.table)
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0), DatagramOptions()) {
                RecordingProtocol()
            }
        }
        #expect(error == DatagramError(.invalidArgument, operation: .configure))
        #expect(calls.socket?.isOpen == false)
    }

    @Test("a failing bind is thrown with its errno and address, and the socket closed")
    func bindFails() throws {
        let calls = RecordedCalls()
        calls.bindResult = -Int(Errno.addressNotAvailable.rawValue)
        let loop = try EpollLoop(syscalls: calls.table)
        let address = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 7)
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: address, DatagramOptions()) { RecordingProtocol() }
        }
        #expect(error == DatagramError(.addressNotAvailable, operation: .bind, peer: address))
        #expect(calls.socket?.isOpen == false)
    }

    @Test("a failing option is thrown, and the socket closed")
    func optionFails() throws {
        let calls = RecordedCalls()
        calls.optionResult = -Int(Errno.notPermitted.rawValue)
        let loop = try EpollLoop(syscalls: calls.table)
        var options = DatagramOptions()
        options.reusesPort = true
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0), options) { RecordingProtocol() }
        }
        #expect(error?.errno == .notPermitted)
        #expect(error?.operation == .configure)
        #expect(error?.option?.name == "SO_REUSEPORT")
        #expect(calls.socket?.isOpen == false)
    }

    @Test("no option is set unless asked: REUSEPORT and BROADCAST on request, REUSEADDR never")
    func optionsOnlyOnRequest() throws {
        let calls = RecordedCalls()
        let loop = try EpollLoop(syscalls: calls.table)
        let address = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0)
        var options = DatagramOptions()
        // Trains have tests of their own.
        options.usesGRO = false
        _ = try loop.bind(to: address, options) { RecordingProtocol() }
        #expect(calls.options == [])
        options.reusesPort = true
        options.allowsBroadcast = true
        let transport = try loop.bind(to: address, options) { RecordingProtocol() }
        #expect(calls.options == [[SOL_SOCKET, SO_REUSEPORT, 1], [SOL_SOCKET, SO_BROADCAST, 1]])
        let descriptor = try #require(transport.descriptor)
        #expect(System.getOption(descriptor, SOL_SOCKET, SO_REUSEADDR) == 0)
        loop.shutDown()
    }

    /// One option of the socket each, as an adopted socket must not be given.
    static let socketOptions: [@Sendable (inout DatagramOptions) -> Void] = [
        { $0.reusesPort = true }, { $0.allowsBroadcast = true }, { $0.isIPv6Only = true },
        { $0.receiveBufferSize = 4_096 }, { $0.sendBufferSize = 4_096 },
        { $0.ip.hopLimit = 3 }, { $0.device.mark = 3 }, { $0.device.interface = "lo" },
        { $0.multicast.interface = "lo" },
        { $0.multicast.memberships = [MulticastMembership(IPAddress(v4: 0xef01_0203))] },
    ]

    @Test(
        "a socket that is given together with an option of the socket is refused and closed",
        arguments: socketOptions.indices)
    func adoptedOptions(index: Int) throws {
        let calls = RecordedCalls()
        let loop = try EpollLoop(syscalls: calls.table)
        var options = DatagramOptions()
        Self.socketOptions[index](&options)
        let descriptor = CInt(Syscalls.kernel.socket(CInt(AF_INET)))
        let error = #expect(throws: DatagramError.self) {
            _ = try loop.adopt(descriptor, options) { RecordingProtocol() }
        }
        #expect(error?.errno == .invalidArgument)
        #expect(!calls.options.contains { $0[0] == SOL_SOCKET })
        loop.shutDown()
    }

    @Test("an address makes a socket of its family, UDP and for datagrams, without asking a resolver", arguments: hosts)
    func socketKind(host: IPAddress) throws {
        let calls = RecordedCalls()
        let loop = try EpollLoop(syscalls: calls.table)
        let address = try #require(SocketAddress(host.isIPv6 ? "[::1]:0" : "127.0.0.1:0"))
        let transport = try loop.bind(to: address, DatagramOptions()) { RecordingProtocol() }
        let descriptor = try #require(transport.descriptor)
        #expect(calls.families == [CInt(host.isIPv6 ? AF_INET6 : AF_INET)])
        #expect(System.getOption(descriptor, SOL_SOCKET, SO_TYPE) == CInt(SOCK_DGRAM.rawValue))
        #expect(System.getOption(descriptor, SOL_SOCKET, SO_PROTOCOL) == CInt(IPPROTO_UDP))
        loop.shutDown()
    }

    @Test("impossible sizes are refused with EINVAL", arguments: [(0, 100), (1_025, 100), (64, 0), (64, .max)])
    func impossibleOptions(batchSize: Int, slotSize: Int) throws {
        let loop = try EpollLoop()
        var options = DatagramOptions()
        options.batchSize = batchSize
        options.slotSize = slotSize
        let error = #expect(throws: DatagramError.self) {
            try loop.bind(to: SocketAddress(IPAddress(v4: 0x7f00_0001), port: 0), options) { RecordingProtocol() }
        }
        #expect(error?.errno == .invalidArgument)
    }
}
