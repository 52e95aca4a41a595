internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// A socket that a process offers to the one that comes after it.
public struct OfferedSocket: Sendable {
    /// The name the new process finds it by; at most 255 bytes of UTF-8.
    public let name: String
    private let source: Source

    private enum Source: Sendable {
        case endpoint(DatagramEndpoint)
        case descriptor(CInt, stop: @Sendable () -> Void, resume: @Sendable () -> Void, close: @Sendable () -> Void)
    }

    /// The socket of an endpoint, which is stopped, flushed and closed when it is handed over.
    public init(_ endpoint: DatagramEndpoint, name: String = "") {
        self.name = name
        source = .endpoint(endpoint)
    }

    /// Any other socket, such as a stream listener.
    ///
    /// The closures are called on the loop of the hand-over.
    ///
    /// - Parameters:
    ///   - descriptor: stays the caller's, and has to stay open until `close` has been called or the offer is withdrawn.
    ///   - name: what the new process finds it by.
    ///   - stop: takes nothing more from the socket once it returns.
    ///   - resume: goes on: the hand-over has failed after `stop`.
    ///   - close: the socket is the new process's for good.
    public init(
        descriptor: CInt, name: String, stop: @escaping @Sendable () -> Void = {},
        resume: @escaping @Sendable () -> Void = {}, close: @escaping @Sendable () -> Void = {}
    ) {
        self.name = name
        source = .descriptor(descriptor, stop: stop, resume: resume, close: close)
    }

    /// Gives `reply` a descriptor of its own for the socket, on whichever loop; `nil` when it is not open any more.
    func duplicate(_ reply: @escaping @Sendable (SharedDescriptor?) -> Void) {
        switch source {
        case .descriptor(let descriptor, _, _, _): reply(Self.duplicate(descriptor))
        case .endpoint(let endpoint):
            let isTaken = endpoint.execute { transport in
                // On the loop nothing can close the descriptor meanwhile.
                reply(transport.isClosing ? nil : (transport.extraInfo("descriptor") as? CInt).flatMap(Self.duplicate))
            }
            if !isTaken { reply(nil) }
        }
    }

    /// Stops receiving; `reply` comes when it has, on whichever loop.
    func stop(_ reply: @escaping @Sendable () -> Void) {
        switch source {
        case .descriptor(_, let stop, _, _):
            stop()
            reply()
        case .endpoint(let endpoint): if !endpoint.stopReceiving(reply) { reply() }
        }
    }

    func resume() {
        switch source {
        case .descriptor(_, _, let resume, _): resume()
        case .endpoint(let endpoint): endpoint.resumeReceiving()
        }
    }

    func close(within limit: Duration) {
        switch source {
        case .descriptor(_, _, _, let close): close()
        case .endpoint(let endpoint): endpoint.close(within: limit)
        }
    }

    private static func duplicate(_ descriptor: CInt) -> SharedDescriptor? {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return copy < 0 ? nil : SharedDescriptor(copy)
    }
}
