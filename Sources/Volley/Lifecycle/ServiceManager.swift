internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The service manager that may have started this process, as systemd does.
public enum ServiceManager {
    /// Tells the service manager, in one datagram, so that all of it takes effect together (sd_notify(3)).
    ///
    /// From any thread; does not wait for anything but room in the manager's queue.
    ///
    /// - Returns: whether there is a service manager that wants to know, which is when `NOTIFY_SOCKET` is set.
    /// - Throws: `malformedEnvironment` when `NOTIFY_SOCKET` is neither an absolute path nor `@` and a name, or too long;
    ///   `systemCall` when nobody reads there.
    @discardableResult
    public static func notify(_ notifications: ServiceNotification...) throws(LifecycleError) -> Bool {
        try notify(notifications)
    }

    /// Tells the service manager, in one datagram.
    @discardableResult
    public static func notify(_ notifications: [ServiceNotification]) throws(LifecycleError) -> Bool {
        guard let name = System.environmentVariable("NOTIFY_SOCKET") else { return false }
        try send(notifications.flatMap(\.lines), to: name)
        return true
    }

    /// Sends `lines` to the socket that `name` stands for in `NOTIFY_SOCKET`.
    static func send(_ lines: [String], to name: String) throws(LifecycleError) {
        let address = try address(of: name)
        let number = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw LifecycleError(systemCall: "socket", errno, at: "NOTIFY_SOCKET") }
        let descriptor = OwnedDescriptor(number)
        let bytes = Array(lines.joined(separator: "\n").utf8)
        var result = 0
        repeat {
            // SAFETY: the call only reads the bytes and the name, which say how long they are.
            result = unsafe address.withKernelBytes { name in
                unsafe volley_send_to(
                    descriptor.rawValue, bytes, bytes.count, name.baseAddress, UInt32(name.count))
            }
        } while result < 0 && errno == EINTR
        guard result == bytes.count else {
            throw LifecycleError(systemCall: "sendto", errno, at: "NOTIFY_SOCKET=\(name)")
        }
    }

    private static func address(of name: String) throws(LifecycleError) -> UnixAddress {
        do throws(AddressError) {
            if name.hasPrefix("/") { return try UnixAddress(path: name) }
            if name.hasPrefix("@"), name.utf8.count > 1 { return try UnixAddress(abstract: String(name.dropFirst())) }
        } catch {
            throw LifecycleError(.malformedEnvironment, "NOTIFY_SOCKET is \"\(name)\", which is too long for a socket")
        }
        throw LifecycleError(
            .malformedEnvironment, "NOTIFY_SOCKET is \"\(name)\", which is neither an absolute path nor @name")
    }
}
