import CVolley
import Glibc
import Testing

@testable import Volley

/// The other end of a test of trains: a plain UDP socket that sends single datagrams and trains, and receives either.
final class TrainPeer {
    struct Arrival: Equatable {
        var payload: [UInt8]
        var source: SocketAddress
        var trafficClass: Int16
    }

    let address: SocketAddress
    let descriptor: CInt
    private(set) var arrivals: [Arrival] = []
    private(set) var trains = 0
    private var buffer = [UInt8](repeating: 0, count: 1 << 17)

    /// A socket bound to `ip` and a free port; with `receivesTrains` the kernel gives it trains whole (`UDP_GRO`).
    init(_ ip: IPAddress = .loopbackV4, receivesTrains: Bool = false) throws {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(ip.isIPv6 ? AF_INET6 : AF_INET, type, 0)
        self.descriptor = descriptor
        let result = unsafe SocketAddress(ip, port: 0).withKernelBytes {
            unsafe volley_bind(descriptor, $0.baseAddress, UInt32($0.count))
        }
        try #require(result == 0, "bind: errno \(errno)")
        let name = try #require(System.name(of: descriptor, peer: false))
        address = try #require(SocketAddress(kernelBytes: name))
        // More than any test here sends at once, if the system allows it.
        set(SOL_SOCKET, SO_RCVBUF, 2 << 20)
        if receivesTrains { set(CInt(IPPROTO_UDP), CInt(VOLLEY_UDP_GRO), 1) }
        set(CInt(IPPROTO_IP), CInt(IP_RECVTOS), 1)
        if ip.isIPv6 { set(CInt(IPPROTO_IPV6), IPV6_RECVTCLASS, 1) }
    }

    deinit { System.close(descriptor) }

    /// Sets a socket option that is an `int`.
    func set(_ level: CInt, _ name: CInt, _ value: CInt) {
        #expect(Syscalls.kernel.setOption(descriptor, level, name, value) == 0)
    }

    var payloads: [[UInt8]] { arrivals.map(\.payload) }

    /// Sends one datagram, or a train of datagrams of `segment` bytes of which the last may be shorter.
    func send(_ bytes: [UInt8], segment: Int = 0, to destination: SocketAddress) {
        var bytes = bytes
        var control = [UInt8](repeating: 0, count: Int(VOLLEY_SEND_CONTROL_SIZE))
        // SAFETY: the kernel reads the bytes, the name and the control area, which stay in place until it has.
        let result = unsafe destination.withKernelBytes { name in
            unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe control.withUnsafeMutableBytes { control in
                    var vector = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_name = UnsafeMutableRawPointer(mutating: name.baseAddress)
                        unsafe message.msg_namelen = UInt32(name.count)
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        if segment > 0 {
                            unsafe message.msg_control = control.baseAddress
                            unsafe message.msg_controllen = volley_write_segment_size(
                                control.baseAddress, UInt16(segment))
                        }
                        return unsafe sendmsg(descriptor, &message, CInt(MSG_NOSIGNAL))
                    }
                }
            }
        }
        #expect(result == bytes.count, "errno \(errno) for \(bytes.count) bytes in segments of \(segment)")
    }

    /// Reads everything that has arrived, trains as the datagrams they are.
    func drain() {
        while let (payload, segment, source, trafficClass) = receive() {
            if segment == 0 || segment >= payload.count {
                arrivals.append(Arrival(payload: payload, source: source, trafficClass: trafficClass))
                continue
            }
            trains += 1
            for start in stride(from: 0, to: payload.count, by: segment) {
                let part = Array(payload[start..<min(start + segment, payload.count)])
                arrivals.append(Arrival(payload: part, source: source, trafficClass: trafficClass))
            }
        }
    }

    private func receive() -> ([UInt8], segment: Int, SocketAddress, Int16)? {
        var source = SocketAddress.unspecified
        var metadata = volley_metadata()
        var control = [UInt8](repeating: 0, count: 256)
        // SAFETY: the kernel writes at most the bytes it is told there are; the control messages are read before any of
        // it goes.
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe control.withUnsafeMutableBytes { control in
                unsafe withUnsafeMutablePointer(to: &source) { name in
                    var vector = unsafe iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
                    return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                        var message = unsafe msghdr()
                        unsafe message.msg_name = UnsafeMutableRawPointer(name)
                        unsafe message.msg_namelen = 28
                        unsafe message.msg_iov = vector
                        unsafe message.msg_iovlen = 1
                        unsafe message.msg_control = control.baseAddress
                        unsafe message.msg_controllen = control.count
                        let count = unsafe recvmsg(descriptor, &message, 0)
                        if count >= 0 { unsafe volley_read_control(&message, &metadata) }
                        return count
                    }
                }
            }
        }
        guard count >= 0 else { return nil }
        return (Array(buffer[..<count]), Int(metadata.segment_size), source, metadata.traffic_class)
    }
}

/// `count` bytes that tell apart what has another `seed` or is shifted.
func pattern(_ count: Int, seed: Int = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed &* 31) &* 167 &+ $0 >> 8) }
}

/// Splits what a train carries into its datagrams.
func split(_ bytes: [UInt8], by segment: Int) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: segment).map { Array(bytes[$0..<min($0 + segment, bytes.count)]) }
}
