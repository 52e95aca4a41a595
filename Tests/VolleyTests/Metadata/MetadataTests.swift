import CVolley
import Glibc
import SystemPackage
import Testing

@testable import Volley

/// What datagrams bring beside their bytes, as the kernel says it.
@Suite("Metadata of datagrams", .timeLimit(.minutes(10)))
struct MetadataTests {
    static let all: DatagramMetadata = [.localAddress, .timestamp, .trafficClass, .hopLimit, .drops]

    private func endpoint(_ meeting: Meeting, _ metadata: DatagramMetadata) throws -> SteppedEndpoint {
        var options = DatagramOptions.trains
        options.metadata = metadata
        return try SteppedEndpoint(meeting, options: options)
    }

    /// Has a plain socket mark what it sends, as its target's family takes it.
    private func mark(_ peer: TrainPeer, trafficClass: CInt, hopLimit: CInt) {
        if peer.address.family == .ipv6 {
            peer.set(CInt(IPPROTO_IPV6), IPV6_TCLASS, trafficClass)
            peer.set(CInt(IPPROTO_IPV6), IPV6_UNICAST_HOPS, hopLimit)
        } else {
            peer.set(CInt(IPPROTO_IP), CInt(IP_TOS), trafficClass)
            peer.set(CInt(IPPROTO_IP), CInt(IP_TTL), hopLimit)
        }
    }

    @Test(
        "each is what was asked for, and nothing else is there", arguments: Meeting.allCases,
        [
            DatagramMetadata.localAddress, .timestamp, .trafficClass, .hopLimit, .drops, [], all,
            [.timestamp, .trafficClass], [.localAddress, .hopLimit],
        ])
    func each(meeting: Meeting, metadata: DatagramMetadata) throws {
        let endpoint = try endpoint(meeting, metadata)
        let peer = try TrainPeer(meeting.peer)
        // AF41 and CE; 37 hops.
        mark(peer, trafficClass: 34 << 2 | 3, hopLimit: 37)
        let before = System.wallClockNanoseconds()
        for size in [0, 1, 1400] { peer.send(pattern(size), to: endpoint.target) }
        endpoint.receive(3)
        let after = System.wallClockNanoseconds()
        #expect(endpoint.noting.payloads == [0, 1, 1400].map { pattern($0) })
        var last = before
        for arrival in endpoint.noting.arrivals {
            let knowsLocal = metadata.contains(.localAddress) || meeting.isWildcard
            #expect(arrival.local == (knowsLocal ? meeting.seen(meeting.target) : nil))
            #expect(arrival.interfaceIndex == (knowsLocal ? unsafe if_nametoindex("lo") : 0))
            #expect(arrival.ecn == (metadata.contains(.trafficClass) ? .congestionExperienced : nil))
            #expect(arrival.dscp == (metadata.contains(.trafficClass) ? 34 : nil))
            #expect(arrival.hopLimit == (metadata.contains(.hopLimit) ? 37 : nil))
            #expect(arrival.dropsBefore == 0)
            #expect(arrival.flags == [])
            #expect((arrival.timestamp != nil) == metadata.contains(.timestamp))
            guard let time = arrival.timestamp?.nanosecondsSinceEpoch else { continue }
            #expect(last <= time && time <= after)
            last = time
        }
        #expect(endpoint.transport.statistics.controlTruncated == 0)
    }

    @Test(
        "all of it comes with trains too, the same for each of a train's datagrams",
        .enabled(if: SegmentationSupport.probed.receivesTrains, "no UDP_GRO"), arguments: Meeting.allCases)
    func trains(meeting: Meeting) throws {
        let endpoint = try endpoint(meeting, Self.all)
        let peer = try TrainPeer(meeting.peer)
        var expected: [[UInt8]] = []
        for round in 0..<6 {
            mark(peer, trafficClass: CInt(round << 2 | round % 4), hopLimit: CInt(100 + round))
            let bytes = pattern(950, seed: round)
            peer.send(bytes, segment: 100, to: endpoint.target)
            peer.send([UInt8(round)], to: endpoint.target)
            expected += split(bytes, by: 100) + [[UInt8(round)]]
        }
        endpoint.receive(expected.count)
        #expect(endpoint.noting.payloads == expected)
        for (index, arrival) in endpoint.noting.arrivals.enumerated() {
            let round = index / 11
            #expect(arrival.ecn?.rawValue == UInt8(round % 4))
            #expect(arrival.dscp == UInt8(round))
            #expect(arrival.hopLimit == UInt8(100 + round))
            #expect(arrival.local == meeting.seen(meeting.target))
            #expect(arrival.flags == [])
            // One message of the kernel's, one time.
            if index % 11 > 0, index % 11 < 10 {
                #expect(arrival.timestamp == endpoint.noting.arrivals[index - 1].timestamp)
            }
        }
        let statistics = endpoint.transport.statistics
        #expect(statistics.trainsReceived == 6)
        #expect(statistics.controlTruncated == 0)
    }

    @Test(
        "what the kernel dropped before a datagram is what SO_MEMINFO counts",
        arguments: [Meeting.ipv4, .ipv6, .mapped])
    func drops(meeting: Meeting) throws {
        var options = DatagramOptions.trains
        options.metadata = [.drops]
        options.receiveBufferSize = 20_000
        let endpoint = try SteppedEndpoint(meeting, options: options)
        let descriptor = try #require(endpoint.transport.descriptor)
        let peer = try TrainPeer(meeting.peer)
        var sent = 0
        for round in 1...2 {
            let dropped = System.dropCount(descriptor) ?? 0
            // Until some are dropped: a busy machine may deliver late, but what it has delivered stays.
            for _ in 0..<200 {
                peer.send(pattern(200), to: endpoint.target)
                sent += 1
            }
            waitUntil { System.dropCount(descriptor) ?? 0 > dropped }
            endpoint.loop.settle {
                UInt64(sent) == endpoint.transport.statistics.received + endpoint.transport.statistics.kernelDrops
            }
            // The counter comes with the next that is received.
            peer.send([UInt8(round)], to: endpoint.target)
            sent += 1
            endpoint.loop.settle { endpoint.noting.payloads.last == [UInt8(round)] }
            let told = endpoint.noting.arrivals.reduce(0) { $0 + $1.dropsBefore }
            #expect(told > dropped)
            #expect(told == System.dropCount(descriptor))
        }
        #expect(endpoint.transport.statistics.kernelDrops == UInt64(System.dropCount(descriptor) ?? 0))
    }

    @Test("a datagram of an adopted socket does not tell of drops before the endpoint was there")
    func dropsOfAdopted() throws {
        let socket = try TrainPeer()
        socket.set(SOL_SOCKET, SO_RCVBUF, 5_000)
        let sender = try TrainPeer()
        for _ in 0..<100 { sender.send(pattern(200), to: socket.address) }
        waitUntil { System.dropCount(socket.descriptor) ?? 0 > 0 }
        // Everything that is under way has come or is lost.
        waitUntil {
            socket.drain()
            return socket.arrivals.count + Int(System.dropCount(socket.descriptor) ?? 0) == 100
        }
        var options = DatagramOptions.trains
        options.metadata = [.drops]
        let noting = NotingProtocol()
        let loop = try EpollLoop()
        let transport = try loop.adopt(dup(socket.descriptor), options) { noting }
        sender.send([1], to: socket.address)
        loop.settle { noting.arrivals.count == 1 }
        #expect(noting.arrivals.map(\.dropsBefore) == [0])
        #expect(transport.statistics.kernelDrops == 0)
    }

    @Test("a tap gets the kernel's time where there is one")
    func tapTime() throws {
        let tap = NotingTap()
        var options = DatagramOptions.trains
        options.metadata = [.timestamp]
        options.tap = tap
        let endpoint = try SteppedEndpoint(.ipv4, options: options)
        let peer = try TrainPeer()
        peer.send([1], to: endpoint.target)
        endpoint.receive(1)
        #expect(tap.received.map(\.time) == endpoint.noting.arrivals.map(\.timestamp))
    }

    @Test(
        "metadata the kernel had no room for is flagged on its datagram alone, and counted", arguments: [false, true])
    func controlTruncated(isTrain: Bool) throws {
        guard !isTrain || SegmentationSupport.probed.receivesTrains else { return }
        var calls = Syscalls.kernel
        let cuts = Cuts()
        unsafe calls.recvmmsg = { descriptor, headers, count in
            let result = unsafe Syscalls.kernel.recvmmsg(descriptor, headers, count)
            for index in 0..<max(0, result) where cuts.take() {
                unsafe headers[index].msg_hdr.msg_flags |= CInt(MSG_CTRUNC)
            }
            return result
        }
        let loop = try EpollLoop(syscalls: calls)
        let noting = NotingProtocol()
        var options = DatagramOptions.trains
        options.metadata = Self.all
        let transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), options) { noting }
        let address = try #require(transport.localAddress)
        let peer = try TrainPeer()
        peer.send([1], to: address)
        peer.send(pattern(25), segment: isTrain ? 10 : 0, to: address)
        peer.send([3], to: address)
        let count = isTrain ? 5 : 3
        loop.settle { noting.arrivals.count == count }
        // Of a train, the last one has the flag.
        #expect(noting.arrivals.indices.filter { noting.arrivals[$0].flags == .controlTruncated } == [count - 2])
        #expect(noting.payloads == [[1]] + (isTrain ? split(pattern(25), by: 10) : [pattern(25)]) + [[3]])
        #expect(transport.statistics.controlTruncated == 1)
        #expect(transport.statistics.truncated == 0)
    }
}

/// Says of the second message that its metadata was cut.
private final class Cuts: @unchecked Sendable {
    // True by the test: all of it is on one thread.
    private var count = 0

    func take() -> Bool {
        count += 1
        return count == 2
    }
}
