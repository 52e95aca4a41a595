internal import Glibc
internal import SystemPackage

/// A program this process has started, with its three standard streams; ended and reaped at the latest by `deinit`.
///
/// The one file of this module that starts programs: by posix_spawn(3), which neither copies memory nor runs code of ours in the child.
@safe
struct ChildProgram: ~Copyable {
    /// How a program has ended.
    enum Ending: Equatable {
        case status(Int32)
        case signal(Int32)
    }

    private let process: pid_t
    private var ending: Ending?

    /// The process's number, for tests.
    var processID: Int32 { process }

    /// Starts `program`, which is looked up in `PATH`, with a plain environment: what it does depends on nothing else.
    init(
        _ program: String, _ arguments: [String], input: FileDescriptor, output: FileDescriptor,
        errors: FileDescriptor
    ) throws(Errno) {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for (descriptor, number) in [(input, 0), (output, 1), (errors, 2)] as [(FileDescriptor, CInt)] {
            unsafe posix_spawn_file_actions_adddup2(&actions, descriptor.rawValue, number)
        }
        // A pipe of this process that a child held open, too, would never end for whoever reads from it.
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        // A program writes into a closed pipe as it would from a shell, whatever this process does with signals.
        var pipes = sigset_t()
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigemptyset(&pipes)
        unsafe sigaddset(&pipes, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &pipes)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        // SAFETY: the strings are copies that live until the call is over; both arrays end with nil.
        var argv = unsafe Self.cStrings([program] + arguments)
        var environment = unsafe Self.cStrings(["LC_ALL=C"])
        defer { unsafe (argv + environment).forEach { unsafe free($0) } }
        var number: pid_t = 0
        let status = unsafe posix_spawnp(&number, program, &actions, &attributes, &argv, &environment)
        guard status == 0 else { throw Errno(rawValue: status) }
        process = number
    }

    deinit {
        guard ending == nil else { return }
        // It may wait for input for ever, and nobody wants its output any more.
        kill(process, SIGKILL)
        var status: CInt = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    /// Copies as `exec` wants them, to be freed.
    private static func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var pointers = unsafe [UnsafeMutablePointer<CChar>?](repeating: nil, count: texts.count + 1)
        for index in texts.indices { unsafe pointers[index] = strdup(texts[index]) }
        return unsafe pointers
    }

    /// Waits until the program has ended.
    mutating func wait() -> Ending {
        if let ending { return ending }
        var status: CInt = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        // WIFSIGNALED and WEXITSTATUS, which are macros; stopping is not reported without WUNTRACED.
        let signal = status & 0x7f
        let found = signal != 0 ? Ending.signal(signal) : .status(status >> 8 & 0xff)
        ending = found
        return found
    }
}

/// What `ChildProgram` and those who talk to one need of pipes and sockets.
enum ChildStreams {
    /// A pipe from a child: as large as an ordinary process may have one, since fewer turns are faster.
    static func pipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
        var ends: [CInt] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw Errno(rawValue: errno) }
        // A refusal leaves it as it is, which works too.
        _ = fcntl(ends[0], F_SETPIPE_SZ, 1 << 20)
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    /// A connection to a child's standard input: a socket, for it can be written to without waiting and without a signal.
    static func socket() throws(Errno) -> (ours: FileDescriptor, theirs: FileDescriptor) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    /// Sends what a socket takes without waiting; 0 when it is full, `nil` when the other end is closed.
    static func send(_ bytes: ArraySlice<UInt8>, to socket: FileDescriptor) -> Int? {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: the call reads only the buffer.
            unsafe Glibc.send(
                socket.rawValue, buffer.baseAddress, buffer.count,
                CInt(MSG_DONTWAIT | MSG_NOSIGNAL))
        }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// Waits until one of the descriptors can be read from or written to, as asked, or its other end is closed; no longer
    /// than the time given, unless it is negative.
    ///
    /// - Returns: for each, whether it is ready.
    static func wait(
        for wanted: [(FileDescriptor?, forWriting: Bool)], milliseconds: CInt = -1
    ) throws(Errno) -> [Bool] {
        // A negative number is passed over.
        var list = wanted.map { descriptor, forWriting in
            pollfd(fd: descriptor?.rawValue ?? -1, events: Int16(forWriting ? POLLOUT : POLLIN), revents: 0)
        }
        while unsafe poll(&list, nfds_t(list.count), milliseconds) < 0 {
            guard errno == EINTR else { throw Errno(rawValue: errno) }
        }
        return list.map { $0.revents != 0 }
    }

    /// Moves a file back by `count` bytes that were read from it; `false` where that cannot be, as in a pipe.
    static func rewind(_ descriptor: FileDescriptor, by count: Int) -> Bool {
        lseek(descriptor.rawValue, -count, SEEK_CUR) >= 0
    }

    /// How far a file is read, by whomever; `nil` for what has no place.
    static func position(of descriptor: FileDescriptor) -> Int64? {
        let offset = lseek(descriptor.rawValue, 0, SEEK_CUR)
        return offset < 0 ? nil : Int64(offset)
    }
}
