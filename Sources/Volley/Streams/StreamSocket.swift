internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// A stream socket being set up: closed again if any step fails, handed over when all have succeeded.
///
/// Each step throws a `StreamError` that names the operation and the address.
@safe
struct StreamSocket: ~Copyable {
    private let owned: OwnedDescriptor
    let addressing: SocketAddressing
    let syscalls: Syscalls

    /// A new, non-blocking socket.
    init(_ addressing: SocketAddressing, syscalls: Syscalls) throws(StreamError) {
        let family =
            switch addressing {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case .unix: AF_UNIX
            }
        let descriptor = syscalls.stream.socket(CInt(family))
        guard descriptor >= 0 else { throw Self.error(descriptor, .create) }
        self.init(OwnedDescriptor(CInt(descriptor)), addressing, syscalls)
    }

    /// A socket for `address`, which has to be an IP address.
    init(for address: SocketAddress, syscalls: Syscalls) throws(StreamError) {
        switch address.family {
        case .ipv4: try self.init(.ipv4, syscalls: syscalls)
        case .ipv6: try self.init(.ipv6, syscalls: syscalls)
        default: throw StreamError(.addressFamilyNotSupported, operation: .create, peer: address)
        }
    }

    /// Someone else's socket, which is ours from here on: it must be a stream socket of a family we speak.
    init(adopting descriptor: CInt, syscalls: Syscalls) throws(StreamError) {
        // From here on a throw closes the descriptor.
        let owned = OwnedDescriptor(descriptor)
        guard let type = System.getOption(descriptor, SOL_SOCKET, SO_TYPE) else {
            throw StreamError(.notSocket, operation: .configure)
        }
        guard type == CInt(SOCK_STREAM.rawValue) else {
            throw StreamError(.protocolWrongTypeForSocket, operation: .configure)
        }
        let addressing: SocketAddressing? =
            switch System.getOption(descriptor, SOL_SOCKET, SO_DOMAIN).map(Int.init) {
            case Int(AF_INET): .ipv4
            case Int(AF_INET6): .ipv6
            case Int(AF_UNIX): .unix
            default: nil
            }
        guard let addressing else { throw StreamError(.addressFamilyNotSupported, operation: .configure) }
        try Self.check(syscalls.setNonBlocking(descriptor), .configure)
        self.init(owned, addressing, syscalls)
    }

    private init(_ owned: consuming OwnedDescriptor, _ addressing: SocketAddressing, _ syscalls: Syscalls) {
        self.owned = owned
        self.addressing = addressing
        self.syscalls = syscalls
    }

    var descriptor: CInt { owned.rawValue }

    /// Gives the descriptor away; it is not closed here any more.
    consuming func release() -> CInt { owned.release() }

    // MARK: Addresses

    func bind(to address: SocketAddress) throws(StreamError) {
        let result = unsafe address.withKernelBytes { unsafe syscalls.bind(descriptor, $0) }
        try Self.check(result, .bind, peer: address)
    }

    /// Binds to a Unix address; a socket file nobody uses any more is replaced (asyncio does the same).
    func bind(to address: UnixAddress) throws(StreamError) {
        let result = unsafe address.withKernelBytes { name in
            if let path = address.path { unsafe System.unlinkStaleSocket(path, name: name) }
            return unsafe syscalls.bind(descriptor, name)
        }
        try Self.check(result, .bind, unixPeer: address)
    }

    func listen(backlog: Int) throws(StreamError) {
        try Self.check(syscalls.stream.listen(descriptor, CInt(clamping: backlog)), .listen)
    }

    /// Begins to connect; returns whether that is done already.
    func connect(to peer: StreamPeer) throws(StreamError) -> Bool {
        let result = unsafe peer.withKernelBytes { unsafe syscalls.connect(descriptor, $0) }
        if result == -Int(EINPROGRESS) { return false }
        try Self.check(result, .connect, peer: peer.address, unixPeer: peer.unixAddress)
        return true
    }

    /// The names of both ends, as the kernel has them.
    func names() -> StreamNames {
        let local = System.name(of: descriptor, peer: false)
        let remote = System.name(of: descriptor, peer: true)
        guard addressing == .unix else {
            return StreamNames(
                local: local.flatMap(SocketAddress.init(kernelBytes:)),
                remote: remote.flatMap(SocketAddress.init(kernelBytes:)))
        }
        return StreamNames(unixLocal: Self.unixAddress(local), unixRemote: Self.unixAddress(remote))
    }

    static func unixAddress(_ bytes: [UInt8]?) -> UnixAddress? {
        guard let bytes else { return nil }
        return try? UnixAddress(kernelBytes: RawSpan(bytes.span))
    }

    private static func check(
        _ result: Int, _ operation: StreamError.Operation, peer: SocketAddress? = nil, unixPeer: UnixAddress? = nil
    ) throws(StreamError) {
        guard result < 0 else { return }
        throw error(result, operation, peer: peer, unixPeer: unixPeer)
    }

    static func error(
        _ result: Int, _ operation: StreamError.Operation, peer: SocketAddress? = nil, unixPeer: UnixAddress? = nil
    ) -> StreamError {
        StreamError(
            Errno(rawValue: CInt(truncatingIfNeeded: -result)), operation: operation, peer: peer, unixPeer: unixPeer)
    }
}

/// Whom to connect to.
enum StreamPeer: Sendable {
    case internet(SocketAddress)
    case unix(UnixAddress)

    var address: SocketAddress? { if case .internet(let address) = self { address } else { nil } }
    var unixAddress: UnixAddress? { if case .unix(let address) = self { address } else { nil } }

    func withKernelBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch self {
        case .internet(let address): unsafe address.withKernelBytes(body)
        case .unix(let address): unsafe address.withKernelBytes(body)
        }
    }
}
