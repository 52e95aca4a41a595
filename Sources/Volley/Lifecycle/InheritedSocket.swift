internal import CVolley
internal import Glibc
internal import Synchronization
internal import SystemPackage
public import VolleyCore

/// A socket that somebody else has opened and bound: the service manager, or the process before this one.
///
/// It owns its descriptor until that is taken, and closes it if nobody does. From any thread.
public final class InheritedSocket: Sendable {
    /// What kind of socket it is (`SO_TYPE`).
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String { case datagram, stream, sequencedPacket, other }
        private let value: Value

        /// `SOCK_DGRAM`, for ``LiveEventLoop/adoptDatagram(_:options:_:)``.
        public static let datagram = Kind(value: .datagram)
        /// `SOCK_STREAM`: a listener, or a connection that was accepted already.
        public static let stream = Kind(value: .stream)
        /// `SOCK_SEQPACKET`.
        public static let sequencedPacket = Kind(value: .sequencedPacket)
        /// `SOCK_RAW` and the like.
        public static let other = Kind(value: .other)

        /// The kind in one word: `datagram`.
        public var description: String { value.rawValue }

        init(type: CInt) {
            switch type {
            case CInt(SOCK_DGRAM.rawValue): self = .datagram
            case CInt(SOCK_STREAM.rawValue): self = .stream
            case CInt(SOCK_SEQPACKET.rawValue): self = .sequencedPacket
            default: self = .other
            }
        }

        private init(value: Value) { self.value = value }
    }

    /// The name it was given: `FileDescriptorName=` of the unit, or what the process before called it.
    public let name: String
    /// Whether it is a datagram or a stream socket.
    public let kind: Kind
    /// Whether it listens for connections (`SO_ACCEPTCONN`); only streams and sequenced packets can.
    public let isListening: Bool
    /// The address it is bound to; `nil` for a Unix socket.
    public let localAddress: SocketAddress?
    /// The name of a Unix socket; `nil` for every other family.
    public let unixLocalAddress: UnixAddress?

    private let state: Mutex<State>

    private struct State {
        var descriptor: CInt?
        /// Whether an endpoint made of it has to wait with receiving until the process before has stopped.
        var isHeld: Bool
        /// What it has become, as long as that is held.
        var endpoint: DatagramEndpoint?
    }

    /// Takes `descriptor` over, which is closed on error, too.
    ///
    /// - Throws: `unusableDescriptor` when it is not an open socket; `systemCall` when it cannot be made close-on-exec.
    init(owning descriptor: consuming OwnedDescriptor, name: String, isHeld: Bool = false) throws(LifecycleError) {
        let number = descriptor.rawValue
        guard let type = System.getOption(number, SOL_SOCKET, SO_TYPE) else {
            throw LifecycleError(
                .unusableDescriptor, "descriptor \(number) (\(name)) is not an open socket",
                errno: Errno(rawValue: errno))
        }
        guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else {
            throw LifecycleError(systemCall: "fcntl(F_SETFD)", errno, at: "descriptor \(number) (\(name))")
        }
        self.name = name
        kind = Kind(type: type)
        isListening = System.getOption(number, SOL_SOCKET, SO_ACCEPTCONN) == 1
        let bytes = System.name(of: number, peer: false) ?? []
        localAddress = SocketAddress(kernelBytes: bytes)
        unixLocalAddress = localAddress == nil ? try? UnixAddress(kernelBytes: RawSpan(bytes.span)) : nil
        state = Mutex(State(descriptor: descriptor.release(), isHeld: isHeld))
    }

    deinit {
        state.withLock { if let descriptor = $0.descriptor { System.close(descriptor) } }
    }

    /// Gives the descriptor away: the caller has to close it.
    ///
    /// Of a socket that is taken over, nothing may be received or accepted before ``SocketTakeover/complete()``.
    ///
    /// - Returns: the descriptor, or `nil` when it has been taken already.
    public func takeDescriptor() -> CInt? {
        state.withLock { $0.descriptor.take() }
    }

    var isHeld: Bool { state.withLock { $0.isHeld } }

    /// Remembers what a held socket has become, which may receive if the process before has stopped meanwhile.
    func becomes(_ endpoint: DatagramEndpoint) {
        let isHeld = state.withLock { state in
            if state.isHeld { state.endpoint = endpoint }
            return state.isHeld
        }
        if !isHeld { endpoint.resumeReceiving() }
    }

    /// The process before has stopped: what the socket has become, or will become, may receive.
    func letGo() {
        let endpoint = state.withLock { state in
            state.isHeld = false
            return state.endpoint.take()
        }
        endpoint?.resumeReceiving()
    }
}

extension InheritedSocket: CustomStringConvertible {
    /// Name, kind and address: `dns: datagram 127.0.0.1:53`.
    public var description: String {
        let address = localAddress.map { "\($0)" } ?? unixLocalAddress.map { "\($0)" } ?? "of another family"
        return "\(name.isEmpty ? "" : "\(name): ")\(kind) \(address)"
    }
}

extension LiveEventLoop {
    /// Makes an endpoint of an inherited socket, which belongs to the endpoint from here on, even on error.
    ///
    /// Options that would be set on the socket are refused with `EINVAL`. One taken over from the process before receives
    /// from ``SocketTakeover/complete()`` on. Blocks until the loop has answered; in `async` code the overload that
    /// suspends is chosen.
    ///
    /// - Throws: `EPROTOTYPE` when it is not a datagram socket; `EBADF` when its descriptor has been taken; `EINVAL`.
    public func adoptDatagram(
        _ socket: InheritedSocket, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        try run { loop throws(DatagramError) in try self.adopt(socket, options, on: loop, makeProtocol) }
    }

    /// Makes an endpoint of an inherited socket; suspends until `connectionMade` has been called.
    public func adoptDatagram(
        _ socket: InheritedSocket, options: DatagramOptions = DatagramOptions(),
        _ makeProtocol: @escaping @Sendable () -> any DatagramProtocol
    ) async throws(DatagramError) -> DatagramEndpoint {
        try await runSuspending { loop throws(DatagramError) in
            try self.adopt(socket, options, on: loop, makeProtocol)
        }
    }

    private func adopt(
        _ socket: InheritedSocket, _ options: DatagramOptions, on loop: EpollLoop,
        _ makeProtocol: () -> any DatagramProtocol
    ) throws(DatagramError) -> DatagramEndpoint {
        guard let descriptor = socket.takeDescriptor() else {
            throw DatagramError(.badFileDescriptor, operation: .configure)
        }
        let transport = try loop.adopt(descriptor, options, isHeld: socket.isHeld, makeProtocol)
        let endpoint = DatagramEndpoint(transport, on: self)
        socket.becomes(endpoint)
        return endpoint
    }
}
