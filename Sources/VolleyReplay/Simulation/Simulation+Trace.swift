internal import SystemPackage
import VolleyCore

/// What has happened.
extension Simulation {
    /// The latest events, at most 200,000; see ``traceText`` for the rest.
    public var trace: [SimulationEvent] { history.events }

    /// The latest 100,000 events, one a line.
    public var traceText: String { history.text }

    /// How many events there were.
    public var eventCount: Int { history.count }

    /// Sixty-four bits that depend on every event and on every byte sent: equal for equal runs.
    ///
    /// Not a cryptographic digest.
    public var digest: UInt64 { history.digest }

    /// Whether events are kept for ``trace``, and not only digested; true at first.
    public var keepsTrace: Bool {
        get { history.keepsEvents }
        set { history.keepsEvents = newValue }
    }

    /// Notes an event without datagram.
    func note(_ kind: SimulationEvent.Kind, at place: String, text: String) {
        history.add(
            SimulationEvent(
                time: loop.now, kind: kind, place: place, source: .unspecified, destination: .unspecified, count: 0,
                value: 0, text: text),
            payload: nil)
    }

    /// Notes what happened to a packet.
    func note(_ kind: SimulationEvent.Kind, at place: String, _ packet: SimulationPacket, value: Int64 = 0) {
        let payload = packet.payload
        history.add(
            SimulationEvent(
                time: loop.now, kind: kind, place: place, source: packet.source, destination: packet.destination,
                count: payload.count, value: value, text: ""),
            payload: kind == .sent || kind == .fault ? payload : nil)
    }

    /// Notes what happened between two addresses.
    func note(
        _ kind: SimulationEvent.Kind, at place: String, from source: SocketAddress, to destination: SocketAddress,
        count: Int, value: Int64 = 0
    ) {
        history.add(
            SimulationEvent(
                time: loop.now, kind: kind, place: place, source: source, destination: destination, count: count,
                value: value, text: ""),
            payload: nil)
    }

    /// Has a router answer a datagram that goes nowhere: ICMP "network unreachable", after the way there and back.
    func rejectByRouter(_ packet: SimulationPacket, from host: SimulatedHost, over options: LinkOptions) {
        let oneWay = max(0, options.latency.wholeNanoseconds)
        let thereAndBack = Duration.nanoseconds(oneWay.addingClamped(oneWay))
        if case .segment = packet.body {
            after(thereAndBack) { host.learn(.networkUnreachable, about: packet) }
            return
        }
        guard case .datagram = packet.body, !packet.destination.ip.isMulticast, !packet.destination.ip.isBroadcast
        else { return }
        let message = packet.icmp(
            packet.isIPv6 ? 1 : 3, 0, from: packet.isIPv6 ? routerIPv6 : routerIPv4)
        note(
            .icmpSent, at: "router", from: message.quotedSource, to: message.quotedDestination,
            count: message.quoted.count, value: Int64(message.type) << 8 | Int64(message.code))
        after(thereAndBack) {
            host.receive(
                SimulationPacket(
                    source: SocketAddress(message.offender, port: 0),
                    destination: SocketAddress(message.quotedSource.ip, port: 0), body: .icmp(message)))
        }
    }
}
