internal import SystemPackage

/// The memberships of an endpoint in a world without a kernel: they are taken, and refused as the kernel refuses them.
///
/// What such a world delivers does not depend on them: what is to arrive is decided by the capture or the test.
package struct MembershipTable {
    private var memberships: Set<MulticastMembership> = []

    package init() {}

    /// Joins or leaves, with the outcomes of Linux's `ip_mc_source`, `ip_mc_join_group` and their IPv6 twins.
    ///
    /// - Throws: `EADDRINUSE` for a group joined already; `EADDRNOTAVAIL` for a source joined already, and for leaving
    ///   what is not joined; `EINVAL` for leaving a source of a group of which none is joined.
    package mutating func change(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        let joined = memberships.filter { $0.group == membership.group && $0.interface == membership.interface }
        let errno: Errno? =
            switch (isJoining, membership.source == nil) {
            case (true, true): joined.isEmpty ? nil : .addressInUse
            case (true, false): joined.contains(membership) ? .addressNotAvailable : nil
            case (false, true): joined.isEmpty ? .addressNotAvailable : nil
            case (false, false):
                joined.contains(membership) ? nil : joined.isEmpty ? .invalidArgument : .addressNotAvailable
            }
        if let errno { throw membership.error(errno, isJoining: isJoining) }
        if isJoining {
            // A source of a group that was open to any narrows it to that source.
            memberships.subtract(joined.filter { $0.source == nil })
            memberships.insert(membership)
        } else {
            // Leaving a group leaves all its sources.
            memberships.subtract(membership.source == nil ? joined : [membership])
        }
    }
}
