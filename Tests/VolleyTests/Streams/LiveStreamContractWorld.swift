import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// The stream contract's world over real sockets: a loop stepped on the test's own thread, a peer that is a plain socket,
/// and a table of system calls that obeys the scenario's faults.
final class LiveStreamContractWorld: StreamContractWorld {
    /// How the stream came about.
    enum Carrier: Sendable, CaseIterable {
        case acceptedIPv4, acceptedIPv6, connectedIPv4, connectedIPv6, acceptedUnix, connectedUnix, socketPair

        var isUnix: Bool { self == .acceptedUnix || self == .connectedUnix || self == .socketPair }
        var host: IPAddress { self == .acceptedIPv6 || self == .connectedIPv6 ? .loopbackV6 : .loopbackV4 }
    }

    private let carrier: Carrier
    private let loop: EpollLoop
    private let names: TemporaryNames
    private let streamFaults: StreamFaults
    private let hook: FaultyStreamCalls
    private var peer: StreamPeerSocket?
    private weak var transport: FlowTransport?
    private var socket: SocketIdentity?

    init(_ carrier: Carrier) throws {
        self.carrier = carrier
        names = try TemporaryNames(isAbstract: carrier == .connectedUnix)
        hook = FaultyStreamCalls()
        streamFaults = hook.faults
        loop = try EpollLoop(syscalls: hook.table)
    }

    deinit { loop.shutDown() }

    var capabilities: StreamCapabilities {
        carrier.isUnix ? [.writing, .faults, .interactive] : [.writing, .faults, .interactive, .reset, .internet]
    }

    var faults: StreamFaults? { streamFaults }

    // MARK: Opening

    func open(_ protocol: any BaseStreamProtocol, options: StreamContractOptions) throws {
        var settings = StreamOptions()
        settings.writeBufferLimits = options.writeBufferLimits
        switch carrier {
        case .acceptedIPv4, .acceptedIPv6:
            try accept(`protocol`, settings, options.earlyBytes) { core throws(StreamError) in
                try core.bind(to: SocketAddress(carrier.host, port: 0))
            } connect: {
                try StreamPeerSocket(connectedTo: try #require($0.localAddress))
            }
        case .acceptedUnix:
            let name = try names.next()
            try accept(`protocol`, settings, options.earlyBytes) { core throws(StreamError) in
                try core.bind(to: name)
            } connect: {
                try StreamPeerSocket(connectedTo: try #require($0.unixAddress))
            }
        case .connectedIPv4, .connectedIPv6:
            let listener = try StreamPeerSocket(listeningOn: SocketAddress(carrier.host, port: 0))
            let peer = StreamPeer.internet(try #require(listener.address))
            try connect(`protocol`, to: peer, through: listener, settings, options.earlyBytes)
        case .connectedUnix:
            let name = try names.next()
            let listener = try StreamPeerSocket(listeningOn: name)
            try connect(`protocol`, to: .unix(name), through: listener, settings, options.earlyBytes)
        case .socketPair:
            var pair: [CInt] = [-1, -1]
            try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0)
            peer = StreamPeerSocket(adopting: pair[1])
            peer?.write(options.earlyBytes)
            socket = SocketIdentity(pair[0])
            transport = try loop.adoptStream(pair[0], settings) { `protocol` }
        }
        if socket == nil { socket = hook.socket }
        waitForBytes(options.earlyBytes.count)
    }

    private func accept(
        _ protocol: any BaseStreamProtocol, _ settings: StreamOptions, _ early: [UInt8],
        _ bind: (ServerCore) throws(StreamError) -> Void, connect: (StreamAcceptor) throws -> StreamPeerSocket
    ) throws {
        var options = ServerOptions()
        options.stream = settings
        let server = try loop.makeServer(options, { `protocol` }, bind)
        let peer = try connect(try #require(server.acceptors.first))
        self.peer = peer
        peer.write(early)
        waitUntil {
            loop.turn(waiting: false)
            return server.statistics.accepted == 1
        }
        server.close()
        transport = (`protocol` as? StreamRecorder)?.transport as? FlowTransport
    }

    private func connect(
        _ protocol: any BaseStreamProtocol, to target: StreamPeer, through listener: StreamPeerSocket,
        _ settings: StreamOptions, _ early: [UInt8]
    ) throws {
        var options = ConnectOptions()
        options.stream = settings
        var failure: StreamError?
        let connector = Connector(on: loop, options) { [loop] result in
            do throws(StreamError) {
                if let socket = try result.get().take() {
                    self.transport = loop.open(socket, settings) { `protocol` }
                }
            } catch {
                failure = error
            }
        }
        connector.start(.peer(target))
        let peer = try listener.accept()
        self.peer = peer
        peer.write(early)
        waitUntil { transport != nil || failure != nil || loop.turn(waiting: false) && transport != nil }
        if let failure { throw failure }
    }

    // MARK: The peer

    private var descriptor: CInt? { socket.flatMap { $0.isOpen ? $0.descriptor : nil } }

    func deliver(_ bytes: [UInt8]) {
        let before = descriptor.map { System.pendingBytes($0) } ?? 0
        peer?.write(bytes)
        waitForBytes(before + bytes.count)
    }

    private func waitForBytes(_ count: Int) {
        guard count > 0, let descriptor else { return }
        waitUntil { System.pendingBytes(descriptor) >= count }
    }

    func deliverEnd() {
        peer?.end()
        if let descriptor { waitUntil { System.polls(descriptor, CInt(POLLRDHUP)) } }
    }

    func deliverReset() {
        peer?.reset()
        if let descriptor { waitUntil { System.polls(descriptor, 0) } }
    }

    var arrived: [UInt8] {
        if let transport { peer?.drain(until: Int(transport.statistics.bytesSent)) } else { peer?.drain() }
        return peer?.arrived ?? []
    }

    var hasEnded: Bool {
        peer?.drain(waiting: 20)
        return peer?.hasEnded ?? false
    }

    var isShutDown: Bool { socket?.isOpen == false }

    // MARK: Turns

    func turn() {
        loop.turn(waiting: false)
        peer?.drain()
    }

    func settle() {
        var idle = 0
        var rounds = 0
        while idle < 3, !(streamFaults.isWritingBlocked && rounds >= 16), rounds < 1_000_000 {
            rounds += 1
            let isBusy = loop.turn(waiting: false)
            let hasRead = peer?.drain() ?? false
            // What the kernel still has to send takes as long as it takes.
            let isWaiting = (transport?.writeBufferSize ?? 0) > 0
            if isWaiting, !isBusy { sched_yield() }
            idle = isBusy || hasRead || isWaiting ? 0 : idle + 1
        }
    }
}

/// The system calls of streams with a scenario's faults in front.
final class FaultyStreamCalls: @unchecked Sendable {
    // True by the test: loop and faults are used on its one thread.
    let faults = StreamFaults()
    /// The socket made or accepted last.
    private(set) var socket: SocketIdentity?

    var table: Syscalls {
        var table = Syscalls.kernel
        table.stream.socket = { [self] family in
            let descriptor = StreamSyscalls.kernel.socket(family)
            socket = SocketIdentity(CInt(descriptor))
            return descriptor
        }
        unsafe table.stream.accept = { [self] descriptor, name in
            let accepted = unsafe StreamSyscalls.kernel.accept(descriptor, name)
            if accepted >= 0 { socket = SocketIdentity(CInt(accepted)) }
            return accepted
        }
        unsafe table.stream.receive = { [self] descriptor, buffer, count in
            if let errno = faults.nextRead() { return -Int(errno.rawValue) }
            return unsafe StreamSyscalls.kernel.receive(descriptor, buffer, count)
        }
        unsafe table.stream.send = { [self] descriptor, bytes, count in
            let allowed = faults.nextWrite(count)
            let result = allowed > 0 ? unsafe StreamSyscalls.kernel.send(descriptor, bytes, allowed) : allowed
            faults.noteWrite(offered: count, vectors: 1, result: result)
            return result
        }
        unsafe table.stream.sendVectors = { [self] descriptor, vectors, count in
            let offered = (0..<count).reduce(0) { unsafe $0 + vectors[$1].iov_len }
            let allowed = faults.nextWrite(offered)
            var result = allowed
            if allowed > 0 {
                // No more than is allowed: the last vector is cut off.
                unsafe result = Self.send(descriptor, vectors, count, atMost: allowed)
            }
            faults.noteWrite(offered: offered, vectors: count, result: result)
            return result
        }
        return table
    }

    /// Passes on no more than is allowed: the last vector is cut off.
    private static func send(
        _ descriptor: CInt, _ vectors: UnsafePointer<iovec>, _ count: Int, atMost allowed: Int
    ) -> Int {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: count) { list in
            var rest = allowed
            var used = 0
            while used < count, rest > 0 {
                // SAFETY: `used` is below the count of both.
                let vector = unsafe vectors[used]
                let length = unsafe min(vector.iov_len, rest)
                unsafe list.initializeElement(at: used, to: iovec(iov_base: vector.iov_base, iov_len: length))
                rest -= length
                used += 1
            }
            guard let start = list.baseAddress else { return 0 }
            return unsafe StreamSyscalls.kernel.sendVectors(descriptor, start, used)
        }
    }
}
