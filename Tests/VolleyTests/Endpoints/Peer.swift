import CVolley
import Glibc
import VolleyCore

/// The other end of a test: a blocking UDP socket with a time-out, without our own code in between.
final class Peer {
    let descriptor: CInt
    private(set) var address = SocketAddress.unspecified

    /// A socket bound to `ip` and a port the kernel chooses.
    init(_ ip: IPAddress = .loopbackV4) {
        descriptor = socket(ip.isIPv6 ? AF_INET6 : AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, UInt32(MemoryLayout<timeval>.size))
        var name = SocketAddress(ip, port: 0)
        precondition(unsafe volley_bind(descriptor, &name, ip.isIPv6 ? 28 : 16) == 0)
        var length: UInt32 = 28
        precondition(unsafe volley_getsockname(descriptor, &name, &length) == 0)
        address = name
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8], to destination: SocketAddress) {
        var name = destination
        let count = unsafe bytes.withUnsafeBytes { bytes in
            unsafe withUnsafeMutablePointer(to: &name) { name in
                let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                var vector = unsafe iovec(iov_base: base, iov_len: bytes.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var header = unsafe msghdr()
                    unsafe header.msg_name = UnsafeMutableRawPointer(name)
                    unsafe header.msg_namelen = destination.family == .ipv6 ? 28 : 16
                    unsafe header.msg_iov = vector
                    unsafe header.msg_iovlen = 1
                    return unsafe sendmsg(descriptor, &header, 0)
                }
            }
        }
        precondition(count == bytes.count, "loopback takes every datagram")
    }

    /// The next datagram and where it came from; nil after ten seconds without one.
    func receive() -> (bytes: [UInt8], source: SocketAddress)? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var source = SocketAddress.unspecified
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe withUnsafeMutablePointer(to: &source) { source in
                var vector = unsafe iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var header = unsafe msghdr()
                    unsafe header.msg_name = UnsafeMutableRawPointer(source)
                    unsafe header.msg_namelen = 28
                    unsafe header.msg_iov = vector
                    unsafe header.msg_iovlen = 1
                    return unsafe recvmsg(descriptor, &header, 0)
                }
            }
        }
        return count < 0 ? nil : (Array(buffer.prefix(count)), source)
    }
}
