internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The system calls of shards, each wrapped once.
extension System {
    /// The processors the calling thread may run on, in ascending order (`sched_getaffinity(2)`); nil on error.
    static func affinity() -> [Int]? {
        var words = [UInt64](repeating: 0, count: Int(VOLLEY_CPU_WORDS))
        // SAFETY: the call writes VOLLEY_CPU_WORDS words.
        guard unsafe words.withUnsafeMutableBufferPointer({ unsafe volley_get_affinity($0.baseAddress) }) == 0 else {
            return nil
        }
        return (0..<words.count * 64).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    }

    /// Binds the calling thread to processors (`sched_setaffinity(2)`).
    static func setAffinity(_ processors: Set<Int>) throws(DatagramError) {
        var words = [UInt64](repeating: 0, count: Int(VOLLEY_CPU_WORDS))
        for processor in processors {
            guard (0..<words.count * 64).contains(processor) else {
                throw DatagramError(.invalidArgument, operation: .configure)
            }
            words[processor / 64] |= 1 << UInt64(processor % 64)
        }
        // SAFETY: the call reads VOLLEY_CPU_WORDS words.
        try check(unsafe words.withUnsafeBufferPointer { unsafe volley_set_affinity($0.baseAddress) }, .configure)
    }

    /// A second descriptor of the same socket (`fcntl(2)`, `F_DUPFD_CLOEXEC`).
    static func duplicate(_ descriptor: CInt) throws(DatagramError) -> CInt {
        let copy = volley_duplicate(descriptor)
        try check(copy, .create)
        return copy
    }

    /// Installs the program that steers a group, through any of its sockets (`SO_ATTACH_REUSEPORT_CBPF`).
    static func attachSteering(_ program: SteeringProgram, to descriptor: CInt) throws(DatagramError) {
        var filter = program.instructions
        let count = UInt16(clamping: filter.count)
        // SAFETY: `count` instructions are there; the kernel copies them.
        let result = unsafe filter.withUnsafeMutableBufferPointer {
            unsafe volley_attach_steering(descriptor, $0.baseAddress, count)
        }
        try check(result, .configure)
    }

    /// Has the kernel drop what arrives from now on, counted as the socket's drops (`SO_ATTACH_FILTER`).
    static func refuseDatagrams(_ descriptor: CInt) throws(DatagramError) {
        try check(volley_refuse_datagrams(descriptor), .configure)
    }

    /// Ends ``refuseDatagrams(_:)`` (`SO_DETACH_FILTER`).
    static func acceptDatagrams(_ descriptor: CInt) throws(DatagramError) {
        try check(volley_accept_datagrams(descriptor), .configure)
    }

    /// Whether a receive would find a datagram right now (`poll(2)`).
    static func isReadable(_ descriptor: CInt) -> Bool { volley_is_readable(descriptor) != 0 }

    /// Waits until every datagram that is already on its way to a socket's queue has got there.
    ///
    /// A processor may have chosen a socket by the old steering program a moment before a new one was installed. The
    /// kernel does both within one RCU read section, and `membarrier(2)` with `MEMBARRIER_CMD_GLOBAL` waits for all
    /// of those: some milliseconds. Where it is not to be had, the wait is left out.
    static func waitForDatagramsUnderWay() { _ = volley_wait_for_packets_under_way() }

    private static func check(_ result: CInt, _ operation: DatagramError.Operation) throws(DatagramError) {
        guard result < 0 else { return }
        throw DatagramError(Errno(rawValue: errno), operation: operation)
    }
}
