import CVolley
import Glibc
import SystemPackage
import Testing

/// A loopback interface with an MTU of a test's own, in a network namespace of its own (network_namespaces(7)).
///
/// A socket belongs to the namespace of the thread that makes it: so a test runs on a thread of its own. Nothing may be
/// expected there, since no test is known on it; what happened comes back as a value.
enum SmallLoopback {
    /// Whether there can be any here.
    static let isPermitted = (try? run(mtu: 1500) {}) != nil

    /// Runs `body` where the loopback has this MTU.
    static func run<Result>(mtu: CInt, _ body: @escaping () throws -> Result) throws -> Result {
        let task = Task {
            guard unshare(CLONE_NEWNET) == 0 else { throw Errno(rawValue: errno) }
            try configure(mtu)
            return try body()
        }
        var thread = pthread_t()
        let argument = unsafe Unmanaged.passRetained(task as AnyObject)
        // SAFETY: the thread takes the reference over, and is waited for.
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                // SAFETY: the argument is what was retained for this thread.
                let task = unsafe Unmanaged<AnyObject>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue()
                (task as? any Runnable)?.run()
                return nil
            }, argument.toOpaque())
        try #require(result == 0)
        pthread_join(thread, nil)
        return try #require(task.result).get()
    }

    /// Brings the loopback of this thread's namespace up, with an MTU (netdevice(7)).
    private static func configure(_ mtu: CInt) throws {
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        for (request, value) in [(UInt(0x8922), mtu), (0x8914, CInt(IFF_UP | IFF_RUNNING))] {
            // struct ifreq: a name of 16 bytes, then a union of which either is a CInt or, little-endian, its beginning.
            var bytes = [UInt8](repeating: 0, count: 40)
            bytes[0] = UInt8(ascii: "l")
            bytes[1] = UInt8(ascii: "o")
            // SAFETY: the array is as long as struct ifreq.
            let result = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe bytes.storeBytes(of: value, toByteOffset: 16, as: CInt.self)
                return unsafe ioctl(descriptor, request, bytes.baseAddress.unsafelyUnwrapped)
            }
            guard result == 0 else { throw Errno(rawValue: errno) }
        }
    }

    private protocol Runnable { func run() }

    private final class Task<Result>: Runnable {
        let body: () throws -> Result
        var result: Swift.Result<Result, any Error>?
        init(_ body: @escaping () throws -> Result) { self.body = body }
        func run() { result = Swift.Result(catching: body) }
    }
}
