import CVolley
import Glibc
import Synchronization
import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// An old process and a new one, played by two loops of this one, with an echo server to hand over.
final class HandoverHarness {
    let names: TemporaryNames
    let path: String
    let old: LiveEventLoop
    let new: LiveEventLoop
    let endpoint: DatagramEndpoint
    let address: SocketAddress
    let peer = Peer()
    let reports = Reports()

    /// What the old process says of each attempt, in order.
    final class Reports: Sendable {
        private let results = Mutex<[Result<CInt, LifecycleError>]>([])

        func add(_ result: Result<CInt, LifecycleError>) { results.withLock { $0.append(result) } }

        /// The results once there are `count`, or what there is when that takes for ever.
        func wait(for count: Int = 1) -> [Result<CInt, LifecycleError>] {
            waitUntil { results.withLock { $0.count >= count } }
            return results.withLock { $0 }
        }

        /// Why the first `count` attempts failed; nil for one that did not.
        func codes(_ count: Int = 1) -> [LifecycleError.Code?] {
            wait(for: count).map { if case .failure(let error) = $0 { error.code } else { nil } }
        }
    }

    init() throws {
        names = try TemporaryNames(isAbstract: false)
        path = try #require(try names.next().path)
        old = try LiveEventLoop()
        new = try LiveEventLoop()
        endpoint = try old.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { EchoProtocol() }
        address = try #require(endpoint.localAddress)
    }

    deinit {
        old.stop()
        new.stop()
    }

    @discardableResult
    func offer(
        _ sockets: [OfferedSocket]? = nil, stepLimit: Duration = .seconds(30)
    ) throws(LifecycleError) -> SocketHandover {
        var options = HandoverOptions()
        options.stepLimit = stepLimit
        return try old.offerSockets(
            sockets ?? [OfferedSocket(endpoint, name: "echo")], at: path, options: options
        ) { [reports] in reports.add($0) }
    }

    func connect() throws -> SocketTakeover { try #require(try SocketTakeover.connect(to: path)) }

    /// Sends `count` datagrams, one at a time, and checks that each is answered.
    func echo(_ count: Int) {
        for index in 0..<count {
            let bytes = [UInt8(truncatingIfNeeded: index), 7]
            peer.send(bytes, to: address)
            #expect(peer.receive()?.bytes == bytes)
        }
    }
}

/// A process that speaks the hand-over by hand, as badly as a test wants.
final class RawSuccessor {
    let channel: HandoverChannel

    init(to path: String) throws {
        guard let connection = try HandoverPath(path).connect(timeout: .seconds(30)) else {
            throw LifecycleError(.peerGone, "nobody at \(path)")
        }
        channel = HandoverChannel(connection)
    }

    init(_ descriptor: CInt) { channel = HandoverChannel(OwnedDescriptor(descriptor)) }

    func send(_ bytes: [UInt8]) {
        let result = unsafe volley_send_packet(channel.descriptor, bytes, bytes.count, nil, 0)
        #expect(result == bytes.count)
    }

    /// The next message; nil at the end.
    func next() throws -> HandoverMessage? {
        var message: HandoverMessage??
        waitUntil {
            switch Result(catching: { try channel.receive() }) {
            case .success(.none): return false
            case .success(.end): message = .some(nil)
            case .success(.message(let received, _)): message = received
            case .failure: break
            }
            return true
        }
        return try #require(message)
    }
}
