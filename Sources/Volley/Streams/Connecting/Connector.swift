internal import SystemPackage
internal import VolleyCore

/// Whom a connection is to be made to.
enum ConnectTarget: Sendable {
    case peer(StreamPeer)
    case name(String, port: UInt16)
}

/// Makes one connection: finds the addresses, tries one after the other and beside each other, keeps the first that
/// answers and drops the rest (RFC 8305, "Happy Eyeballs").
final class Connector: LoopMember {
    private let loop: EpollLoop
    private let options: ConnectOptions
    private var done: ((Result<StreamSocketBox, StreamError>) -> Void)?
    private var waiting: [StreamPeer] = []
    private var attempts: [ConnectAttempt] = []
    private var errors: [StreamError] = []
    private var nextAttempt: ScheduledCall?
    private var deadline: ScheduledCall?
    private var lookup: NameLookup?

    /// - Parameter done: called once, on the loop, possibly from inside ``start(_:)``.
    init(
        on loop: EpollLoop, _ options: ConnectOptions,
        _ done: @escaping (Result<StreamSocketBox, StreamError>) -> Void
    ) {
        self.loop = loop
        self.options = options
        self.done = done
    }

    func start(_ target: ConnectTarget) {
        loop.add(self)
        if let timeout = options.timeout {
            deadline = loop.callLater(timeout) { [unowned self] in timeOut(timeout) }
        }
        switch target {
        case .peer(let peer):
            waiting = [peer]
            tryNext()
        case .name(let host, let port): find(host, port)
        }
    }

    func cancel() { finish(.failure(StreamError(.canceled, operation: .connect))) }
    func loopStops() { cancel() }

    // MARK: Names

    private func find(_ host: String, _ port: UInt16) {
        let query = NameQuery(host: host, port: port, family: options.localAddress?.family)
        // Only the loop looks into the box; the look-up holds on to this no longer than it takes.
        let box = LoopBound(self)
        let handle = loop.handle
        lookup = options.resolver.resolve(query) { result in
            _ = handle.execute { _ in box.value.found(result) }
        }
    }

    private func found(_ result: Result<[SocketAddress], StreamError>) {
        guard done != nil else { return }
        lookup = nil
        switch result {
        case .failure(let error): finish(.failure(error))
        case .success(let addresses):
            waiting = SocketAddress.interleaved(addresses).map { .internet($0) }
            guard waiting.isEmpty else { return tryNext() }
            finish(.failure(StreamError(.noSuchFileOrDirectory, operation: .resolve)))
        }
    }

    // MARK: Attempts

    private func tryNext() {
        guard done != nil, !waiting.isEmpty else { return }
        let attempt = ConnectAttempt(waiting.removeFirst(), on: loop) { [unowned self] attempt, error in
            if let error { failed(attempt, error) } else { succeeded(attempt) }
        }
        attempts.append(attempt)
        if !waiting.isEmpty {
            nextAttempt = loop.callLater(options.attemptDelay) { [unowned self] in tryNext() }
        }
        attempt.start(options)
    }

    private func succeeded(_ attempt: ConnectAttempt) {
        guard let socket = attempt.takeSocket() else { return }
        finish(.success(StreamSocketBox(socket)))
    }

    private func failed(_ attempt: ConnectAttempt, _ error: StreamError) {
        errors.append(error)
        attempts.removeAll { $0 === attempt }
        guard waiting.isEmpty else {
            nextAttempt?.cancel()
            return tryNext()
        }
        if attempts.isEmpty { finish(.failure(combinedError)) }
    }

    /// The first error, and how the other addresses failed.
    private var combinedError: StreamError {
        guard let first = errors.first else { return StreamError(.hostIsDown, operation: .connect) }
        guard errors.count > 1 else { return first }
        let others = errors.dropFirst().map { "\($0)" }.joined(separator: "; ")
        return StreamError(
            first.errno, operation: first.operation, peer: first.peer, unixPeer: first.unixPeer,
            option: first.option, context: "and of the other addresses: \(others)")
    }

    private func timeOut(_ timeout: Duration) {
        let peer = attempts.first?.peer
        let what = lookup == nil ? "no connection" : "no address"
        finish(
            .failure(
                StreamError(
                    .timedOut, operation: lookup == nil ? .connect : .resolve, peer: peer?.address,
                    unixPeer: peer?.unixAddress, context: "\(what) within \(timeout)")))
    }

    private func finish(_ result: Result<StreamSocketBox, StreamError>) {
        guard let done = done.take() else { return }
        nextAttempt?.cancel()
        deadline?.cancel()
        lookup?.cancel()
        lookup = nil
        for attempt in attempts { attempt.cancel() }
        attempts = []
        waiting = []
        loop.remove(self)
        done(result)
    }
}

/// A socket on its way through a result, which takes no value that cannot be copied.
final class StreamSocketBox {
    private var socket: StreamSocket?
    init(_ socket: consuming StreamSocket) { self.socket = consume socket }
    func take() -> StreamSocket? { socket.take() }
}
