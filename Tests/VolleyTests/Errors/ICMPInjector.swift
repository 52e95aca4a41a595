import CVolley
import Glibc
import Testing
import VolleyCore

@testable import Volley

/// A raw socket that sends ICMP or ICMPv6 errors as a router would (icmp(7), RFC 792, RFC 4443).
final class ICMPInjector {
    /// Who the errors come from.
    let source: IPAddress
    private let descriptor: CInt

    /// - Parameter source: an address of the namespace.
    init(_ family: InternetFamily, from source: IPAddress, in namespace: NetworkNamespace) throws {
        self.source = source
        descriptor = try namespace.inside {
            socket(
                family.isIPv6 ? AF_INET6 : AF_INET, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue),
                CInt(family.isIPv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
        }
        try #require(descriptor >= 0, "raw socket: errno \(errno)")
        let result = unsafe SocketAddress(source, port: 0).withKernelBytes { [descriptor] in
            unsafe volley_bind(descriptor, $0.baseAddress, UInt32($0.count))
        }
        try #require(result == 0, "bind: errno \(errno)")
    }

    deinit { System.close(descriptor) }

    /// One error message about a UDP datagram.
    struct Message {
        var type: UInt8
        var code: UInt8
        /// The second word of the ICMP header.
        var word: UInt32
        /// Where the datagram came from: who is told.
        var from: SocketAddress
        var to: SocketAddress
        var payload: [UInt8]
    }

    /// Sends messages, one after the other, so that each has been dealt with before the next.
    ///
    /// All from one processor: loopback keeps the order of what a processor sends.
    func send(_ messages: [Message]) throws {
        var isSent = true
        onThread {
            var processors = cpu_set_t()
            // SAFETY: the set is written and read by its size.
            unsafe withUnsafeMutableBytes(of: &processors) { bytes in
                let processor = Int(sched_getcpu())
                unsafe bytes[processor / 8] |= 1 << UInt8(processor % 8)
            }
            unsafe sched_setaffinity(0, MemoryLayout<cpu_set_t>.size, &processors)
            for message in messages { isSent = sendOne(message) && isSent }
        }
        try #require(isSent, "sending ICMP: errno \(errno)")
    }

    /// Sends one message, from whatever processor; returns whether it went.
    @discardableResult
    func sendOne(_ message: Message) -> Bool {
        let bytes = message.bytes
        return unsafe SocketAddress(message.from.ip, port: 0).withKernelBytes { name in
            unsafe bytes.withUnsafeBytes { bytes in
                let base = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                var vector = unsafe iovec(iov_base: base, iov_len: bytes.count)
                return unsafe withUnsafeMutablePointer(to: &vector) { vector in
                    var header = unsafe msghdr()
                    unsafe header.msg_name = UnsafeMutableRawPointer(mutating: name.baseAddress)
                    unsafe header.msg_namelen = UInt32(name.count)
                    unsafe header.msg_iov = vector
                    unsafe header.msg_iovlen = 1
                    return unsafe sendmsg(descriptor, &header, 0) == bytes.count
                }
            }
        }
    }
}

extension ICMPInjector.Message {
    /// The ICMP message with the datagram it quotes; of ICMPv6 the kernel makes the checksum.
    var bytes: [UInt8] {
        var bytes = [type, code, 0, 0] + word.bytes + quotedPacket
        guard !from.ip.isIPv6 else { return bytes }
        var sum: UInt32 = 0
        for index in bytes.indices { sum += index % 2 == 0 ? UInt32(bytes[index]) << 8 : UInt32(bytes[index]) }
        while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
        bytes.replaceSubrange(2..<4, with: UInt16(truncatingIfNeeded: ~sum).bytes)
        return bytes
    }

    private var quotedPacket: [UInt8] {
        let length = UInt16(8 + payload.count)
        let udp = from.port.bytes + to.port.bytes + length.bytes + [0, 0] + payload
        if from.ip.isIPv6 {
            return [0x60, 0, 0, 0] + length.bytes + [17, 64] + from.ip.octets + to.ip.octets + udp
        }
        return [0x45, 0] + (20 + length).bytes + [0, 0, 0, 0, 64, 17, 0, 0] + from.ip.octets + to.ip.octets + udp
    }
}

extension FixedWidthInteger {
    /// The bytes in network order.
    fileprivate var bytes: [UInt8] { unsafe withUnsafeBytes(of: bigEndian) { unsafe Array($0) } }
}

extension IPAddress {
    /// The address as a header has it.
    fileprivate var octets: [UInt8] { isIPv6 ? high.bytes + low.bytes : UInt32(truncatingIfNeeded: low).bytes }
}
