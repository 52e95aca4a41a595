internal import CVolley
internal import Glibc

/// The system calls of the datagram path, each wrapped once: `EINTR` is retried here, and errno is read in the same
/// statement as the call.
///
/// Nothing else in the package calls libc for sockets.
///
/// A table and not plain functions, so that a test can force a short send or any errno: replace a field, keep the rest.
/// Results are the call's own, or the negated errno.
@safe
struct Syscalls: Sendable {
    /// `recvmmsg(2)`, without its time-out argument, which does not work.
    var recvmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int
    /// `sendmmsg(2)`.
    var sendmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int
    /// `recvmsg(2)` with `MSG_ERRQUEUE`: one entry of the error queue.
    var receiveError: @Sendable (CInt, UnsafeMutablePointer<volley_error>) -> Int
    /// `socket(2)`: a datagram socket, close-on-exec.
    var socket: @Sendable (_ family: CInt) -> Int
    /// `bind(2)`.
    var bind: @Sendable (CInt, UnsafeRawBufferPointer) -> Int
    /// `connect(2)`.
    var connect: @Sendable (CInt, UnsafeRawBufferPointer) -> Int
    /// `fcntl(2)`: sets `O_NONBLOCK`.
    var setNonBlocking: @Sendable (CInt) -> Int
    /// Whether trains of datagrams can be sent and received.
    var segmentation: @Sendable () -> SegmentationSupport
    /// `setsockopt(2)` with an `int`.
    var setOption: @Sendable (CInt, _ level: CInt, _ name: CInt, _ value: CInt) -> Int
    /// `setsockopt(2)` with anything else.
    var setOptionBytes: @Sendable (CInt, _ level: CInt, _ name: CInt, _ value: UnsafeRawBufferPointer) -> Int
    /// `getsockopt(2)`: datagrams dropped, modulo 2³², the last word of `SO_MEMINFO`; nil when the descriptor is none.
    var dropCount: @Sendable (CInt) -> UInt32?
    /// Those of pipes.
    var pipe = PipeSyscalls.kernel
    /// Those of programs.
    var spawning = SpawnCalls.kernel
    /// Those of streams.
    var stream = StreamSyscalls.kernel

    /// The kernel.
    static let kernel = unsafe Syscalls(
        recvmmsg: { descriptor, headers, count in
            retrying { unsafe Int(Glibc.recvmmsg(descriptor, headers, UInt32(count), 0, nil)) }
        },
        sendmmsg: { descriptor, headers, count in
            retrying { unsafe Int(Glibc.sendmmsg(descriptor, headers, UInt32(count), CInt(MSG_NOSIGNAL))) }
        },
        receiveError: { descriptor, entry in
            retrying { unsafe Int(volley_receive_error(descriptor, entry)) }
        },
        socket: { family in
            retrying { Int(Glibc.socket(family, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)) }
        },
        bind: { descriptor, name in
            retrying { unsafe Int(volley_bind(descriptor, name.baseAddress, UInt32(name.count))) }
        },
        connect: { descriptor, name in
            retrying { unsafe Int(volley_connect(descriptor, name.baseAddress, UInt32(name.count))) }
        },
        setNonBlocking: { descriptor in
            retrying { Int(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)) }
        },
        segmentation: { SegmentationSupport.probed },
        setOption: { descriptor, level, name, value in
            retrying {
                var value = value
                return unsafe Int(setsockopt(descriptor, level, name, &value, UInt32(MemoryLayout<CInt>.size)))
            }
        },
        setOptionBytes: { descriptor, level, name, value in
            retrying { unsafe Int(setsockopt(descriptor, level, name, value.baseAddress, UInt32(value.count))) }
        },
        dropCount: System.dropCount
    )

    /// Calls until the result is not `EINTR`; a result of -1 becomes the negated errno.
    static func retrying(_ call: () -> Int) -> Int {
        while true {
            let result = call()
            if result != -1 { return result }
            let number = errno
            if number != EINTR { return -Int(number) }
        }
    }
}

/// System calls that no test needs to force, and that happen once in an endpoint's or a loop's life.
enum System {
    static func close(_ descriptor: CInt) {
        // POSIX leaves the descriptor's state open after EINTR; Linux has closed it, so no retry.
        _ = Glibc.close(descriptor)
    }

    static func getOption(_ descriptor: CInt, _ level: CInt, _ name: CInt) -> CInt? {
        var value: CInt = 0
        var length = UInt32(MemoryLayout<CInt>.size)
        // SAFETY: `length` is the size of `value`.
        return unsafe getsockopt(descriptor, level, name, &value, &length) == 0 ? value : nil
    }

    /// The name of the interface with this index.
    static func interfaceName(_ index: UInt32) -> String? {
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        // SAFETY: if_indextoname writes at most IF_NAMESIZE bytes, with a zero at the end.
        guard unsafe if_indextoname(index, &name) != nil else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Datagrams dropped for want of receive buffer: the ninth word of `SO_MEMINFO` (Linux 4.12), modulo 2³².
    static func dropCount(_ descriptor: CInt) -> UInt32? {
        var words = InlineArray<9, UInt32>(repeating: 0)
        var length = UInt32(MemoryLayout.size(ofValue: words))
        // SAFETY: `length` is the size of `words`.
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, &words, &length)
        return result == 0 && length >= 36 ? words[8] : nil
    }

    /// The bytes `getsockname(2)`, or `getpeername(2)` when `peer` is set, gives; nil on any error.
    static func name(of descriptor: CInt, peer: Bool) -> [UInt8]? {
        var storage = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = UInt32(storage.count)
        // SAFETY: `length` is the size of the storage; the kernel says how much of it it used.
        let result = unsafe storage.withUnsafeMutableBytes { bytes in
            unsafe peer
                ? volley_getpeername(descriptor, bytes.baseAddress, &length)
                : volley_getsockname(descriptor, bytes.baseAddress, &length)
        }
        return result == 0 ? Array(storage.prefix(Int(length))) : nil
    }

    static func monotonicNanoseconds() -> Int64 { nanoseconds(of: CLOCK_MONOTONIC) }
    static func wallClockNanoseconds() -> Int64 { nanoseconds(of: CLOCK_REALTIME) }

    private static func nanoseconds(of clock: clockid_t) -> Int64 {
        var time = timespec()
        // SAFETY: both clocks exist on every Linux; the call only writes `time`.
        _ = unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Removes the file of a Unix socket that nobody has open any more; leaves anything else alone.
    ///
    /// `name` is the path in the kernel's form. Only a connect tells whether the socket is alive: `ECONNREFUSED` says
    /// that it is not.
    static func unlinkStaleSocket(_ path: String, name: UnsafeRawBufferPointer) {
        var status = stat()
        // SAFETY: lstat only writes `status`.
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return }
        // SAFETY: `name` is a sockaddr_un and says how long it is.
        let isStale = unsafe volley_connect(probe, name.baseAddress, UInt32(name.count)) != 0 && errno == ECONNREFUSED
        close(probe)
        if isStale { _ = unsafe unlink(path) }
    }
}
