import CVolley
import Glibc
import SystemPackage
import Testing

@testable import Volley

/// What one datagram says about how it is to leave, as the kernel and a peer see it.
@Suite("Options of a send", .timeLimit(.minutes(10)))
struct SendOptionsTests {
    private func options(
        source: IPAddress? = nil, ecn: ECN? = nil, dscp: UInt8? = nil, transmitTime: MonotonicInstant? = nil
    ) -> SendOptions {
        var options = SendOptions()
        options.source = source
        options.ecn = ecn
        options.dscp = dscp
        options.transmitTime = transmitTime
        return options
    }

    private func send(
        _ bytes: [UInt8], from transport: any DatagramTransport, to destination: SocketAddress?, _ options: SendOptions
    ) {
        transport.send(RawSpan(bytes.span), to: destination, options: options)
    }

    private func receive(_ count: Int, _ peer: TrainPeer, _ loop: EpollLoop) {
        loop.settle {
            peer.drain()
            return peer.arrivals.count >= count
        }
    }

    @Test("the source is what was asked for", arguments: Meeting.allCases)
    func source(meeting: Meeting) throws {
        guard meeting.isWildcard else { return }
        let endpoint = try SteppedEndpoint(meeting)
        let peer = try TrainPeer(meeting.peer)
        let sources = meeting.peer.isIPv6 ? [IPAddress.loopbackV6] : (1...4).map { IPAddress(v4: 0x7f00_0000 | $0) }
        for source in sources { send([1], from: endpoint.transport, to: peer.address, options(source: source)) }
        receive(sources.count, peer, endpoint.loop)
        #expect(peer.arrivals.map(\.source) == sources.map { SocketAddress($0, port: endpoint.target.port) })
        // Each is a message of its own, and the next without one is as before.
        endpoint.transport.send([2], to: peer.address)
        receive(sources.count + 1, peer, endpoint.loop)
        #expect(peer.arrivals.last?.source.ip == meeting.peer)
        #expect(endpoint.noting.errors.isEmpty)
    }

    @Test(
        "a source that is not this host's is an error of that datagram alone",
        arguments: [Meeting.ipv4Wildcard, .ipv6Wildcard, .mapped], [1, 3])
    func foreignSource(meeting: Meeting, count: Int) throws {
        let endpoint = try SteppedEndpoint(meeting)
        let peer = try TrainPeer(meeting.peer)
        let foreign = meeting.peer.isIPv6 ? IPAddress(v6High: 0x2001_0db8 << 32, low: 1) : IPAddress(v4: 0xc000_0201)
        for _ in 0..<count { send([1], from: endpoint.transport, to: peer.address, options(source: foreign)) }
        endpoint.transport.send([2], to: peer.address)
        receive(1, peer, endpoint.loop)
        #expect(peer.payloads == [[2]])
        #expect(endpoint.noting.errors.count == count)
        for error in endpoint.noting.errors {
            // Which of the two depends on the kernel.
            #expect(error.errno == .invalidArgument || error.errno == .networkUnreachable)
            #expect(error.operation == .send)
            #expect(error.peer == meeting.seen(peer.address))
        }
        #expect(endpoint.transport.statistics.failedDropped == UInt64(count))
        try trainsGoOn(endpoint, peer)
    }

    /// The endpoint lives, and still makes trains where the kernel has them.
    private func trainsGoOn(_ endpoint: SteppedEndpoint, _ peer: TrainPeer) throws {
        let trains = endpoint.transport.statistics.trainsSent
        let arrivals = peer.arrivals.count
        for _ in 0..<10 { endpoint.transport.send([3, 3], to: peer.address) }
        receive(arrivals + 10, peer, endpoint.loop)
        #expect(peer.arrivals.count == arrivals + 10)
        if SegmentationSupport.probed.segmentsMax > 1 { #expect(endpoint.transport.statistics.trainsSent > trains) }
    }

    @Test("a source of the other family is refused")
    func sourceOfOtherFamily() throws {
        let endpoint = try SteppedEndpoint(.ipv4)
        let peer = try TrainPeer()
        send([1], from: endpoint.transport, to: peer.address, options(source: .loopbackV6))
        #expect(endpoint.noting.errors.map(\.errno) == [.invalidArgument])
        #expect(endpoint.transport.statistics.refusedDropped == 1)
    }

    @Test(
        "ECN and DSCP are set on that datagram alone, by another endpoint and a plain socket's reading",
        arguments: Meeting.allCases)
    func trafficClass(meeting: Meeting) throws {
        let sender = try SteppedEndpoint(meeting)
        let peer = try TrainPeer(meeting.peer)
        var metadata = DatagramOptions()
        metadata.metadata = [.trafficClass]
        let receiver = try SteppedEndpoint(meeting.peer.isIPv6 ? .ipv6 : .ipv4, options: metadata)
        let marks: [(ecn: ECN?, dscp: UInt8?)] = [
            (nil, nil), (.capable0, nil), (.capable1, 46), (nil, 63), (.congestionExperienced, 0), (.notCapable, nil),
            (nil, nil),
        ]
        for destination in [peer.address, receiver.target] {
            for mark in marks {
                // Two each: also as a train.
                for _ in 0..<2 {
                    send([9], from: sender.transport, to: destination, options(ecn: mark.ecn, dscp: mark.dscp))
                }
            }
        }
        receive(marks.count * 2, peer, sender.loop)
        receiver.receive(marks.count * 2)
        let values = marks.flatMap { [$0, $0] }.map { ($0.dscp ?? 0) << 2 | ($0.ecn ?? .notCapable).rawValue }
        #expect(peer.arrivals.map(\.trafficClass) == values.map { Int16($0) })
        #expect(receiver.noting.arrivals.map { $0.ecn?.rawValue } == values.map { $0 & 3 })
        #expect(receiver.noting.arrivals.map(\.dscp) == values.map { $0 >> 2 })
        #expect(sender.noting.errors.isEmpty)
    }

    @Test(
        "a connected endpoint takes options with and without its peer's name",
        arguments: [
            IPAddress.loopbackV4, .loopbackV6, IPAddress.loopbackV4.mappedToIPv6,
        ])
    func connected(ip: IPAddress) throws {
        let loop = try EpollLoop()
        let peer = try TrainPeer(ip.unmapped)
        let noting = NotingProtocol()
        let remote = SocketAddress(ip, port: peer.address.port)
        let transport = try loop.connect(to: remote, from: nil, DatagramOptions()) { noting }
        send([1], from: transport, to: nil, options(ecn: .capable1, dscp: 10))
        send([2], from: transport, to: remote, options(ecn: .capable0))
        send([3], from: transport, to: SocketAddress(ip, port: 9), options(ecn: .capable0))
        receive(2, peer, loop)
        #expect(peer.payloads == [[1], [2]])
        #expect(peer.arrivals.map(\.trafficClass) == [41, 2])
        #expect(noting.errors.map(\.errno) == [.socketIsConnected])
    }

    @Test("an unconnected endpoint needs a destination")
    func addressRequired() throws {
        let endpoint = try SteppedEndpoint(.ipv4)
        send([1], from: endpoint.transport, to: nil, options(ecn: .capable0))
        #expect(endpoint.noting.errors.map(\.errno) == [.addressRequired])
    }

    @Test("a Unix endpoint has no such options")
    func unix() throws {
        let loop = try EpollLoop()
        let noting = NotingProtocol()
        let names = try TemporaryNames(isAbstract: true)
        var settings = DatagramOptions()
        settings.metadata = MetadataTests.all
        let transport = try loop.bind(to: try names.next(), settings) { noting }
        send([1], from: transport, to: nil, options(ecn: .capable0))
        send([1], from: transport, to: SocketAddress(.loopbackV4, port: 9), options(ecn: .capable0))
        #expect(noting.errors.map(\.errno) == [.addressFamilyNotSupported, .addressFamilyNotSupported])
        #expect(transport.statistics.refusedDropped == 2)
    }

    @Test(
        "a datagram with a transmit time arrives, where the endpoint was opened for it",
        arguments: [Meeting.ipv4, .ipv6, .mapped])
    func transmitTime(meeting: Meeting) throws {
        var settings = DatagramOptions()
        settings.sendsAtTransmitTime = true
        let endpoint = try SteppedEndpoint(meeting, options: settings)
        let peer = try TrainPeer(meeting.peer)
        // Loopback has no queueing discipline, and does not wait.
        for _ in 0..<3 {
            send([1], from: endpoint.transport, to: peer.address, options(transmitTime: endpoint.loop.now))
        }
        endpoint.transport.send([2], to: peer.address)
        receive(4, peer, endpoint.loop)
        #expect(peer.payloads == [[1], [1], [1], [2]])
        #expect(endpoint.noting.errors.isEmpty)
    }

    @Test("without that, the kernel refuses a transmit time, and that datagram alone", arguments: [1, 3])
    func transmitTimeUnasked(count: Int) throws {
        let endpoint = try SteppedEndpoint(.ipv4)
        let peer = try TrainPeer()
        for _ in 0..<count {
            send([1], from: endpoint.transport, to: peer.address, options(transmitTime: endpoint.loop.now))
        }
        endpoint.transport.send([2], to: peer.address)
        receive(1, peer, endpoint.loop)
        #expect(peer.payloads == [[2]])
        #expect(endpoint.noting.errors.map(\.errno) == [Errno](repeating: .invalidArgument, count: count))
        try trainsGoOn(endpoint, peer)
    }

    @Test("what waits in the queue keeps its options")
    func queued() throws {
        let kernel = ScriptedKernel()
        kernel.isReal = true
        var isFull = true
        kernel.refusal = { _ in isFull ? .wouldBlock : nil }
        let loop = try EpollLoop(syscalls: kernel.table)
        let transport = try loop.bind(to: SocketAddress(.anyV4, port: 0), DatagramOptions()) { NotingProtocol() }
        let peer = try TrainPeer()
        let ips = (1...3).map { IPAddress(v4: 0x7f00_0000 | $0) }
        for (index, ip) in ips.enumerated() {
            send(
                [UInt8(index)], from: transport, to: peer.address,
                options(source: ip, ecn: .capable1, dscp: UInt8(index)))
        }
        transport.flush()
        #expect(transport.statistics.queued == 3)
        // And one that comes to wait behind them.
        send([3], from: transport, to: peer.address, options(dscp: 7))
        isFull = false
        receive(4, peer, loop)
        #expect(peer.payloads == [[0], [1], [2], [3]])
        #expect(peer.arrivals.prefix(3).map(\.source.ip) == ips)
        #expect(peer.arrivals.map(\.trafficClass) == [1, 5, 9, 28])
    }
}
