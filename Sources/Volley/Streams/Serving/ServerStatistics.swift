public import SystemPackage
public import VolleyCore

/// What a server has accepted and refused since it was made.
public struct ServerStatistics: Hashable, Sendable {
    /// Connections accepted.
    public internal(set) var accepted: UInt64 = 0
    /// Connections there are now.
    public internal(set) var active = 0
    /// Times accepting stopped since there were as many connections as there may be.
    public internal(set) var limitReached: UInt64 = 0
    /// Times accepting rested, for want of descriptors or memory.
    public internal(set) var backOffs: UInt64 = 0
    /// Errors of `accept4`, by errno; most are connections that ended before they were accepted.
    public internal(set) var acceptErrors: [Errno: UInt64] = [:]
    /// What all connections, ended and open, have read, written and dropped.
    public internal(set) var streams = StreamStatistics()

    init() {}
}
