internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The place in the file system where a process offers its sockets.
struct HandoverPath: Sendable {
    let text: String
    private let address: UnixAddress

    init(_ text: String) throws(LifecycleError) {
        self.text = text
        do throws(AddressError) {
            address = try UnixAddress(path: text)
        } catch {
            throw LifecycleError(.unusablePath, "\(text) cannot be the path of a socket: \(error)")
        }
    }

    /// Connects to whoever offers sockets here, waiting up to `timeout` for a place in the queue.
    ///
    /// - Returns: `nil` when nobody does: there is no file, or one that a process which is gone has left behind.
    func connect(timeout: Duration) throws(LifecycleError) -> OwnedDescriptor? {
        guard let type = fileType() else { return nil }
        guard type == S_IFSOCK else { throw occupied }
        let socket = try Self.makeSocket()
        var patience = timeval(timeout)
        // SAFETY: the option takes a timeval, whose size is given; connect(2) waits no longer than that.
        _ = unsafe setsockopt(
            socket.rawValue, SOL_SOCKET, SO_SNDTIMEO, &patience, UInt32(MemoryLayout<timeval>.size))
        // SAFETY: the name is a sockaddr_un and says how long it is.
        let result = unsafe address.withKernelBytes { name in
            unsafe volley_connect(socket.rawValue, name.baseAddress, UInt32(name.count)) == 0 ? 0 : errno
        }
        switch result {
        case 0: return socket
        case ECONNREFUSED, ENOENT: return nil
        case EAGAIN, EINTR: throw LifecycleError(.timedOut, "nobody took the connection to \(text) in time")
        case EPROTOTYPE: throw occupied
        default: throw LifecycleError(systemCall: "connect", result, at: text)
        }
    }

    /// Opens the listening socket: mode 0600, so that only the same user and root can connect.
    ///
    /// A socket file nobody serves any more is replaced.
    func listen() throws(LifecycleError) -> SharedDescriptor {
        let socket = try Self.makeSocket()
        // On Linux the mode of a socket that is not bound yet is the one its file gets: there is no moment of another.
        guard fchmod(socket.rawValue, 0o600) == 0 else {
            throw LifecycleError(systemCall: "fchmod", errno, at: text)
        }
        var result = bind(socket.rawValue)
        if result == EADDRINUSE {
            if try connect(timeout: .zero) != nil {
                throw LifecycleError(.alreadyServed, "another process offers its sockets at \(text)")
            }
            _ = unsafe unlink(text)
            result = bind(socket.rawValue)
        }
        guard result == 0 else { throw LifecycleError(systemCall: "bind", result, at: text) }
        try Self.listen(socket.rawValue, at: text)
        return SharedDescriptor(socket.release())
    }

    /// Makes a bound socket take connections, in this process's name from here on.
    static func listen(_ descriptor: CInt, at place: String) throws(LifecycleError) {
        guard Glibc.listen(descriptor, 8) == 0 else { throw LifecycleError(systemCall: "listen", errno, at: place) }
    }

    /// What tells the file here from one that is put in its place later.
    struct Identity: Hashable, Sendable {
        fileprivate let device, inode: UInt64
    }

    var identity: Identity? {
        status().map { Identity(device: UInt64($0.st_dev), inode: UInt64($0.st_ino)) }
    }

    /// Removes the file if it is still the one that was made.
    func remove(_ identity: Identity?) {
        if let identity, identity == self.identity { _ = unsafe unlink(text) }
    }

    private var occupied: LifecycleError {
        LifecycleError(.unusablePath, "\(text) is no socket of a hand-over, but something else; choose another path")
    }

    private func bind(_ descriptor: CInt) -> CInt {
        // SAFETY: the name is a sockaddr_un and says how long it is.
        unsafe address.withKernelBytes { name in
            unsafe volley_bind(descriptor, name.baseAddress, UInt32(name.count)) == 0 ? 0 : errno
        }
    }

    private func fileType() -> mode_t? { status().map { $0.st_mode & S_IFMT } }

    private func status() -> stat? {
        var status = stat()
        // SAFETY: lstat only writes `status`.
        return unsafe lstat(text, &status) == 0 ? status : nil
    }

    private static func makeSocket() throws(LifecycleError) -> OwnedDescriptor {
        let number = socket(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw LifecycleError(systemCall: "socket", errno, at: "the hand-over") }
        return OwnedDescriptor(number)
    }
}

extension timeval {
    /// A time-out of at least a microsecond: none at all would mean for ever.
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = max(attoseconds / 1_000_000_000_000, seconds == 0 ? 1 : 0)
        self.init(tv_sec: Int(min(max(seconds, 0), 1_000_000_000)), tv_usec: Int(max(microseconds, 0)))
    }
}
