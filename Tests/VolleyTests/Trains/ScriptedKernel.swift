import CVolley
import Glibc
import SystemPackage

@testable import Volley

/// Stands for the kernel's `sendmmsg`: notes what it takes, and refuses what a test wants refused.
final class ScriptedKernel: @unchecked Sendable {
    // True by the tests: each uses its own, on its one thread.
    /// What was taken, in order.
    private(set) var taken: [SentMessage] = []
    /// What was refused, in order.
    private(set) var refused: [SentMessage] = []
    private(set) var calls = 0
    /// Why a message is not taken; nil if it is.
    ///
    /// As the kernel does, a call ends there, failing if it is the first.
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
