internal import Glibc
internal import VolleyCore

/// The system calls of pipes, each wrapped once; like ``Syscalls``, a table for tests to replace fields of.
///
/// Results are the call's own, or the negated errno.
@safe
struct PipeSyscalls: Sendable {
    /// `read(2)`.
    var read: @Sendable (CInt, UnsafeMutableRawBufferPointer) -> Int
    /// `writev(2)`.
    var write: @Sendable (CInt, UnsafePointer<StreamVector>, Int) -> Int

    /// The kernel.
    static let kernel = unsafe PipeSyscalls(
        read: { descriptor, buffer in
            Syscalls.retrying { unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count) }
        },
        write: { descriptor, vectors, count in
            // SAFETY: a StreamVector is laid out as a struct iovec.
            let vectors = unsafe UnsafeRawPointer(vectors).assumingMemoryBound(to: iovec.self)
            return Syscalls.retrying { unsafe writev(descriptor, vectors, CInt(count)) }
        }
    )
}
