import CVolley
import Glibc
import Testing
import VolleyTesting

@testable import Volley

/// A plain stream socket that plays the peer of the stream under test, or listens for it.
final class StreamPeerSocket {
    let descriptor: CInt
    private(set) var arrived: [UInt8] = []
    /// Whether the end of the stream, or an error, has been received.
    private(set) var hasEnded = false
    private(set) var receiveErrno: CInt?
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)
    private var isOpen = true

    init(adopting descriptor: CInt) { self.descriptor = descriptor }

    /// A socket that listens on an address.
    convenience init(listeningOn address: SocketAddress, backlog: CInt = 16) throws {
        try self.init(listeningOn: .internet(address), backlog)
    }

    convenience init(listeningOn address: UnixAddress, backlog: CInt = 16) throws {
        try self.init(listeningOn: .unix(address), backlog)
    }

    private init(listeningOn address: StreamPeer, _ backlog: CInt) throws {
        descriptor = try Self.open(address)
        let result = unsafe address.withKernelBytes { [descriptor] in
            unsafe volley_bind(descriptor, $0.baseAddress, UInt32($0.count))
        }
        try #require(result == 0 && listen(descriptor, backlog) == 0, "bind, listen: errno \(errno)")
    }

    /// A socket that is connected to an address.
    convenience init(connectedTo address: SocketAddress) throws { try self.init(connectedTo: .internet(address)) }

    convenience init(connectedTo address: UnixAddress) throws { try self.init(connectedTo: .unix(address)) }

    private init(connectedTo address: StreamPeer) throws {
        descriptor = try Self.open(address)
        let result = unsafe address.withKernelBytes { [descriptor] in
            unsafe volley_connect(descriptor, $0.baseAddress, UInt32($0.count))
        }
        try #require(result == 0, "connect: errno \(errno)")
    }

    deinit { close() }

    private static func open(_ address: StreamPeer) throws -> CInt {
        let family = address.address.map { $0.family == .ipv6 ? AF_INET6 : AF_INET } ?? AF_UNIX
        let descriptor = socket(family, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0, "socket: errno \(errno)")
        return descriptor
    }

    /// The address a listener got.
    var address: SocketAddress? { System.name(of: descriptor, peer: false).flatMap(SocketAddress.init(kernelBytes:)) }

    /// Accepts a connection that is there.
    func accept() throws -> StreamPeerSocket {
        let result = volley_accept(descriptor)
        try #require(result >= 0, "accept: errno \(errno)")
        return StreamPeerSocket(adopting: result)
    }

    func close() {
        if isOpen { System.close(descriptor) }
        isOpen = false
    }

    /// Closes so that the other end sees a reset.
    func reset() {
        System.resetOnClose(descriptor)
        close()
    }

    /// Writes as much as the kernel takes; returns how much.
    @discardableResult
    func write(_ bytes: [UInt8]) -> Int {
        // SAFETY: the kernel reads `count` bytes of the array.
        unsafe bytes.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
    }

    func end() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Reads what is there; returns whether that was anything.
    @discardableResult
    func drain() -> Bool {
        var isAny = false
        while !hasEnded, isOpen {
            // SAFETY: the kernel writes at most `count` bytes into the array.
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
            }
            if count < 0, errno == EAGAIN || errno == EINTR { break }
            isAny = true
            if count > 0 { arrived += buffer[..<count] } else { hasEnded = true }
            if count < 0 { receiveErrno = errno }
        }
        return isAny
    }

    /// Reads what is there, and what comes within some milliseconds if that is nothing.
    func drain(waiting milliseconds: CInt) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while !drain(), !hasEnded, unsafe poll(&entry, 1, milliseconds) > 0 {}
    }

    /// Reads until `count` bytes or the end have come.
    func drain(until count: Int) {
        waitUntil {
            drain()
            return arrived.count >= count || hasEnded
        }
    }
}

extension System {
    /// Bytes that wait to be received, up to a quarter of a mebibyte.
    static func pendingBytes(_ descriptor: CInt) -> Int {
        unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 1) { buffer in
            // SAFETY: the kernel writes at most `count` bytes into the buffer.
            max(0, unsafe recv(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_PEEK | MSG_DONTWAIT)))
        }
    }

    /// Whether poll(2) reports one of `events`, or an error, for a descriptor.
    static func polls(_ descriptor: CInt, _ events: CInt) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        return unsafe poll(&entry, 1, 0) > 0
    }
}
