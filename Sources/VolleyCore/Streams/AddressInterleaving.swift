extension SocketAddress {
    /// The order in which the addresses of a name are to be tried: as they come, but with the families in turns, so that
    /// a family that does not work costs one attempt and not all of its own (RFC 8305, section 4).
    ///
    /// The family of the first address goes first, and each family keeps its order. Duplicates are left out.
    package static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
        guard let first = addresses.first else { return [] }
        var seen = Set<SocketAddress>()
        let unique = addresses.filter { seen.insert($0).inserted }
        let preferred = unique.filter { $0.family == first.family }
        let others = unique.filter { $0.family != first.family }
        var order: [SocketAddress] = []
        for index in 0..<max(preferred.count, others.count) {
            if index < preferred.count { order.append(preferred[index]) }
            if index < others.count { order.append(others[index]) }
        }
        return order
    }
}
