import Dispatch
import Glibc
import Volley
import VolleyCore

/// The socket of `volley serve`, or one for each shard: where it comes from, and who gets it next.
struct ServeSocket {
    private let group: EventLoopGroup
    let shards: [DatagramEndpoint]
    /// The address, with where the socket comes from if this process has not opened it.
    let place: String
    private let offer: SocketHandover?
    private let isInherited: Bool

    /// Where to listen unless something else is said.
    static let standardAddress = SocketAddress(.loopbackV4, port: 7007)

    /// Takes the socket over from the server at `handover`, or else from the service manager, or else opens it.
    ///
    /// Serves when this returns, ends at SIGINT, SIGTERM and SIGHUP, and offers the socket at `handover` itself.
    init(
        listen: SocketAddress?, handover: String?, sharding: ShardOptions, options: DatagramOptions,
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws {
        // Before there is another thread, since it changes the environment.
        let activated = try ActivatedSockets.take()
        let group = try sharding.makeGroup()
        let loop = group.loops[0]
        guard (handover == nil && activated.isEmpty) || group.loops.count == 1 else {
            throw ServeError("--shards opens sockets of its own: it takes neither --handover nor a socket from systemd")
        }
        let takeover = try handover.flatMap { try SocketTakeover.connect(to: $0) }
        let shards: [DatagramEndpoint]
        var origin = ""
        if let takeover {
            shards = [try Self.adopt(takeover.sockets, listen, on: loop, options, makeProtocol)]
            origin = " (from process \(takeover.processID))"
        } else if !activated.isEmpty {
            shards = [try Self.adopt(activated, nil, on: loop, options, makeProtocol)]
            origin = " (from systemd)"
        } else {
            let address = listen ?? Self.standardAddress
            do throws(DatagramError) {
                shards = try group.bindDatagram(
                    to: address, options: options, steering: sharding.steering, makeProtocol
                ).shards
            } catch {
                throw ServeError("cannot listen on \(address): \(error)")
            }
        }
        try loop.onSignals([.interrupt, .terminate, .hangup]) { _, _ in
            Self.notify(.stopping)
            Self.end(shards, isInherited: takeover != nil || !activated.isEmpty)
        }
        try takeover?.complete()
        offer = try handover.map { path in
            try loop.offerSockets([OfferedSocket(shards[0])], at: path, after: takeover) { Self.comment($0) }
        }
        self.group = group
        isInherited = takeover != nil || !activated.isEmpty
        self.shards = shards
        let endpoint = shards[0]
        place = (endpoint.localAddress.map { "\($0)" } ?? endpoint.unixLocalAddress.map { "\($0)" } ?? "") + origin
        if takeover != nil { Self.notify(.mainProcess(getpid()), .ready) } else { Self.notify(.ready) }
    }

    /// What was asked of the socket and granted.
    var report: SocketReport { shards[0].socketReport }

    /// Ends serving after so many seconds.
    func close(after seconds: Double) {
        let (shards, isInherited) = (shards, isInherited)
        group.loops[0].execute { loop in
            loop.callLater(.seconds(seconds)) { Self.end(shards, isInherited: isInherited) }
        }
    }

    /// Waits until all is closed; returns the first error that ended a shard.
    func waitUntilClosed() -> DatagramError? {
        shards.map { $0.waitUntilClosed() }.reduce(nil) { $0 ?? $1 }
    }

    /// Ends the offer, unless the socket has been handed over, and the loops.
    func end() {
        offer?.end()
        group.stop()
    }

    /// Serves what has arrived, and ends; what waits in a socket that others may have open is theirs.
    private static func end(_ shards: [DatagramEndpoint], isInherited: Bool) {
        for shard in shards {
            guard !isInherited else {
                shard.close()
                continue
            }
            // Not on the loop, which has to do the work.
            DispatchQueue.global().async { _ = shard.drain(within: .seconds(2), refusingNew: true) }
        }
    }

    /// Makes an endpoint of the one datagram socket there has to be, which is bound where the user wants it.
    private static func adopt(
        _ sockets: [InheritedSocket], _ listen: SocketAddress?, on loop: LiveEventLoop, _ options: DatagramOptions,
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws -> DatagramEndpoint {
        guard let socket = sockets.first, sockets.count == 1, socket.kind == .datagram else {
            let list = sockets.map { "\($0)" }.joined(separator: ", ")
            throw ServeError("one datagram socket can be served, but \(sockets.count) were passed: \(list)")
        }
        if let listen, let address = socket.localAddress,
            listen.ip != address.ip || (listen.port != 0 && listen.port != address.port)
        {
            throw ServeError(
                "the server that runs listens on \(address), not on \(listen): end it before you start one there")
        }
        // What is set on a socket when it is opened is as whoever opened it wanted it.
        var options = options
        options.receiveBufferSize = nil
        return try loop.adoptDatagram(socket, options: options, makeProtocol)
    }

    private static func comment(_ attempt: Result<CInt, LifecycleError>) {
        switch attempt {
        case .success(let process): Console.complain("handed over to process \(process)")
        case .failure(let error): Console.complain("no hand-over, still serving: \(error)")
        }
    }

    /// Tells the service manager, if there is one; serving does not depend on it.
    private static func notify(_ notifications: ServiceNotification...) {
        do throws(LifecycleError) {
            try ServiceManager.notify(notifications)
        } catch {
            Console.complain("\(error)")
        }
    }
}

/// Why `volley serve` cannot begin, in one line.
private struct ServeError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
