import CVolley
import Glibc
import Testing
import VolleyCore

@testable import Volley

/// A table of system calls that writes down what sets a socket up, and can have any of it fail.
final class RecordedCalls: @unchecked Sendable {
    // True by the tests: each uses its own, on its one thread.
    private(set) var options: [[CInt]] = []
    private(set) var families: [CInt] = []
    private(set) var socket: SocketIdentity?
    var socketResult: Int?
    var bindResult: Int?
    var connectResult: Int?
    var nonBlockingResult: Int?
    var optionResult: Int?

    /// The table.
    var table: Syscalls {
        var table = Syscalls.kernel
        // Trains take an option of their own, which is not what these tests are about.
        table.segmentation = { .none }
        table.socket = { [self] family in
            families.append(family)
            if let socketResult { return socketResult }
            let descriptor = Syscalls.kernel.socket(family)
            socket = SocketIdentity(CInt(descriptor))
            return descriptor
        }
        unsafe table.bind = { [self] descriptor, name in
            unsafe bindResult ?? Syscalls.kernel.bind(descriptor, name)
        }
        unsafe table.connect = { [self] descriptor, name in
            unsafe connectResult ?? Syscalls.kernel.connect(descriptor, name)
        }
        table.setNonBlocking = { [self] in nonBlockingResult ?? Syscalls.kernel.setNonBlocking($0) }
        table.setOption = { [self] descriptor, level, name, value in
            options.append([level, name, value])
            return optionResult ?? Syscalls.kernel.setOption(descriptor, level, name, value)
        }
        return table
    }
}

/// A socket told apart from whatever else gets its number when it is closed: by its inode.
struct SocketIdentity {
    let descriptor: CInt
    private let inode: UInt64
    var inodeNumber: UInt64 { inode }

    init?(_ descriptor: CInt) {
        guard let inode = Self.inode(of: descriptor) else { return nil }
        self.descriptor = descriptor
        self.inode = inode
    }

    var isOpen: Bool { Self.inode(of: descriptor) == inode }

    private static func inode(of descriptor: CInt) -> UInt64? {
        var status = stat()
        // SAFETY: fstat only writes `status`.
        return unsafe fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
    }
}

extension DatagramTransport {
    /// The descriptor of a live transport.
    var descriptor: CInt? { extraInfo("descriptor") as? CInt }
}

extension EpollLoop {
    /// Runs turns until `condition` holds; loopback may take a moment.
    func settle(until condition: () -> Bool) {
        waitUntil {
            turn(waiting: false)
            return condition()
        }
        settle()
    }

    /// Runs turns until there is nothing to do.
    func settle() { for _ in 0..<100 where !turn(waiting: false) { return } }
}
