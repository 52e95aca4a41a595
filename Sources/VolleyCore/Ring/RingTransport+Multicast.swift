internal import SystemPackage

extension RingTransport {
    package func join(_ membership: MulticastMembership) throws(DatagramError) {
        try change(membership, isJoining: true)
    }

    package func leave(_ membership: MulticastMembership) throws(DatagramError) {
        try change(membership, isJoining: false)
    }

    private func change(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        guard let world else {
            throw membership.error(.badFileDescriptor, isJoining: isJoining, hint: "the endpoint is closed")
        }
        try membership.check(for: unsafe ring.pointee.addressing, isJoining: isJoining)
        try world.changeMembership(membership, isJoining: isJoining)
    }
}
