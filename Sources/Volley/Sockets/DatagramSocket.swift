internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// A datagram socket being set up: closed again if any step fails, handed over when all have succeeded.
///
/// Each step throws a `DatagramError` that names the operation and the address.
@safe
struct DatagramSocket: ~Copyable {
    private let owned: OwnedDescriptor
    let addressing: SocketAddressing
    let syscalls: Syscalls
    /// The kernel's drop count when the socket became ours: 0 of a new one.
    let initialDropCount: UInt32

    /// A new, non-blocking socket.
    init(_ addressing: SocketAddressing, syscalls: Syscalls) throws(DatagramError) {
        let family =
            switch addressing {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            case .unix: AF_UNIX
            }
        let descriptor = syscalls.socket(CInt(family))
        guard descriptor >= 0 else {
            throw DatagramError(Errno(rawValue: CInt(truncatingIfNeeded: -descriptor)), operation: .create)
        }
        try self.init(OwnedDescriptor(CInt(descriptor)), addressing, dropCount: 0, syscalls: syscalls)
    }

    /// Someone else's socket, which is ours from here on: it must be a datagram socket of a family we speak.
    init(adopting descriptor: CInt, syscalls: Syscalls) throws(DatagramError) {
        // From here on a throw closes the descriptor.
        let owned = OwnedDescriptor(descriptor)
        guard let type = System.getOption(descriptor, SOL_SOCKET, SO_TYPE) else {
            throw DatagramError(.notSocket, operation: .configure)
        }
        guard type == CInt(SOCK_DGRAM.rawValue) else {
            throw DatagramError(.protocolWrongTypeForSocket, operation: .configure)
        }
        let addressing: SocketAddressing? =
            switch System.getOption(descriptor, SOL_SOCKET, SO_DOMAIN).map(Int.init) {
            case Int(AF_INET): .ipv4
            case Int(AF_INET6): .ipv6
            case Int(AF_UNIX): .unix
            default: nil
            }
        guard let addressing else { throw DatagramError(.addressFamilyNotSupported, operation: .configure) }
        try self.init(owned, addressing, dropCount: syscalls.dropCount(descriptor) ?? 0, syscalls: syscalls)
    }

    private init(
        _ owned: consuming OwnedDescriptor, _ addressing: SocketAddressing, dropCount: UInt32, syscalls: Syscalls
    ) throws(DatagramError) {
        try Self.check(syscalls.setNonBlocking(owned.rawValue), .configure)
        self.owned = owned
        self.addressing = addressing
        self.syscalls = syscalls
        initialDropCount = dropCount
    }

    var descriptor: CInt { owned.rawValue }

    /// Gives the descriptor away; it is not closed here any more.
    consuming func release() -> CInt { owned.release() }

    // MARK: Options

    /// Turns a switch on or off; an error names it.
    func turn(_ name: String, _ level: CInt, _ number: CInt, on isOn: Bool) throws(DatagramError) {
        let option = SocketOption(name, level, number, isOn ? 1 : 0)
        try OptionSetter(descriptor: descriptor, syscalls: syscalls).set(option)
    }

    func turnOn(_ name: String, _ level: CInt, _ number: CInt) throws(DatagramError) {
        try turn(name, level, number, on: true)
    }

    // MARK: Addresses

    func bind(to address: SocketAddress) throws(DatagramError) {
        let result = unsafe address.withKernelBytes { unsafe syscalls.bind(descriptor, $0) }
        try Self.check(result, .bind, peer: address)
    }

    /// Binds to a Unix address; a socket file nobody uses any more is replaced (asyncio does the same).
    func bind(to address: UnixAddress) throws(DatagramError) {
        let result = unsafe address.withKernelBytes { name in
            if let path = address.path { unsafe System.unlinkStaleSocket(path, name: name) }
            return unsafe syscalls.bind(descriptor, name)
        }
        try Self.check(result, .bind, unixPeer: address)
    }

    func connect(to address: SocketAddress) throws(DatagramError) {
        let result = unsafe address.withKernelBytes { unsafe syscalls.connect(descriptor, $0) }
        try Self.check(result, .connect, peer: address)
    }

    func connect(to address: UnixAddress) throws(DatagramError) {
        let result = unsafe address.withKernelBytes { unsafe syscalls.connect(descriptor, $0) }
        try Self.check(result, .connect, unixPeer: address)
    }

    /// The names of both ends, as the kernel has them.
    func names() -> EndpointNames {
        var names = EndpointNames()
        if addressing == .unix {
            names.unixLocal = Self.unixAddress(System.name(of: descriptor, peer: false))
            names.unixRemote = Self.unixAddress(System.name(of: descriptor, peer: true))
        } else {
            names.local = System.name(of: descriptor, peer: false).flatMap(SocketAddress.init(kernelBytes:))
            names.remote = System.name(of: descriptor, peer: true).flatMap(SocketAddress.init(kernelBytes:))
        }
        return names
    }

    private static func unixAddress(_ bytes: [UInt8]?) -> UnixAddress? {
        guard let bytes else { return nil }
        return try? UnixAddress(kernelBytes: RawSpan(bytes.span))
    }

    private static func check(
        _ result: Int, _ operation: DatagramError.Operation, peer: SocketAddress? = nil, unixPeer: UnixAddress? = nil
    ) throws(DatagramError) {
        guard result < 0 else { return }
        throw DatagramError(
            Errno(rawValue: CInt(truncatingIfNeeded: -result)), operation: operation, peer: peer, unixPeer: unixPeer)
    }
}

/// A descriptor that is closed when its owner lets go of it.
struct OwnedDescriptor: ~Copyable {
    let rawValue: CInt

    init(_ rawValue: CInt) { self.rawValue = rawValue }

    deinit { System.close(rawValue) }

    consuming func release() -> CInt {
        let descriptor = rawValue
        discard self
        return descriptor
    }
}

extension SocketAddress {
    /// An address from what `getsockname` gave; nil for a family that is not IP.
    init?(kernelBytes bytes: [UInt8]) {
        var address = SocketAddress.unspecified
        // SAFETY: SocketAddress has the layout of sockaddr_in6, of which sockaddr_in is the beginning; no more bytes
        // than both have are copied.
        unsafe withUnsafeMutableBytes(of: &address) { unsafe $0.copyBytes(from: bytes.prefix($0.count)) }
        guard address.family == .ipv4 || address.family == .ipv6 else { return nil }
        self = address
    }

    /// Calls `body` with the address as the kernel takes it.
    func withKernelBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        // SAFETY: as above; IPv4 takes the first 16 bytes.
        unsafe withUnsafeBytes(of: self) { bytes in
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes[..<(family == .ipv6 ? 28 : 16)]))
        }
    }
}
