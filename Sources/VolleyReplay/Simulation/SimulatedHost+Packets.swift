internal import SystemPackage
import VolleyCore

/// What a host's kernel does with packets.
extension SimulatedHost {
    // MARK: Out

    /// The largest IP packet to `destination` that the host knows to get through.
    func packetSizeMax(to destination: IPAddress) -> Int {
        if has(destination) { return 65_575 }
        let least = destination.isIPv6 ? 1_280 : 576
        let mtu = simulation.host(with: destination).map { simulation.link(from: self, to: $0).options.mtu }
        let known = min(mtu ?? simulation.defaultLink.mtu, pathMTUs[destination] ?? .max)
        return max(known, least)
    }

    /// Sends a datagram to wherever it is for.
    func send(_ packet: SimulationPacket) {
        guard isUp else { return }
        let ip = packet.destination.ip
        if ip.isMulticast || ip.isBroadcast { return sendToMany(packet) }
        if has(ip) { return loopBack(packet) }
        guard let host = simulation.host(with: ip) else {
            simulation.note(.unreachable, at: name, packet)
            return simulation.rejectByRouter(packet, from: self, over: simulation.defaultLink)
        }
        simulation.link(from: self, to: host).send(packet)
    }

    private func sendToMany(_ packet: SimulationPacket) {
        let ip = packet.destination.ip
        for host in simulation.hosts where host !== self {
            let isWanted =
                ip.isBroadcast
                ? host.addresses.contains { $0.isIPv4 }
                : host.endpoints.contains { $0.world?.hears(ip, from: packet.source.ip) ?? false }
            if isWanted { simulation.link(from: self, to: host).send(packet) }
        }
        // Of a group, a host hears what it sends itself (IP_MULTICAST_LOOP).
        loopBack(packet)
    }

    private func loopBack(_ packet: SimulationPacket) {
        simulation.note(.sent, at: name, packet)
        simulation.loop.callSoon { [self] in receive(packet) }
    }

    /// Sends an ICMP error about a datagram of `host`.
    func sendICMP(_ message: ICMPReport, to host: SimulatedHost) {
        let packet = SimulationPacket(
            source: SocketAddress(message.offender, port: 0),
            destination: SocketAddress(message.quotedSource.ip, port: 0), body: .icmp(message))
        simulation.note(
            .icmpSent, at: name, from: message.quotedSource, to: message.quotedDestination,
            count: message.quoted.count, value: Int64(message.type) << 8 | Int64(message.code))
        if host === self {
            simulation.loop.callSoon { host.receive(packet) }
        } else {
            simulation.link(from: self, to: host).send(packet)
        }
    }

    // MARK: In

    /// Takes a packet that has arrived.
    func receive(_ packet: SimulationPacket) {
        guard isUp else { return beUnreachable(packet) }
        switch packet.body {
        case .icmp(let message): receive(message)
        case .segment(let segment): receive(segment, packet)
        case .datagram(let payload):
            let ip = packet.destination.ip
            if ip.isMulticast || ip.isBroadcast {
                receiveForMany(packet, payload)
            } else if let endpoint = bestEndpoint(from: packet.source, to: packet.destination) {
                endpoint.world?.receive(packet, payload)
            } else {
                refuse(packet)
            }
        }
    }

    private func bestEndpoint(from source: SocketAddress, to destination: SocketAddress) -> SimulatedEndpoint? {
        var best: (endpoint: SimulatedEndpoint, score: Int)?
        for endpoint in endpoints {
            let score = endpoint.world?.score(from: source, to: destination) ?? 0
            if score > best?.score ?? 0 { best = (endpoint, score) }
        }
        return best?.endpoint
    }

    private func receiveForMany(_ packet: SimulationPacket, _ payload: [UInt8]) {
        let ip = packet.destination.ip
        var isHeard = false
        for endpoint in endpoints {
            guard let world = endpoint.world, world.score(from: packet.source, to: packet.destination) > 0,
                ip.isBroadcast || world.hears(ip, from: packet.source.ip)
            else { continue }
            isHeard = true
            world.receive(packet, payload)
        }
        if !isHeard { simulation.note(.unheard, at: name, packet) }
    }

    /// Answers a datagram for a port that nobody has.
    private func refuse(_ packet: SimulationPacket) {
        simulation.note(.unheard, at: name, packet)
        guard let sender = has(packet.source.ip) ? self : simulation.host(with: packet.source.ip) else { return }
        let message = packet.icmp(
            packet.isIPv6 ? 1 : 3, packet.isIPv6 ? 4 : 3, from: packet.destination.ip)
        sendICMP(message, to: sender)
    }

    /// Has a router answer for a host that is down.
    private func beUnreachable(_ packet: SimulationPacket) {
        simulation.note(.unreachable, at: name, packet)
        if case .segment = packet.body, let sender = simulation.host(with: packet.source.ip), sender !== self {
            let wayBack = max(0, simulation.link(from: self, to: sender).options.latency.wholeNanoseconds)
            simulation.after(.nanoseconds(wayBack)) { sender.learn(.noRouteToHost, about: packet) }
            return
        }
        guard case .datagram = packet.body, !packet.destination.ip.isMulticast, !packet.destination.ip.isBroadcast,
            let sender = simulation.host(with: packet.source.ip), sender !== self
        else { return }
        let message = packet.icmp(
            packet.isIPv6 ? 1 : 3, packet.isIPv6 ? 3 : 1,
            from: packet.isIPv6 ? simulation.routerIPv6 : simulation.routerIPv4)
        sendICMP(message, to: sender)
    }

    private func receive(_ message: ICMPReport) {
        if message.outcome?.errno == .messageTooLong, message.info > 0 {
            let ip = message.quotedDestination.ip
            pathMTUs[ip] = min(pathMTUs[ip] ?? .max, Int(message.info))
        }
        // As if an answer had come to the datagram it is about.
        bestEndpoint(from: message.quotedDestination, to: message.quotedSource)?.world?.receive(message)
    }
}
