internal import CVolley
internal import Glibc
internal import VolleyCore

/// The system calls of streams, each wrapped once; like ``Syscalls``, a table for tests to replace fields of.
///
/// Results are the call's own, or the negated errno.
@safe
struct StreamSyscalls: Sendable {
    /// `recv(2)`.
    var receive: @Sendable (CInt, UnsafeMutableRawPointer, Int) -> Int
    /// `send(2)`, without `SIGPIPE`.
    var send: @Sendable (CInt, UnsafeRawPointer, Int) -> Int
    /// `sendmsg(2)`: a `writev(2)` without `SIGPIPE`.
    var sendVectors: @Sendable (CInt, UnsafePointer<iovec>, Int) -> Int
    /// `accept4(2)`: a non-blocking socket, close-on-exec.
    var accept: @Sendable (CInt, UnsafeMutablePointer<volley_name>) -> Int
    /// `socket(2)`: a non-blocking stream socket, close-on-exec.
    var socket: @Sendable (_ family: CInt) -> Int
    /// `listen(2)`.
    var listen: @Sendable (CInt, _ backlog: CInt) -> Int
    /// `shutdown(2)` of the writing side.
    var shutDownWriting: @Sendable (CInt) -> Int
    /// `getsockopt(2)` of `SO_ERROR`: 0 or the negated errno that is pending.
    var pendingError: @Sendable (CInt) -> Int

    /// The kernel.
    static let kernel = unsafe StreamSyscalls(
        receive: { descriptor, buffer, count in
            Syscalls.retrying { unsafe recv(descriptor, buffer, count, 0) }
        },
        send: { descriptor, bytes, count in
            Syscalls.retrying { unsafe Glibc.send(descriptor, bytes, count, CInt(MSG_NOSIGNAL)) }
        },
        sendVectors: { descriptor, vectors, count in
            Syscalls.retrying { unsafe volley_send_vectors(descriptor, vectors, count) }
        },
        accept: { descriptor, name in
            Syscalls.retrying { unsafe Int(volley_accept_stream(descriptor, name)) }
        },
        socket: { family in
            let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
            return Syscalls.retrying { Int(Glibc.socket(family, CInt(type), 0)) }
        },
        listen: { descriptor, backlog in
            Syscalls.retrying { Int(Glibc.listen(descriptor, backlog)) }
        },
        shutDownWriting: { descriptor in
            Syscalls.retrying { Int(shutdown(descriptor, CInt(SHUT_WR))) }
        },
        pendingError: { descriptor in
            System.getOption(descriptor, SOL_SOCKET, SO_ERROR).map { -Int($0) } ?? -Int(errno)
        }
    )
}

/// System calls of streams that no test needs to force.
extension System {
    /// Has a socket send a reset when it is closed (`SO_LINGER` with no time).
    static func resetOnClose(_ descriptor: CInt) { _ = volley_reset_on_close(descriptor) }

    /// Which file a path is, by device and inode (`lstat(2)`); nil when there is none.
    static func fileIdentity(_ path: String) -> [UInt64]? {
        var status = stat()
        // SAFETY: lstat only writes `status`.
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return [UInt64(status.st_dev), UInt64(status.st_ino)]
    }

    /// Removes a file (`unlink(2)`).
    static func unlinkFile(_ path: String) { _ = unsafe unlink(path) }

    /// The addresses of a name (`getaddrinfo(3)`), in its order; a blocking call.
    ///
    /// - Parameter host: the name or the digits of an address; nil with `isPassive` for the wildcard addresses.
    /// - Returns: the addresses, or the `EAI_` number, with errno for `EAI_SYSTEM`.
    static func resolve(
        _ host: String?, port: UInt16, family: CInt, isPassive: Bool
    ) -> Result<[SocketAddress], ResolverFailure> {
        unsafe withUnsafeTemporaryAllocation(of: volley_name.self, capacity: Int(VOLLEY_NAMES_MAX)) { names in
            var count: CInt = 0
            // SAFETY: the call reads the host up to its zero, and fills at most VOLLEY_NAMES_MAX names.
            let result =
                if let host {
                    unsafe volley_resolve(host, port, family, isPassive ? 1 : 0, names.baseAddress, &count)
                } else {
                    unsafe volley_resolve(nil, port, family, isPassive ? 1 : 0, names.baseAddress, &count)
                }
            guard result == 0 else { return .failure(ResolverFailure(code: result, errno: errno)) }
            return .success((0..<Int(count)).compactMap { unsafe SocketAddress(names[$0]) })
        }
    }
}

/// Why `getaddrinfo` found nothing.
struct ResolverFailure: Error {
    let code: CInt
    let errno: CInt

    /// The C library's own words (`gai_strerror(3)`).
    var text: String { unsafe String(cString: gai_strerror(code)) }
}

extension SocketAddress {
    /// An address from what the kernel or the C library gave; nil for a family that is not IP.
    init?(_ name: volley_name) {
        var address = SocketAddress.unspecified
        // SAFETY: both have the 28 bytes of sockaddr_in6, of which sockaddr_in is the beginning.
        unsafe withUnsafeMutableBytes(of: &address) { address in
            unsafe withUnsafeBytes(of: name.bytes) { unsafe address.copyMemory(from: $0) }
        }
        guard address.family == .ipv4 || address.family == .ipv6 else { return nil }
        self = address
    }
}
