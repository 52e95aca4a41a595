import Foundation
import Glibc
import Testing
import VolleyCore

/// A TUN device (tuntap in the kernel's documentation) in a network namespace of its own: what is written to it, the
/// kernel receives as packets of the network, and every address there is its own.
///
/// It is of the thread that makes it, which must not be the test's: ``withDevice(_:)`` sees to that. Sockets made there,
/// also by threads begun there, are in the namespace.
final class TunDevice {
    private let descriptor: CInt
    private static let name = "volley0"
    static var interface: NetworkInterface { NetworkInterface(name: name) }

    /// Why there can be none here; nil when there can.
    static let obstacle: String? = {
        if Tool(name: "ip").path == nil { return "ip, of iproute2, is not installed" }
        var message: String?
        do { try withDevice { _ in } } catch { message = "\(error)" }
        return message
    }()

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ what: String) { description = "\(what): errno \(errno)" }
    }

    /// Runs `body` with a device, on a thread in the device's namespace, and waits for it.
    ///
    /// - Parameter address: one of IPv4 that it answers from, where nothing else says so; else that of loopback.
    static func withDevice(_ address: String? = nil, _ body: @escaping (TunDevice) throws -> Void) throws {
        // True by the semaphore: it is written before, and read after.
        nonisolated(unsafe) var failure: (any Error)?
        nonisolated(unsafe) let body = body
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            do { try unsafe body(TunDevice(address)) } catch { unsafe failure = error }
            ended.signal()
        }
        thread.start()
        ended.wait()
        if let failure = unsafe failure { throw failure }
    }

    private init(_ address: String?) throws {
        guard unshare(CLONE_NEWNET) == 0 else { throw Failure("no network namespace") }
        descriptor = unsafe open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Failure("no /dev/net/tun") }
        // struct ifreq: the name in 16 bytes, then the flags.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<Self.name.utf8.count, with: Self.name.utf8)
        // IFF_TUN: packets without a link layer; IFF_NO_PI: without a header of the device's own.
        request[16] = 0x01
        request[17] = 0x10
        // TUNSETIFF.
        guard unsafe ioctl(descriptor, 0x4004_54ca, &request) == 0 else {
            close(descriptor)
            throw Failure("TUNSETIFF")
        }
        try Self.run(
            """
            set -e
            cd /proc/sys/net
            for where in all default \(Self.name); do
                echo 0 > ipv4/conf/$where/rp_filter
                echo 1 > ipv4/conf/$where/accept_local
                echo 1 > ipv4/conf/$where/route_localnet
                echo 0 > ipv6/conf/$where/accept_dad
                echo 0 > ipv6/conf/$where/disable_ipv6
            done
            ip link set lo up
            ip link set \(Self.name) mtu 65535 up
            echo 1000 > /proc/sys/net/ipv4/igmp_max_memberships
            \(address.map { "ip addr add \($0)/32 dev \(Self.name)" } ?? "")
            ip -4 route add local 0.0.0.0/0 dev lo \(address.map { "src \($0)" } ?? "")
            ip -6 route add local ::/0 dev lo
            """)
    }

    deinit { close(descriptor) }

    /// Gives the kernel one packet; what it makes of it, it has made when this returns.
    ///
    /// - Returns: whether the device took it.
    @discardableResult
    func write(_ packet: [UInt8]) -> Bool {
        unsafe Glibc.write(descriptor, packet, packet.count) == packet.count
    }

    private static func run(_ script: String) throws {
        // Not Foundation's Process: its child is not known to be started by this thread, whose namespace it needs.
        // SAFETY: the strings live until posix_spawn has returned, and are freed then.
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe []
        for argument in ["sh", "-c", "PATH=/usr/sbin:/sbin:/usr/bin:/bin\n" + script] {
            unsafe arguments.append(strdup(argument))
        }
        unsafe arguments.append(nil)
        defer { for index in 0..<3 { unsafe free(arguments[index]) } }
        var child = pid_t()
        guard unsafe posix_spawn(&child, "/bin/sh", nil, nil, arguments, nil) == 0 else { throw Failure("no shell") }
        var status: CInt = -1
        while unsafe waitpid(child, &status, 0) == -1 && errno == EINTR {}
        guard status == 0 else { throw Failure("wait status \(status) of the network's set-up") }
    }
}
