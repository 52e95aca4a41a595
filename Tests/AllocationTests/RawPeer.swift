import CVolley
import Glibc
import VolleyCore

/// The other end of a test: a plain non-blocking UDP socket on loopback, used without our own code in between.
final class RawPeer {
    private let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// A socket connected to `address`.
    init(connectedTo address: SocketAddress) {
        descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = address.port.bigEndian
        name.sin_addr.s_addr = (address.ip.v4Bits ?? 0).bigEndian
        let result = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe volley_connect(descriptor, pointer, UInt32(MemoryLayout<sockaddr_in>.size))
        }
        precondition(result == 0, "loopback takes every connect")
    }

    deinit { close(descriptor) }

    /// Sends `count` datagrams of `size` bytes; on loopback they are in the receiver's queue when this returns.
    func send(_ count: Int, size: Int = 64) {
        for index in 0..<count {
            buffer[0] = UInt8(truncatingIfNeeded: index)
            let result = unsafe buffer.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, size, 0) }
            precondition(result == size)
        }
    }

    /// Sends `count` datagrams of `size` bytes as a train (`UDP_SEGMENT`).
    func sendTrain(_ count: Int, size: Int = 64) {
        var control = [UInt8](repeating: 0, count: Int(VOLLEY_SEND_CONTROL_SIZE))
        // SAFETY: the kernel reads the bytes and the control area, which stay in place until it has.
        let result = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe control.withUnsafeMutableBytes { control in
                var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: count * size)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var message = unsafe msghdr()
                    unsafe message.msg_iov = vector
                    unsafe message.msg_iovlen = 1
                    unsafe message.msg_control = control.baseAddress
                    unsafe message.msg_controllen = volley_write_segment_size(control.baseAddress, UInt16(size))
                    return unsafe sendmsg(descriptor, &message, 0)
                }
            }
        }
        precondition(result == count * size)
    }

    /// Takes everything that has come back; returns how many datagrams that were.
    func receiveAll() -> Int {
        var count = 0
        while unsafe buffer.withUnsafeMutableBytes({ unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }) >= 0 {
            count += 1
        }
        return count
    }
}
