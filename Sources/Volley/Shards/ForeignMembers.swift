internal import CVolley
internal import Glibc
internal import SystemPackage

/// Looks for sockets of others in a `SO_REUSEPORT` group, in `/proc/net/udp` and `/proc/net/udp6` (proc(5)).
enum ForeignMembers {
    /// Whether a socket that is none of `descriptors`, all of one group, is bound to the address of the first.
    ///
    /// False where `/proc` is not to be had.
    static func exist(beside descriptors: [CInt]) -> Bool {
        let own = Set(descriptors.compactMap(System.inode(of:)))
        for path in ["/proc/net/udp", "/proc/net/udp6"] {
            guard let text = System.contents(of: path) else { continue }
            let sockets = Self.sockets(in: text)
            guard let address = sockets.first(where: { own.contains($0.inode) })?.address else { continue }
            return sockets.contains { $0.address == address && !own.contains($0.inode) }
        }
        return false
    }

    /// The local address and the inode of each line but the first, which says what the columns are.
    static func sockets(in text: String) -> [(address: Substring, inode: UInt64)] {
        text.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, let inode = UInt64(fields[9]) else { return nil }
            return (fields[1], inode)
        }
    }
}

extension System {
    /// The inode that stands for a socket.
    static func inode(of descriptor: CInt) -> UInt64? {
        var status = stat()
        // SAFETY: fstat only writes `status`.
        return unsafe fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// A small text file; nil on any error.
    static func contents(of path: String) -> String? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            // SAFETY: the read writes at most as many bytes as the chunk has.
            guard let count = unsafe try? chunk.withUnsafeMutableBytes({ unsafe try file.read(into: $0) }) else {
                return nil
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}
