public import VolleyCore

extension DatagramEndpoint {
    /// Joins a multicast group, from any source or from one; blocks until the loop has answered.
    ///
    /// - Throws: as ``DatagramTransport/join(_:)``; `EBADF` once the endpoint is closed, `ECANCELED` once its loop is.
    public func join(_ membership: MulticastMembership) throws(DatagramError) {
        try onLoop { transport throws(DatagramError) in try transport.join(membership) }
    }

    /// Joins a multicast group, from any source or from one; suspends until the loop has answered.
    public func join(_ membership: MulticastMembership) async throws(DatagramError) {
        try await onLoopSuspending { transport throws(DatagramError) in try transport.join(membership) }
    }

    /// Leaves a multicast group that was joined with an equal membership; blocks until the loop has answered.
    ///
    /// - Throws: as ``DatagramTransport/leave(_:)``; `EBADF` once the endpoint is closed, `ECANCELED` once its loop is.
    public func leave(_ membership: MulticastMembership) throws(DatagramError) {
        try onLoop { transport throws(DatagramError) in try transport.leave(membership) }
    }

    /// Leaves a multicast group that was joined with an equal membership; suspends until the loop has answered.
    public func leave(_ membership: MulticastMembership) async throws(DatagramError) {
        try await onLoopSuspending { transport throws(DatagramError) in try transport.leave(membership) }
    }
}
