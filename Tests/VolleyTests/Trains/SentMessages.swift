import CVolley
import Glibc
import SystemPackage
import Testing

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

/// Stands for the kernel's `sendmmsg`: notes what it takes, and refuses what a test wants refused.
final class ScriptedKernel: @unchecked Sendable {
    // True by the tests: each uses its own, on its one thread.
    /// What was taken, in order.
    private(set) var taken: [SentMessage] = []
    /// What was refused, in order.
    private(set) var refused: [SentMessage] = []
    private(set) var calls = 0
    /// Why a message is not taken; nil if it is. As the kernel does, a call ends there, failing if it is the first.
    var refusal: (SentMessage) -> Errno? = { _ in nil }
    /// The most messages one call takes.
    var messagesMax = Int.max
    /// What the next calls fail with, before anything is looked at.
    var failures: [Errno] = []
    /// Whether what is taken is sent.
    var isReal = false
    var segmentation = SegmentationSupport(segmentsMax: 64, receivesTrains: true)

    var datagrams: [[UInt8]] { taken.flatMap(\.datagrams) }
    /// How many datagrams each message was.
    var counts: [Int] { taken.map(\.datagrams.count) }

    var table: Syscalls {
        var table = Syscalls.kernel
        table.segmentation = { [self] in segmentation }
        unsafe table.sendmmsg = { [self] descriptor, headers, count in
            calls += 1
            if !failures.isEmpty { return -Int(failures.removeFirst().rawValue) }
            var sent = 0
            while sent < min(count, messagesMax) {
                // SAFETY: the endpoint vouches for `count` headers.
                let message = unsafe SentMessage(headers[sent].msg_hdr)
                var errno = refusal(message)
                if errno == nil, isReal {
                    let result = unsafe Syscalls.kernel.sendmmsg(descriptor, headers + sent, 1)
                    if result < 0 { errno = Errno(rawValue: CInt(-result)) }
                }
                if let errno {
                    refused.append(message)
                    return sent > 0 ? sent : -Int(errno.rawValue)
                }
                taken.append(message)
                sent += 1
            }
            return sent
        }
        return table
    }
}
