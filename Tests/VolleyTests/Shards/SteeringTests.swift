import CVolley
import Glibc
import SystemPackage
import Testing
import VolleyCore

@testable import Volley

/// What the kernel does with our programs, against ``SteeringHash``, which says what it should.
@Suite(.timeLimit(.minutes(10)))
struct SteeringTests {
    /// Sends `rounds` datagrams from every peer and checks that each met the shard the endpoint says it would.
    private func check(
        _ peers: [Peer], to destination: SocketAddress, _ endpoint: ShardedEndpoint, in test: TestGroup,
        rounds: Int = 4,
        _ sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = test.log.count
        for round in 0..<rounds {
            for peer in peers {
                peer.send(round == 0 ? [] : [UInt8](repeating: UInt8(round), count: round), to: destination)
            }
            // A socket's buffer holds a few hundred small datagrams.
            test.await(before + (round + 1) * peers.count)
        }
        for (source, shards) in test.log.shardsBySource {
            let expected = try #require(endpoint.shard(for: source), sourceLocation: sourceLocation)
            #expect(shards == [expected], "\(source)", sourceLocation: sourceLocation)
        }
        #expect(endpoint.statistics().kernelDrops == 0, sourceLocation: sourceLocation)
    }

    @Test("a peer always meets its shard, and peers spread", arguments: [IPAddress.loopbackV4, .loopbackV6])
    func sourceHash(ip: IPAddress) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(ip)
        let peers = (0..<256).map { _ in Peer(ip) }
        try check(peers, to: endpoint.localAddress, endpoint, in: test)
        let counts = endpoint.statisticsByShard().map(\.received)
        #expect(counts.reduce(0, +) == 1024)
        #expect(test.log.shardsBySource.count == 256)
        // Which ports the peers get is the kernel's choice; three times too few or many is over six standard deviations.
        #expect(counts.allSatisfy { (1024 / 12...1024 * 3 / 4).contains(Int($0)) }, "\(counts)")
    }

    @Test("any number of shards", arguments: [1, 2, 3, 5, 8])
    func counts(count: Int) throws {
        let test = try TestGroup(count)
        let endpoint = try test.bind()
        try check((0..<40).map { _ in Peer() }, to: endpoint.localAddress, endpoint, in: test, rounds: 2)
    }

    @Test("hosts differ by their address", arguments: [ShardSteering.sourceHash, .sourceAddressHash])
    func addresses(steering: ShardSteering) throws {
        let test = try TestGroup(3)
        let endpoint = try test.bind(.anyV4, steering: steering)
        let peers = (1...100).map { Peer(IPAddress(v4: 0x7f00_0100 + UInt32($0))) }
        let destination = SocketAddress(.loopbackV4, port: endpoint.localAddress.port)
        try check(peers, to: destination, endpoint, in: test, rounds: 2)
        #expect(endpoint.statisticsByShard().allSatisfy { $0.received > 0 })
    }

    @Test("by the address alone, a host's sockets meet one shard", arguments: [IPAddress.loopbackV4, .loopbackV6])
    func addressAlone(ip: IPAddress) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(ip, steering: .sourceAddressHash)
        try check((0..<20).map { _ in Peer(ip) }, to: endpoint.localAddress, endpoint, in: test)
        #expect(Set(test.log.entries.map(\.shard)).count == 1)
    }

    @Test("an IPv6 endpoint steers IPv4 peers by their IPv4 address")
    func dualStack() throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(.anyV6) { $0.isIPv6Only = false }
        let port = endpoint.localAddress.port
        let peers = (0..<40).map { _ in Peer() }
        try check(peers, to: SocketAddress(.loopbackV4, port: port), endpoint, in: test)
        try check(
            (0..<40).map { _ in Peer(.loopbackV6) }, to: SocketAddress(.loopbackV6, port: port), endpoint, in: test)
        for peer in peers {
            // The same as for a plain IPv4 endpoint.
            #expect(
                test.log.entries.contains {
                    $0.source.unmapped == peer.address && $0.shard == endpoint.shard(for: peer.address)
                })
        }
    }

    @Test("IPv4 options do not hide the port", arguments: [1, 5, 10])
    func ipv4Options(words: Int) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind()
        // IPOPT_NOP, RFC 791: a byte that stands for nothing.
        let options = [(CInt(IPPROTO_IP), CInt(IP_OPTIONS), [UInt8](repeating: 1, count: 4 * words))]
        let peers = try (0..<40).map { _ in try Peer(.loopbackV4, options: options) }
        try check(peers, to: endpoint.localAddress, endpoint, in: test)
    }

    @Test("IPv6 extension headers do not hide the port", arguments: [0, 1, 4])
    func ipv6ExtensionHeaders(more: Int) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(.loopbackV6)
        // RFC 8200: next header, length in units of eight beyond the first, and over the rest one option to be skipped
        // by who does not know it (RFC 4727; the kernel takes no more than seven bytes of padding).
        let length = 8 + 8 * more
        let header = [0, UInt8(more), 0x1e, UInt8(length - 4)] + [UInt8](repeating: 0, count: length - 4)
        let options = [
            (CInt(IPPROTO_IPV6), CInt(IPV6_HOPOPTS), header), (CInt(IPPROTO_IPV6), CInt(IPV6_DSTOPTS), header),
        ]
        let peers = try (0..<40).map { _ in try Peer(.loopbackV6, options: options) }
        try check(peers, to: endpoint.localAddress, endpoint, in: test)
    }

    @Test("datagrams in fragments keep to their peer's shard", arguments: [IPAddress.loopbackV4, .loopbackV6])
    func large(ip: IPAddress) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(ip)
        let peers = (0..<4).map { _ in Peer(ip) }
        for peer in peers {
            // More than the loopback interface takes in one packet, with the smaller datagrams before and after.
            for size in [10, 65_507, 10] {
                let before = test.log.count
                peer.send([UInt8](repeating: 7, count: size), to: endpoint.localAddress)
                test.await(before + 1)
            }
            #expect(test.log.shardsBySource[peer.address] == endpoint.shard(for: peer.address).map { [$0] })
        }
    }

    @Test("when shards leave, the rest keep their peers", arguments: [IPAddress.loopbackV4, .loopbackV6])
    func leaving(ip: IPAddress) throws {
        let test = try TestGroup(4)
        let endpoint = try test.bind(ip)
        let peers = (0..<64).map { _ in Peer(ip) }
        let home = peers.map { endpoint.shard(for: $0.address) }
        var expected = Dictionary(uniqueKeysWithValues: zip(peers.map(\.address), home.map { [$0] }))
        func send() {
            let before = test.log.count
            for peer in peers { peer.send([1], to: endpoint.localAddress) }
            test.await(before + peers.count)
        }
        send()
        // The first of the kernel's places, then the last: whatever it renumbers, shards keep their index.
        for leaver in [0, 3] {
            #expect(try endpoint.removeShard(leaver, within: .seconds(30)).isComplete)
            #expect(!endpoint.activeShards.contains(leaver))
            for (peer, home) in zip(peers, home) {
                let now = endpoint.shard(for: peer.address)
                #expect(home.map(endpoint.activeShards.contains) == false || now == home)
                if expected[peer.address]?.last != now { expected[peer.address]?.append(now) }
            }
            send()
        }
        for (source, shards) in test.log.shardsBySource {
            #expect(shards == Set((expected[source] ?? []).compactMap(\.self)))
        }
        #expect(endpoint.statistics().received == 192)
        #expect(endpoint.statistics().kernelDrops == 0)
    }

    @Test("a shard that closes by itself leaves its peers to the others")
    func closingByItself() throws {
        let test = try TestGroup(3)
        let endpoint = try test.bind()
        endpoint.shards[1].close()
        endpoint.shards[1].waitUntilClosed()
        #expect(endpoint.activeShards == [0, 2])
        try check((0..<60).map { _ in Peer() }, to: endpoint.localAddress, endpoint, in: test, rounds: 1)
        #expect(endpoint.shards[1].statistics().received == 0)
    }

    @Test("by the processor, the shard of a pinned sender's processor gets everything")
    func processor() throws {
        let available = LiveEventLoop.availableProcessors
        let test = try TestGroup(available.count, isPinned: true)
        let endpoint = try test.bind(steering: .cpu)
        let sender = try LiveEventLoop()
        defer { sender.stop() }
        for (index, processor) in available.enumerated() {
            try sender.pin(to: [processor])
            let address = endpoint.localAddress
            // On loopback the sender's processor carries a datagram up to the receiver's queue, unless it is busy.
            try sender.run { _ throws(DatagramError) in
                for _ in 0..<50 { Peer().send([UInt8(index)], to: address) }
            }
            test.await(50 * (index + 1))
        }
        let atHome = test.log.entries.count { Int($0.bytes[0]) == $0.shard }
        #expect(atHome >= test.log.entries.count * 9 / 10, "\(atHome) of \(test.log.entries.count)")
    }

    @Test("the kernel's own steering spreads too, and leaves a shard out that leaves")
    func kernel() throws {
        let test = try TestGroup(3)
        let endpoint = try test.bind(steering: .kernel)
        let peers = (0..<100).map { _ in Peer() }
        for peer in peers { peer.send([1], to: endpoint.localAddress) }
        test.await(100)
        #expect(endpoint.statisticsByShard().allSatisfy { $0.received > 0 })
        #expect(endpoint.shard(for: peers[0].address) == nil)
        #expect(try endpoint.removeShard(1, within: .seconds(30)).isComplete)
        for peer in peers { peer.send([2], to: endpoint.localAddress) }
        test.await(200)
        for entry in test.log.entries where entry.bytes == [2] {
            #expect(entry.shard == endpoint.shard(for: entry.source))
        }
    }
}
