import Glibc
import Testing
import VolleyCore

@testable import Volley

/// A network namespace of a test's own, on the thread of the test: sockets and loops made meanwhile live in it.
///
/// It has `lo`, and a pair `v0`–`v1` of which `v0` has two addresses of each family. Tests that use it must not suspend.
enum OptionsNamespace {
    /// Whether this process may make namespaces and has ip(8): `CAP_SYS_ADMIN`, as root has.
    static let isAvailable: Bool = {
        do {
            return try run { true }
        } catch {
            return false
        }
    }()

    static let reason: Comment = "takes CAP_SYS_ADMIN for a network namespace, ip(8) and veth devices"

    /// The addresses of `v0`.
    static func address(_ number: UInt8, isIPv6: Bool) -> IPAddress {
        isIPv6
            ? IPAddress(v6High: 0xfd09_0000_0000_0000, low: UInt64(number))
            : IPAddress(v4: 0x0a09_0000 | UInt32(number))
    }

    private static let setUp = """
        set -e
        ip link set lo up
        ip link add v0 type veth peer name v1
        ip link set v0 addrgenmode none
        ip link set v1 addrgenmode none
        ip link set v0 up
        ip link set v1 up
        for n in 1 2; do
            ip addr add 10.9.0.$n/24 dev v0
            ip -6 addr add fd09::$n/64 dev v0 nodad
        done
        # The kernel brings links up, and routes to new addresses, in its own time.
        for i in $(seq 5000); do
            if ip -o link show dev v0 | grep -q 'state UP' && ip -6 route show table local | grep -q 'multicast.*dev v0' &&
                ip -6 route show table local | grep -q fd09::1 && ip -6 route show table local | grep -q fd09::2; then
                exit 0
            fi
        done
        exit 1
        """

    /// Whether this process has `CAP_NET_ADMIN`, by trying what takes it.
    static let hasNetworkAdmin: Bool = {
        let descriptor = CInt(Syscalls.kernel.socket(CInt(AF_INET)))
        defer { close(descriptor) }
        return Syscalls.kernel.setOption(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, 65_536) == 0
    }()

    struct Failure: Error {
        let what: String
        let number: CInt
    }

    /// Runs `body` in a new namespace, and goes back.
    static func run<Result>(_ body: () throws -> Result) throws -> Result {
        let outside = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        guard outside >= 0 else { throw Failure(what: "open", number: errno) }
        defer { close(outside) }
        guard unshare(CLONE_NEWNET) == 0 else { throw Failure(what: "unshare", number: errno) }
        // A thread that cannot go back would take other tests along.
        defer { precondition(setns(outside, CLONE_NEWNET) == 0, "the thread cannot leave its namespace") }
        let status = try shell(setUp)
        guard status == 0 else { throw Failure(what: "ip", number: status) }
        return try body()
    }

    private static func shell(_ script: String) throws -> CInt {
        var child = pid_t()
        let words = ["sh", "-c", script]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        defer { unsafe arguments.forEach { unsafe free($0) } }
        // SAFETY: the arguments end with nil and live until the call has returned.
        let result = unsafe posix_spawn(&child, "/bin/sh", nil, nil, &arguments, environ)
        guard result == 0 else { throw Failure(what: "sh", number: result) }
        var status: CInt = 0
        while unsafe waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw Failure(what: "waitpid", number: errno) }
        }
        return status
    }
}
