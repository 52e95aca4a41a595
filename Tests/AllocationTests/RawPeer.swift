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

    /// Takes everything that has come back; returns how many datagrams that were.
    func receiveAll() -> Int {
        var count = 0
        while unsafe buffer.withUnsafeMutableBytes({ unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }) >= 0 {
            count += 1
        }
        return count
    }
}
