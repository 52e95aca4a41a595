internal import CVolley
internal import SystemPackage
internal import VolleyCore

/// The attempt to connect to one address.
final class ConnectAttempt: EpollHandler {
    let peer: StreamPeer
    private let loop: EpollLoop
    private var socket: StreamSocket?
    private var token: EpollLoop.Token?
    private var retry: ScheduledCall?
    private var retryDelay = Duration.milliseconds(1)
    /// Called once, from the loop or from inside ``start(_:)``, unless the attempt is cancelled before.
    private var done: ((ConnectAttempt, StreamError?) -> Void)?

    init(_ peer: StreamPeer, on loop: EpollLoop, _ done: @escaping (ConnectAttempt, StreamError?) -> Void) {
        self.peer = peer
        self.loop = loop
        self.done = done
    }

    func start(_ options: ConnectOptions) {
        do throws(StreamError) {
            socket = try makeSocket(options)
        } catch {
            return finish(error)
        }
        connect()
    }

    private func makeSocket(_ options: ConnectOptions) throws(StreamError) -> StreamSocket {
        let socket =
            if let address = peer.address {
                try StreamSocket(for: address, syscalls: loop.syscalls)
            } else {
                try StreamSocket(.unix, syscalls: loop.syscalls)
            }
        try socket.apply(options.stream)
        if let local = options.localAddress, peer.address != nil { try socket.bind(to: local) }
        return socket
    }

    private func connect() {
        guard let descriptor = socket?.descriptor else { return }
        do throws(StreamError) {
            if try socket?.connect(to: peer) == true { return finish(nil) }
            token = try loop.register(descriptor, events: UInt32(VOLLEY_WRITABLE), handler: self)
        } catch {
            // The queue of a Unix listener is full, of which there is no event.
            guard error.errno == .resourceTemporarilyUnavailable, peer.unixAddress != nil else { return finish(error) }
            retry = loop.callLater(retryDelay) { [unowned self] in connect() }
            retryDelay = min(retryDelay * 2, .milliseconds(100))
        }
    }

    func ready(_ events: UInt32) {
        guard let descriptor = socket?.descriptor else { return }
        let pending = loop.syscalls.stream.pendingError(descriptor)
        finish(
            pending == 0
                ? nil : StreamSocket.error(pending, .connect, peer: peer.address, unixPeer: peer.unixAddress))
    }

    /// Gives up; nothing is called.
    func cancel() {
        done = nil
        leaveLoop()
        socket = nil
    }

    /// The connected socket of an attempt that has succeeded.
    func takeSocket() -> StreamSocket? { socket.take() }

    private func finish(_ error: StreamError?) {
        leaveLoop()
        if error != nil { socket = nil }
        done.take()?(self, error)
    }

    private func leaveLoop() {
        retry?.cancel()
        if let token = token.take(), let descriptor = socket?.descriptor { loop.deregister(token, descriptor) }
    }
}
