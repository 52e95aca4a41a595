import Foundation
import Synchronization
import Volley
import VolleyCapture
import VolleyCore
import VolleyReplay
import VolleyWire

/// What one endpoint was given, by the kernel or by a replay.
struct Delivery: Equatable {
    struct Arrival: Equatable {
        let source: SocketAddress
        let local: IPAddress?
        let payload: [UInt8]

        /// Whether the kernel gave what a replay gives.
        ///
        /// Of what was sent over IPv4 to a group or to everybody both say which address would answer: the kernel of the
        /// device here its own, or none to somebody without an address, a replay that of the host in the capture.
        func agrees(with replayed: Arrival) -> Bool {
            let isOurs = local == nil || local == IPAddress(v4: 0x7f00_0001)
            return source == replayed.source && payload == replayed.payload && (isOurs || local == replayed.local)
        }
    }

    var arrivals: [Arrival] = []
    var errors: [DatagramError] = []
}

/// Keeps all an endpoint is given; the very same object in both worlds.
final class DeliveryProbe: DatagramProtocol, @unchecked Sendable {
    // True by the loop: read when that has ended, but for the flag.
    private(set) var delivery = Delivery()
    private let hasEnded = Mutex(false)
    var isDone: Bool { hasEnded.withLock { $0 } }

    /// The last datagram an endpoint is sent.
    static let sentinel = Array("that was all".utf8)
    static let sentinelSources = [address("198.51.100.254:9"), address("[2001:db8:ffff::fe]:9")]

    func datagramReceived(_ datagram: Datagram) {
        let source = SocketAddress(datagram.source.ip, port: datagram.source.port)
        let payload = Array(copying: datagram.payload)
        if payload == Self.sentinel, Self.sentinelSources.contains(source) { return hasEnded.withLock { $0 = true } }
        delivery.arrivals.append(
            Delivery.Arrival(source: source, local: datagram.localAddress, payload: payload))
    }

    func errorReceived(_ error: DatagramError) { delivery.errors.append(error) }
}

/// A port that a capture has something for.
struct CapturePort: Hashable {
    let port: UInt16
    let isIPv6: Bool

    var any: SocketAddress { SocketAddress(isIPv6 ? .anyV6 : .anyV4, port: port) }
}

func address(_ text: String) -> SocketAddress {
    guard let address = SocketAddress(text) else { preconditionFailure("not an address: \(text)") }
    return address
}

/// The IP packets of a capture, and the ports they are for.
struct CapturedPackets {
    private(set) var packets: [[UInt8]] = []
    private(set) var ports: Set<CapturePort> = []
    /// The groups that datagrams for a port were sent to.
    private(set) var groups: [CapturePort: Set<IPAddress>] = [:]

    init(_ bytes: [UInt8]) throws {
        var reader = try CaptureReader(bytes: bytes)
        var reassembler = FragmentReassembler()
        while let record = try? reader.next() {
            let frame = record.decode()
            let step = reassembler.add(frame, of: record.bytes)
            if step.frame.isDelivered { note(step.frame.destination) }
            if let error = ICMPError(frame, in: record.bytes) { note(error.source) }
            switch frame.recordClass {
            case .unknownLinkType: continue
            case .malformed where frame.reason == .shortLinkHeader: continue
            default: packets.append(Array(copying: record.bytes.extracting(frame.ipOffset...)))
            }
        }
    }

    private mutating func note(_ address: SocketAddress) {
        guard address.port != 0 else { return }
        let port = CapturePort(port: address.port, isIPv6: address.ip.isIPv6)
        ports.insert(port)
        if address.ip.isMulticast { groups[port, default: []].insert(address.ip) }
    }
}

/// Asks the kernel, by a TUN device and live endpoints, and the replay, and compares.
struct KernelDelivery {
    let kernel: [CapturePort: Delivery]
    let replay: [CapturePort: Delivery]

    /// - Parameters:
    ///   - address: an IPv4 address of the device, from which it answers what was sent to groups and to everybody.
    init(
        of capture: [UInt8], address: String? = nil, _ change: @escaping (inout ReplayOptions) -> Void = { _ in }
    ) throws {
        let packets = try CapturedPackets(capture)
        kernel = try Self.receive(packets, address)
        var replay: [CapturePort: Delivery] = [:]
        for port in packets.ports {
            var options = ReplayOptions()
            options.receivesErrors = .all
            options.comparesReplies = false
            change(&options)
            let probe = DeliveryProbe()
            _ = try Replay(bytes: capture, as: .server(port.any), options: options).run { probe }
            replay[port] = probe.delivery
        }
        self.replay = replay
    }

    /// What live endpoints on all ports receive from the kernel.
    private static func receive(_ captured: CapturedPackets, _ address: String?) throws -> [CapturePort: Delivery] {
        var result: [CapturePort: Delivery] = [:]
        try TunDevice.withDevice(address) { device in
            let loop = try LiveEventLoop()
            var probes: [CapturePort: DeliveryProbe] = [:]
            var endpoints: [DatagramEndpoint] = []
            var options = DatagramOptions()
            options.receivesErrors = .all
            options.isIPv6Only = true
            options.receiveBufferSize = 8 << 20
            for port in captured.ports {
                let probe = DeliveryProbe()
                probes[port] = probe
                var own = options
                if !port.isIPv6 { own.isIPv6Only = nil }
                own.multicast.memberships = (captured.groups[port] ?? []).map {
                    MulticastMembership($0, interface: TunDevice.interface)
                }
                endpoints.append(try loop.bindDatagram(to: port.any, options: own) { probe })
            }
            for packet in captured.packets { device.write(packet) }
            for port in captured.ports { device.write(try Self.sentinel(to: port)) }
            let deadline = Date(timeIntervalSinceNow: 20)
            // Each question takes a turn of the loop.
            while !probes.values.allSatisfy({ $0.isDone }), Date() < deadline {
                for endpoint in endpoints { _ = endpoint.statistics() }
            }
            loop.stop()
            for (port, probe) in probes {
                guard probe.isDone else { throw TunDevice.Failure("no end at port \(port.port)") }
                result[port] = probe.delivery
            }
        }
        return result
    }

    private static func sentinel(to port: CapturePort) throws -> [UInt8] {
        let source = DeliveryProbe.sentinelSources[port.isIPv6 ? 1 : 0]
        let destination = SocketAddress(
            address(port.isIPv6 ? "[2001:db8:ffff::1]:9" : "203.0.113.254:9").ip, port: port.port)
        let length = UDPPacket.length(payloadLength: DeliveryProbe.sentinel.count, isIPv6: port.isIPv6)
        return try [UInt8](capacity: length) { output in
            try UDPPacket.write(
                from: source, to: destination, payload: RawSpan(DeliveryProbe.sentinel.span), into: &output)
        }
    }
}

extension [UInt8] {
    /// The bytes that `body` writes.
    init(capacity: Int, _ body: (inout OutputRawSpan) throws -> Void) rethrows {
        var bytes = [UInt8](repeating: 0, count: capacity)
        // SAFETY: the output writes within the array's memory, all of which is initialised already.
        let count = try unsafe bytes.withUnsafeMutableBytes { buffer in
            var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
            try body(&output)
            return unsafe output.finalize(for: buffer)
        }
        self = Array(bytes.prefix(count))
    }
}
