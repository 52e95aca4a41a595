import CVolley
import Glibc
import SystemPackage
import Testing

@testable import Volley

/// A network namespace of a test's own (network_namespaces(7)): its interfaces, routes and rules concern nobody else.
///
/// A socket belongs to the namespace of the thread that makes it, whoever uses it then. So a thread goes there to make
/// sockets and to run ip(8), and the test stays where it is. The namespace goes with the last descriptor of it.
final class NetworkNamespace {
    private let descriptor: CInt

    /// Why there can be none here; nil when there can.
    static let obstacle: String? = {
        guard (try? NetworkNamespace()) != nil else { return "network namespaces need CAP_SYS_ADMIN" }
        return has("ip") ? nil : "ip, of iproute2, is not installed"
    }()

    /// Whether a command can be found.
    static func has(_ command: String) -> Bool { status(of: "command -v \(command) > /dev/null") == 0 }

    /// A namespace with its loopback up, where ICMP is not rationed and IPv6 addresses can be used at once.
    init() throws {
        var descriptor: CInt = -1
        onThread {
            guard unshare(CLONE_NEWNET) == 0 else { return }
            descriptor = unsafe open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
        }
        try #require(descriptor >= 0, "no network namespace")
        self.descriptor = descriptor
        try set("0", "ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit")
        try set("0", "ipv6/conf/all/accept_dad", "ipv6/conf/default/accept_dad")
        try run("ip link set lo up")
    }

    deinit { System.close(descriptor) }

    /// Its name for ip(8).
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    /// Runs `body` on a thread that is inside.
    func inside<Result>(_ body: () throws -> Result) throws -> Result {
        var result: Swift.Result<Result, any Error>?
        onThread {
            result = Swift.Result {
                // Not `#require`: no test is known on this thread.
                guard setns(descriptor, CLONE_NEWNET) == 0 else { throw Errno(rawValue: errno) }
                return try body()
            }
        }
        return try #require(result).get()
    }

    /// Runs a shell script inside; every line has to succeed.
    func run(_ script: String) throws {
        let status = try inside { Self.status(of: "set -e\n" + script) }
        try #require(status == 0, "exit status \(status) of: \(script)")
    }

    /// Sets things below /proc/sys/net inside.
    func set(_ value: String, _ names: String...) throws {
        for name in names {
            let isSet = try inside {
                let file = unsafe open("/proc/sys/net/\(name)", O_WRONLY | O_CLOEXEC)
                defer { close(file) }
                return unsafe write(file, value, value.utf8.count) == value.utf8.count
            }
            try #require(isSet, "\(name)")
        }
    }

    /// System calls that make sockets inside.
    var syscalls: Syscalls {
        var calls = Syscalls.kernel
        calls.socket = { [box = Box(self)] family in
            (try? box.value.inside { Syscalls.kernel.socket(family) }) ?? -Int(EPERM)
        }
        return calls
    }

    /// A plain socket inside.
    func peer(_ address: SocketAddress) throws -> PeerSocket { try inside { try PeerSocket(address: address) } }

    private struct Box: @unchecked Sendable {
        // True by the test: all of it is used on one thread at a time.
        let value: NetworkNamespace
        init(_ value: NetworkNamespace) { self.value = value }
    }

    private static func status(of script: String) -> CInt {
        // SAFETY: the strings live until posix_spawn has returned, and are freed then.
        let script = "PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin\n" + script
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe []
        for argument in ["sh", "-c", script] { unsafe arguments.append(strdup(argument)) }
        unsafe arguments.append(nil)
        defer { for index in 0..<3 { unsafe free(arguments[index]) } }
        var child = pid_t()
        guard unsafe posix_spawn(&child, "/bin/sh", nil, nil, arguments, nil) == 0 else { return -1 }
        var status: CInt = -1
        while unsafe waitpid(child, &status, 0) == -1 && errno == EINTR {}
        return status
    }
}

/// The two address families, where a test is done with both.
enum InternetFamily: String, CaseIterable, CustomStringConvertible {
    case v4, v6

    var description: String { self == .v4 ? "IPv4" : "IPv6" }
    var isIPv6: Bool { self == .v6 }
}

extension IPAddress {
    /// 10.`network`.`host`, or fd00:`network`::`host`.
    static func test(_ family: InternetFamily, _ network: UInt8, _ host: UInt8) -> IPAddress {
        family == .v4
            ? IPAddress(v4: 10 << 24 | UInt32(network) << 8 | UInt32(host))
            : IPAddress(v6High: 0xfd00 << 48 | UInt64(network) << 32, low: UInt64(host))
    }
}
