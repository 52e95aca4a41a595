import CVolley
import Glibc

@testable import Volley

/// A message as `sendmmsg` was given it.
struct SentMessage {
    var destination: SocketAddress?
    var payload: [UInt8]
    /// The length `UDP_SEGMENT` says; 0 when the message is a single datagram.
    var segment = 0
    /// How many pieces of memory the payload lies in.
    var vectors: Int
    /// Level and type of each control message.
    var controls: [[CInt]] = []

    var isTrain: Bool { segment > 0 }
    var datagrams: [[UInt8]] { isTrain ? split(payload, by: segment) : [payload] }

    init(_ header: msghdr) {
        // SAFETY: the header is one the kernel is about to be given, so its pointers and counts are right.
        vectors = unsafe Int(header.msg_iovlen)
        payload = (0..<vectors).flatMap { index in
            unsafe Array(
                UnsafeRawBufferPointer(start: header.msg_iov[index].iov_base, count: header.msg_iov[index].iov_len))
        }
        if let name = unsafe header.msg_name {
            destination = SocketAddress(
                kernelBytes: unsafe Array(UnsafeRawBufferPointer(start: name, count: Int(header.msg_namelen))))
        }
        let area = unsafe UnsafeRawBufferPointer(start: header.msg_control, count: Int(header.msg_controllen))
        var start = 0
        while start + 16 <= area.count {
            let length = unsafe area.load(fromByteOffset: start, as: Int.self)
            let level = unsafe area.load(fromByteOffset: start + 8, as: CInt.self)
            let type = unsafe area.load(fromByteOffset: start + 12, as: CInt.self)
            controls.append([level, type])
            if type == CInt(VOLLEY_UDP_SEGMENT), level == CInt(IPPROTO_UDP) {
                segment = unsafe Int(area.load(fromByteOffset: start + 16, as: UInt16.self))
            }
            guard length >= 16 else { break }
            start += (length + 7) & ~7
        }
    }
}
