import CVolley
import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

@Suite("Connecting to names", .timeLimit(.minutes(10)))
struct ConnectorTests {
    /// Answers at once with what it was made with.
    private struct FixedResolver: NameResolver {
        let addresses: [SocketAddress]
        func resolve(
            _ query: NameQuery, _ completion: @escaping @Sendable (Result<[SocketAddress], StreamError>) -> Void
        ) -> NameLookup {
            completion(.success(addresses))
            return NameLookup()
        }
    }

    /// Notes whom is connected to, and leaves attempts to some addresses unanswered.
    private final class ConnectScript: @unchecked Sendable {
        // True by the test: used on its one thread.
        private(set) var order: [SocketAddress] = []
        private(set) var sockets: [SocketIdentity] = []
        /// Addresses that do not answer: the socket is connected to a listener that never accepts, on a full queue.
        var silent: Set<SocketAddress> = []
        var failing: [SocketAddress: CInt] = [:]
        private let blackHole: BlackHole

        init() throws { blackHole = try BlackHole() }

        var table: Syscalls {
            var table = Syscalls.kernel
            unsafe table.connect = { [self] descriptor, name in
                let address = unsafe SocketAddress(kernelBytes: Array(name)) ?? .unspecified
                order.append(address)
                if let socket = SocketIdentity(descriptor) { sockets.append(socket) }
                if let errno = failing[address] { return -Int(errno) }
                guard silent.contains(address) else { return unsafe Syscalls.kernel.connect(descriptor, name) }
                return unsafe blackHole.address.withKernelBytes { unsafe Syscalls.kernel.connect(descriptor, $0) }
            }
            return table
        }
    }

    /// A listener whose queue is full: what is sent to it to connect is dropped, and tried again for minutes.
    private final class BlackHole {
        let listener: StreamPeerSocket
        let address: SocketAddress
        private var fillers: [StreamPeerSocket] = []

        init() throws {
            listener = try StreamPeerSocket(listeningOn: SocketAddress(.loopbackV4, port: 0), backlog: 0)
            address = try #require(listener.address)
            fillers.append(try StreamPeerSocket(connectedTo: address))
        }
    }

    /// Runs a connector to its end, on a loop that the test steps.
    private static func connect(
        _ addresses: [SocketAddress], _ script: ConnectScript, delay: Duration = .milliseconds(5),
        timeout: Duration? = .seconds(30)
    ) throws -> Result<SocketAddress?, StreamError> {
        let loop = try EpollLoop(syscalls: script.table)
        defer { loop.shutDown() }
        var options = ConnectOptions()
        options.resolver = FixedResolver(addresses: addresses)
        options.attemptDelay = delay
        options.timeout = timeout
        var outcome: Result<SocketAddress?, StreamError>?
        let connector = Connector(on: loop, options) { result in
            outcome = result.map { $0.take()?.names().remote }
        }
        connector.start(.name("somewhere", port: 0))
        waitUntil {
            loop.turn(waiting: outcome == nil)
            return outcome != nil
        }
        return try #require(outcome)
    }

    private static func listener(_ host: IPAddress) throws -> (StreamPeerSocket, SocketAddress) {
        let listener = try StreamPeerSocket(listeningOn: SocketAddress(host, port: 0))
        return (listener, try #require(listener.address))
    }

    @Test("the first address that answers is kept")
    func first() throws {
        let script = try ConnectScript()
        let (four, fourAddress) = try Self.listener(.loopbackV4)
        let (six, sixAddress) = try Self.listener(.loopbackV6)
        #expect(try Self.connect([sixAddress, fourAddress], script, delay: .seconds(20)).get() == sixAddress)
        #expect(script.order == [sixAddress])
        withExtendedLifetime((four, six)) {}
    }

    @Test("an address that does not answer does not hold up the next, and is given up for it")
    func silent() throws {
        let script = try ConnectScript()
        let (listener, address) = try Self.listener(.loopbackV4)
        let dead = SocketAddress(IPAddress(v4: 0xc000_0201), port: 1)
        script.silent = [dead]
        #expect(try Self.connect([dead, address], script).get() == address)
        #expect(script.order == [dead, address])
        // The loser is closed; the winner was, by the test.
        #expect(script.sockets.allSatisfy { !$0.isOpen })
        withExtendedLifetime(listener) {}
    }

    @Test("an address that fails is followed at once by the next, of the other family")
    func failing() throws {
        let script = try ConnectScript()
        let (listener, address) = try Self.listener(.loopbackV4)
        let dead = (1...3).map { SocketAddress(IPAddress(v6High: 1, low: UInt64($0)), port: 1) }
        for address in dead { script.failing[address] = ENETUNREACH }
        #expect(try Self.connect(dead + [address], script, delay: .seconds(20)).get() == address)
        #expect(script.order == [dead[0], address])
        withExtendedLifetime(listener) {}
    }

    @Test("when all fail the error is that of the first, and tells of the others")
    func allFail() throws {
        let script = try ConnectScript()
        let dead = (1...3).map { SocketAddress(IPAddress(v4: UInt32($0)), port: 1) }
        script.failing = [dead[0]: ENETUNREACH, dead[1]: EHOSTUNREACH, dead[2]: ECONNREFUSED]
        let result = try Self.connect(dead, script)
        #expect(throws: StreamError.self) { try result.get() }
        guard case .failure(let error) = result else { return }
        #expect(error.errno == .networkUnreachable)
        #expect(error.peer == dead[0])
        #expect(error.context?.contains("0.0.0.2:1") == true && error.context?.contains("0.0.0.3:1") == true)
    }

    @Test("an attempt that takes too long ends with ETIMEDOUT, and its sockets are closed")
    func timeout() throws {
        let script = try ConnectScript()
        let dead = SocketAddress(IPAddress(v4: 0xc000_0201), port: 1)
        script.silent = [dead]
        let result = try Self.connect([dead], script, timeout: .milliseconds(10))
        guard case .failure(let error) = result else { return #expect(Bool(false), "connected to nobody") }
        #expect(error.kind == .timedOut)
        #expect(error.peer == dead)
        #expect(script.sockets.count == 1 && script.sockets.allSatisfy { !$0.isOpen })
    }

    @Test("a name that takes too long to find ends with ETIMEDOUT")
    func slowName() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        var options = ConnectOptions()
        options.resolver = SilentResolver()
        options.timeout = .milliseconds(5)
        var outcome: StreamError?
        let connector = Connector(on: loop, options) { result in
            if case .failure(let error) = result { outcome = error }
        }
        connector.start(.name("nowhere", port: 1))
        waitUntil {
            loop.turn(waiting: outcome == nil)
            return outcome != nil
        }
        #expect(outcome?.kind == .timedOut)
        #expect(outcome?.operation == .resolve)
    }

    @Test("a Unix listener whose queue is full is tried again until there is room")
    func fullQueue() throws {
        let loop = try EpollLoop()
        defer { loop.shutDown() }
        let name = try TemporaryNames(isAbstract: true).next()
        let listener = try StreamPeerSocket(listeningOn: name, backlog: 0)
        let filler = try StreamPeerSocket(connectedTo: name)
        var isConnected = false
        let connector = Connector(on: loop, ConnectOptions()) { result in
            if case .success(let box) = result { isConnected = box.take() != nil }
        }
        connector.start(.peer(.unix(name)))
        for _ in 0..<3 { loop.turn(waiting: false) }
        #expect(!isConnected)
        let accepted = try listener.accept()
        waitUntil {
            loop.turn(waiting: !isConnected)
            return isConnected
        }
        #expect(isConnected)
        withExtendedLifetime((filler, accepted)) {}
    }
}

@Suite("Name resolution", .timeLimit(.minutes(10)))
struct ResolverTests {
    private static func resolve(
        _ resolver: SystemNameResolver, _ query: NameQuery
    ) -> Result<[SocketAddress], StreamError> {
        let answer = Completion<Result<[SocketAddress], StreamError>>()
        _ = resolver.resolve(query) { answer.give($0) }
        return answer.wait()
    }

    @Test("the system's resolver knows this host, and ports and families are as asked for")
    func localhost() throws {
        let addresses = try Self.resolve(.shared, NameQuery(host: "localhost", port: 53)).get()
        #expect(!addresses.isEmpty && addresses.allSatisfy { $0.port == 53 && $0.ip.isLoopback })
        let four = try Self.resolve(.shared, NameQuery(host: "localhost", port: 53, family: .ipv4)).get()
        #expect(four == [SocketAddress(.loopbackV4, port: 53)])
        let all = try Self.resolve(.shared, NameQuery(host: nil, port: 53, isPassive: true)).get()
        #expect(all.contains(SocketAddress(IPAddress(v4: 0), port: 53)))
    }

    @Test("digits are an answer of their own, and a name that is none has an error with the name in it")
    func literals() throws {
        let isAsked = Atomic(false)
        let resolver = SystemNameResolver(threadsMax: 1) { _ in
            isAsked.store(true, ordering: .relaxed)
            return .failure(ResolverFailure(code: EAI_NONAME, errno: 0))
        }
        #expect(
            try Self.resolve(resolver, NameQuery(host: "::1", port: 7)).get() == [SocketAddress(.loopbackV6, port: 7)])
        let wasAsked = isAsked.load(ordering: .relaxed)
        #expect(!wasAsked)
        guard case .failure(let error) = Self.resolve(resolver, NameQuery(host: "no.such.name", port: 7)) else {
            return #expect(Bool(false), "a name without addresses was found")
        }
        #expect(error.kind == .nameNotFound)
        #expect(error.description.contains("no.such.name"))
    }

    @Test("a look-up that hangs is cancelled at once, and others go on beside it")
    func hanging() throws {
        let gate = Latch()
        let resolver = SystemNameResolver(threadsMax: 2) { query in
            if query.host == "slow" { gate.wait() }
            return .success([SocketAddress(.loopbackV4, port: query.port)])
        }
        let slow = Completion<Result<[SocketAddress], StreamError>>()
        let lookup = resolver.resolve(NameQuery(host: "slow", port: 1)) { slow.give($0) }
        #expect(try Self.resolve(resolver, NameQuery(host: "quick", port: 2)).get().first?.port == 2)
        #expect(slow.value == nil)
        lookup.cancel()
        #expect(throws: StreamError(.canceled, operation: .resolve, context: "slow")) { try slow.wait().get() }
        gate.open()
        // Its answer comes too late to count.
        #expect(try Self.resolve(resolver, NameQuery(host: "quick", port: 3)).get().first?.port == 3)
        lookup.cancel()
        #expect(throws: StreamError.self) { try slow.wait().get() }
    }

    @Test("many look-ups share few threads")
    func many() throws {
        let busy = Mutex((now: 0, most: 0))
        let resolver = SystemNameResolver(threadsMax: 3) { query in
            busy.withLock { busy in
                busy.now += 1
                busy.most = max(busy.most, busy.now)
            }
            sched_yield()
            busy.withLock { $0.now -= 1 }
            return .success([SocketAddress(.loopbackV4, port: query.port)])
        }
        let answers = (1...100).map { _ in Completion<UInt16?>() }
        for (index, answer) in answers.enumerated() {
            _ = resolver.resolve(NameQuery(host: "name", port: UInt16(index))) { result in
                answer.give(try? result.get().first?.port)
            }
        }
        #expect(answers.map { $0.wait() } == (0..<100).map { UInt16($0) })
        #expect(busy.withLock { $0.most } <= 3)
    }
}
