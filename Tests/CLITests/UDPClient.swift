import Foundation
import Testing
import VolleyCore

/// A plain blocking UDP socket, with none of our own code in between.
final class UDPClient {
    let descriptor: Int32

    /// A socket bound to a free port of 127.0.0.1, connected to `port` there if one is given.
    init(to port: UInt16? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(descriptor >= 0)
        // Only so that a loss fails the test instead of hanging it.
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let isBound = unsafe Self.withLoopback(0) { unsafe bind(descriptor, $0, $1.pointee) == 0 }
        try #require(isBound)
        if let port { try connect(to: port) }
    }

    deinit { close(descriptor) }

    func connect(to port: UInt16) throws {
        let isConnected = unsafe Self.withLoopback(port) { unsafe Foundation.connect(descriptor, $0, $1.pointee) == 0 }
        try #require(isConnected)
    }

    /// The port it is bound to.
    var port: UInt16 {
        unsafe Self.withLoopback(0) { name, length in
            _ = unsafe getsockname(descriptor, name, length)
            return unsafe name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }

    /// Sends `number`, four bytes, once.
    func send(_ number: UInt32) -> Bool {
        // SAFETY: the call reads the four bytes of the number.
        unsafe withUnsafeBytes(of: number.bigEndian) { unsafe Foundation.send(descriptor, $0.baseAddress, 4, 0) == 4 }
    }

    /// The next number to come; nil after ten seconds without one.
    func receive() -> UInt32? {
        var bytes = [UInt8](repeating: 0, count: 8)
        guard unsafe recv(descriptor, &bytes, bytes.count, 0) == 4 else { return nil }
        return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func withLoopback<Result>(
        _ port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> Result {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        name.sin_port = port.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: a sockaddr_in is what the calls take as a sockaddr, by its length.
        return unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, &length) }
        }
    }
}
