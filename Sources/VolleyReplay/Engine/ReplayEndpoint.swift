import VolleyCore

/// One endpoint of a replay: its transport and the world behind it.
final class ReplayEndpoint {
    let role: ReplayRole
    let transport: RingTransport
    let world: ReplayWorld
    let sink: ReplaySink

    /// - Parameter slotCount: how many datagrams can be gathered, at least a batch.
    init(
        _ role: ReplayRole, _ options: ReplayOptions, loop: VirtualEventLoop, sink: ReplaySink, slotCount: Int
    ) {
        self.role = role
        self.sink = sink
        var names = EndpointNames()
        names.local = role.local
        names.remote = role.peer
        // Only `.ipv6` maps IPv4 destinations, which belongs to dual-stack sockets; otherwise addresses of either
        // family stay what they are, so that one endpoint can have both.
        let isIPv6 = !role.matchesBothFamilies && role.local.family == .ipv6
        transport = RingTransport(
            eventLoop: loop, names: names, addressing: isIPv6 ? .ipv6 : .ipv4, limits: options.writeBufferLimits)
        world = ReplayWorld(
            transport, loop: loop, role: role, sink: sink, options: options, slotCount: slotCount)
    }
}
