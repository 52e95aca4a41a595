internal import SystemPackage

/// Why there are no more bytes of a file: the system's reason, or a decompressor's.
struct InputFailure: Error {
    var errno: Errno?
    /// What a decompressor has complained of; `nil` when it is the system that refuses.
    var complaint: String?
    /// The compression whose program is missing.
    var missing: Compression?
}
