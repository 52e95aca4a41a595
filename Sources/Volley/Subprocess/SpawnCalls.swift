internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The system calls of a program's life, each wrapped once, in a table: a test can have any of them fail.
@safe
struct SpawnCalls: Sendable {
    /// `pipe2(2)`, close-on-exec.
    var makePipe: @Sendable () throws(Errno) -> (reading: CInt, writing: CInt)
    /// `open(2)` of `/dev/null` for reading and writing, close-on-exec.
    var openNull: @Sendable () throws(Errno) -> CInt
    /// `fcntl(2)`, `F_DUPFD_CLOEXEC`: a duplicate with at least that number.
    var duplicate: @Sendable (CInt, _ lowest: CInt) throws(Errno) -> CInt
    /// `posix_spawn(3)`: the number of the process.
    var spawn: @Sendable (SpawnRequest) throws(Errno) -> CInt
    /// `pidfd_open(2)`, of a child that nobody has reaped, so that the number is still its own.
    var openProcess: @Sendable (CInt) throws(Errno) -> CInt
    /// `pidfd_send_signal(2)`.
    var signal: @Sendable (_ pidfd: CInt, CInt) throws(Errno) -> Void
    /// `pidfd_send_signal(2)` to the group that a child leads, whose number is given too.
    var signalGroup: @Sendable (_ pidfd: CInt, CInt, _ process: CInt) throws(Errno) -> Void
    /// `waitid(2)` with `P_PIDFD`: how the child has ended, `nil` while it has not.
    var reap: @Sendable (_ pidfd: CInt) throws(Errno) -> ProcessTermination?

    /// The kernel.
    static let kernel = SpawnCalls(
        makePipe: { () throws(Errno) in
            var ends: [CInt] = [-1, -1]
            // SAFETY: the call writes two numbers.
            try check(unsafe pipe2(&ends, O_CLOEXEC))
            return (ends[0], ends[1])
        },
        openNull: { () throws(Errno) in try check(unsafe open("/dev/null", O_RDWR | O_CLOEXEC)) },
        duplicate: { descriptor, lowest throws(Errno) in try check(fcntl(descriptor, F_DUPFD_CLOEXEC, lowest)) },
        spawn: { request throws(Errno) in try request.start() },
        openProcess: { process throws(Errno) in try check(volley_pidfd_open(process)) },
        signal: { pidfd, signal throws(Errno) in try check(volley_pidfd_signal(pidfd, signal)) },
        signalGroup: { pidfd, signal, process throws(Errno) in
            try check(volley_group_signal(pidfd, process, signal))
        },
        reap: { pidfd throws(Errno) in
            var ending = volley_ending()
            // SAFETY: the call only writes `ending`.
            guard try check(unsafe volley_reap(pidfd, &ending)) == 1 else { return nil }
            if ending.code == CInt(VOLLEY_ENDED_BY_ITSELF) { return .exited(ending.status) }
            return .signaled(
                Signal(rawValue: ending.status), hasDumpedCore: ending.code == CInt(VOLLEY_ENDED_WITH_CORE))
        }
    )

    /// The call's result, or what `errno` says; nothing may come between the call and this.
    @discardableResult
    private static func check(_ result: CInt) throws(Errno) -> CInt {
        let number = errno
        if result < 0 { throw Errno(rawValue: number) }
        return result
    }

    /// Ends a child that has no pidfd, and waits for it; it is ours and unreaped, so the number is its own.
    static func abandon(_ process: CInt) {
        _ = Glibc.kill(process, SIGKILL)
        var status: CInt = 0
        // SAFETY: the call only writes `status`.
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    /// Waits until a process has ended, or `milliseconds` have passed.
    static func awaitEnd(of pidfd: CInt, milliseconds: CInt) {
        var request = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        // SAFETY: one pollfd, which the call fills in.
        _ = unsafe poll(&request, 1, milliseconds)
    }
}
