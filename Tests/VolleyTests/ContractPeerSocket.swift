import CVolley
import Glibc
import Testing
import VolleyTesting

@testable import Volley

/// A plain socket that plays a peer of the endpoint under test.
///
/// Unix sockets deliver within the send. Loopback nearly always does, but on a busy machine it may leave a datagram to
/// a kernel thread: what a test relies on has to be waited for, see ``waitUntil(_:)``.
final class PeerSocket {
    let address: PeerAddress
    private let descriptor: CInt
    private var isConnected = false
    private(set) var arrivals: [[UInt8]] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    /// A socket bound to `host` and a free port.
    convenience init(host: IPAddress) throws { try self.init(address: SocketAddress(host, port: 0)) }

    /// A socket bound to an address; port 0 stands for a free one.
    init(address: SocketAddress) throws {
        descriptor = try Self.open(address.family == .ipv6 ? AF_INET6 : AF_INET)
        let result = unsafe address.withKernelBytes { [descriptor] in
            unsafe volley_bind(descriptor, $0.baseAddress, UInt32($0.count))
        }
        try #require(result == 0, "bind: errno \(errno)")
        let name = try #require(System.name(of: descriptor, peer: false))
        self.address = PeerAddress(try #require(SocketAddress(kernelBytes: name)))
    }

    /// A socket bound to a Unix address.
    init(_ address: UnixAddress) throws {
        descriptor = try Self.open(AF_UNIX)
        self.address = PeerAddress(address)
        let result = unsafe address.withKernelBytes { [descriptor] in
            unsafe volley_bind(descriptor, $0.baseAddress, UInt32($0.count))
        }
        try #require(result == 0, "bind: errno \(errno)")
    }

    deinit { System.close(descriptor) }

    private static func open(_ family: CInt) throws -> CInt {
        let descriptor = socket(CInt(family), CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(descriptor >= 0, "socket: errno \(errno)")
        return descriptor
    }

    /// Sends to the endpoint; an endpoint that is not there, or will not hear this peer, is no concern of the peer's.
    func send(_ payload: [UInt8], to endpoint: PeerAddress) {
        if !isConnected { isConnected = connect(to: endpoint) }
        for _ in 0..<2 {
            // SAFETY: the kernel reads `count` bytes of the array. A pending error of an earlier send costs one try.
            let result = unsafe payload.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
            }
            if result >= 0 { return }
        }
    }

    /// Sends payloads of one length as a train (`UDP_SEGMENT`).
    func sendTrain(_ payloads: [[UInt8]], to endpoint: PeerAddress) {
        if !isConnected { isConnected = connect(to: endpoint) }
        var bytes = payloads.flatMap { $0 }
        var control = [UInt8](repeating: 0, count: Int(VOLLEY_SEND_CONTROL_SIZE))
        for _ in 0..<2 {
            // SAFETY: the kernel reads the bytes of both arrays, which stay in place until it has.
            let result = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe control.withUnsafeMutableBytes { control in
                    var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = volley_write_segment_size(
                            control.baseAddress, UInt16(payloads[0].count))
                        return unsafe sendmsg(descriptor, &message, CInt(MSG_DONTWAIT))
                    }
                }
            }
            if result >= 0 { return }
        }
    }

    private func connect(to endpoint: PeerAddress) -> Bool {
        if let address = endpoint.socketAddress {
            return unsafe address.withKernelBytes {
                unsafe volley_connect(descriptor, $0.baseAddress, UInt32($0.count)) == 0
            }
        }
        return unsafe endpoint.unixAddress?.withKernelBytes {
            unsafe volley_connect(descriptor, $0.baseAddress, UInt32($0.count)) == 0
        } ?? false
    }

    /// Reads everything that has arrived.
    func drain() {
        while true {
            // SAFETY: the kernel writes at most `count` bytes into the array.
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
            }
            if count >= 0 {
                arrivals.append(Array(buffer[..<count]))
            } else if errno != ECONNREFUSED && errno != EINTR {
                return
            }
        }
    }
}

/// Gives other threads, the kernel's among them, the processor until `condition` holds; gives up after so many times
/// that only something that will never happen can be the reason.
func waitUntil(_ condition: () -> Bool) {
    for _ in 0..<2_000_000 {
        if condition() { return }
        sched_yield()
    }
}
