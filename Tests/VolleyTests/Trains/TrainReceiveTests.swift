import Testing

@testable import Volley

/// Trains that the kernel gives in one piece, as a protocol sees them.
@Suite(
    "Trains received", .timeLimit(.minutes(10)),
    .enabled(if: SegmentationSupport.probed.receivesTrains, "no UDP_GRO"))
struct TrainReceiveTests {
    @Test(
        "every datagram of a train arrives by itself, in order, the last one shorter or not",
        arguments: Meeting.allCases)
    func boundaries(meeting: Meeting) throws {
        let endpoint = try SteppedEndpoint(meeting)
        let peer = try TrainPeer(meeting.peer)
        var expected: [[UInt8]] = []
        var trains = 0
        let segmentsMax = SegmentationSupport.probed.segmentsMax
        for segment in [1, 2, 63, 64, 1400] {
            for count in [2, 3, 17, min(46, 60_000 / segment), 64, segmentsMax] where count * segment <= 65_000 {
                for last in Set([segment, max(1, segment - 1), 1]) {
                    let bytes = pattern((count - 1) * segment + last, seed: expected.count)
                    peer.send(bytes, segment: segment, to: endpoint.target)
                    expected += split(bytes, by: segment)
                    trains += 1
                }
                // Little at a time, so that the system's default limits will do.
                endpoint.receive(expected.count)
            }
            // Others between them: nothing at all, and the longest there is.
            for size in [0, 65_507] {
                peer.send(pattern(size, seed: size), to: endpoint.target)
                expected.append(pattern(size, seed: size))
            }
            endpoint.receive(expected.count)
        }
        let statistics = endpoint.transport.statistics
        #expect(statistics.kernelDrops == 0)
        let isSame = endpoint.noting.payloads == expected
        #expect(isSame)
        #expect(statistics.received == UInt64(expected.count))
        #expect(statistics.bytesReceived == UInt64(expected.reduce(0) { $0 + $1.count }))
        #expect(statistics.trainsReceived == UInt64(trains))
        #expect(statistics.truncated == 0 && statistics.controlTruncated == 0)
        for arrival in endpoint.noting.arrivals {
            #expect(arrival.source == meeting.seen(peer.address))
            #expect(arrival.local == (meeting.isWildcard ? meeting.seen(meeting.target) : nil))
            #expect(arrival.flags == [])
        }
    }

    @Test("peers whose trains and datagrams come between each other's keep theirs apart", arguments: Meeting.allCases)
    func peers(meeting: Meeting) throws {
        let endpoint = try SteppedEndpoint(meeting)
        let peers = try (0..<3).map { _ in try TrainPeer(meeting.peer) }
        var expected: [SocketAddress: [[UInt8]]] = [:]
        var total = 0
        for round in 0..<12 {
            for (index, peer) in peers.enumerated() {
                let bytes = pattern(100 * (round + 1) + index, seed: total)
                let isTrain = (round + index) % 3 != 0
                peer.send(bytes, segment: isTrain ? 100 : 0, to: endpoint.target)
                let datagrams = isTrain ? split(bytes, by: 100) : [bytes]
                expected[meeting.seen(peer.address), default: []] += datagrams
                total += datagrams.count
            }
        }
        endpoint.receive(total)
        for (source, datagrams) in expected {
            #expect(endpoint.noting.arrivals.filter { $0.source == source }.map(\.payload) == datagrams)
        }
        #expect(endpoint.noting.arrivals.count == total)
    }

    @Test(
        "each datagram of a train is answered to its source, from where it was sent to",
        arguments: Meeting.allCases, [NotingProtocol.Answer.echo, .copy, .inPlace, .send])
    func answers(meeting: Meeting, answer: NotingProtocol.Answer) throws {
        let endpoint = try SteppedEndpoint(meeting, answer)
        let peers = try [false, true].map { try TrainPeer(meeting.peer, receivesTrains: $0) }
        var expected: [[UInt8]] = []
        for segment in [1, 64, 1400] {
            let bytes = pattern(segment * 40 - segment / 2, seed: segment)
            expected += split(bytes, by: segment) + [[], pattern(70, seed: segment)]
            for peer in peers {
                peer.send(bytes, segment: segment, to: endpoint.target)
                peer.send([], to: endpoint.target)
                peer.send(pattern(70, seed: segment), to: endpoint.target)
            }
        }
        endpoint.loop.settle {
            for peer in peers { peer.drain() }
            return peers.allSatisfy { $0.arrivals.count >= expected.count }
        }
        // What is not a reply leaves from wherever the routing table says.
        let isReply = answer != .send || !meeting.isWildcard
        for peer in peers {
            #expect(peer.payloads == expected)
            if isReply { #expect(peer.arrivals.allSatisfy { $0.source == endpoint.target }) }
        }
        #expect(endpoint.noting.errors.isEmpty)
        #expect(endpoint.transport.statistics.sent == UInt64(expected.count * 2))
        // An echo goes as it came.
        if SegmentationSupport.probed.segmentsMax > 1 { #expect(endpoint.transport.statistics.trainsSent > 0) }
    }

    @Test("a protocol that pauses inside a train gets the rest of it when it resumes, each once")
    func pauses() throws {
        let endpoint = try SteppedEndpoint(onArrival: { transport, count in
            if count % 7 == 0 { transport.pauseReading() }
        })
        let peer = try TrainPeer()
        let bytes = pattern(64 * 100 - 30)
        for _ in 0..<3 { peer.send(bytes, segment: 100, to: endpoint.target) }
        var expected = [split(bytes, by: 100), split(bytes, by: 100), split(bytes, by: 100)].flatMap { $0 }
        for pause in 1...27 {
            endpoint.loop.settle(until: { endpoint.noting.arrivals.count >= pause * 7 })
            #expect(endpoint.noting.arrivals.count == pause * 7)
            endpoint.transport.resumeReading()
        }
        endpoint.loop.settle(until: { endpoint.noting.arrivals.count >= 192 })
        #expect(endpoint.noting.payloads == expected)
        // And what comes later is received over what was kept.
        peer.send([1, 2, 3], to: endpoint.target)
        expected.append([1, 2, 3])
        endpoint.loop.settle(until: { endpoint.noting.arrivals.count >= 193 })
        #expect(endpoint.noting.payloads == expected)
        #expect(endpoint.transport.statistics.received == 193)
    }

    @Test("what a protocol does not get of a train since it closed is counted", arguments: [false, true])
    func closes(aborts: Bool) throws {
        let endpoint = try SteppedEndpoint(
            .ipv4, .echo,
            onArrival: { transport, count in if count == 5 { aborts ? transport.abort() : transport.close() } })
        let peer = try TrainPeer()
        let bytes = pattern(64 * 100)
        peer.send(bytes, segment: 100, to: endpoint.target)
        endpoint.loop.settle { endpoint.noting.ends.count == 1 }
        #expect(endpoint.noting.payloads == Array(split(bytes, by: 100)[..<5]))
        let statistics = endpoint.transport.statistics
        #expect(statistics.received == 64)
        #expect(statistics.undelivered == 59)
        // What was answered before a close leaves; an abort drops it.
        waitUntil {
            peer.drain()
            return peer.arrivals.count >= (aborts ? 0 : 5)
        }
        #expect(peer.payloads == (aborts ? [] : Array(split(bytes, by: 100)[..<5])))
        #expect(statistics.sent == (aborts ? 0 : 5))
        #expect(statistics.abortedDropped == (aborts ? 5 : 0))
    }

    @Test("a tap sees single datagrams, in and out")
    func tap() throws {
        let tap = NotingTap()
        var options = DatagramOptions.trains
        options.tap = tap
        let endpoint = try SteppedEndpoint(.ipv4Wildcard, .echo, options: options)
        let peer = try TrainPeer()
        let bytes = pattern(30 * 100 - 1)
        peer.send(bytes, segment: 100, to: endpoint.target)
        endpoint.loop.settle {
            peer.drain()
            return peer.arrivals.count >= 30
        }
        let expected = split(bytes, by: 100)
        #expect(tap.received.map(\.payload) == expected)
        #expect(tap.sent.map(\.payload) == expected)
        for entry in tap.received + tap.sent {
            #expect(entry.local == endpoint.target)
            #expect(entry.peer == peer.address)
        }
    }

    @Test("more datagrams than slots in one batch: the slots grow, and replies still go where they should")
    func grows() throws {
        let segmentsMax = SegmentationSupport.probed.segmentsMax
        var options = DatagramOptions.trains
        options.batchSize = 2
        let endpoint = try SteppedEndpoint(.ipv4Wildcard, .echo, options: options)
        let peer = try TrainPeer(receivesTrains: true)
        // Slots for 64 of each message come first: trains of more take what a batch of them does not leave.
        var expected: [[UInt8]] = []
        for train in 0..<8 {
            let bytes = pattern(segmentsMax * 8 - 3, seed: train)
            peer.send(bytes, segment: 8, to: endpoint.target)
            expected += split(bytes, by: 8)
        }
        // Back to single ones in slots that trains have moved.
        for index in 0..<20 {
            peer.send(pattern(20 + index, seed: index), to: endpoint.target)
            expected.append(pattern(20 + index, seed: index))
        }
        endpoint.loop.settle {
            peer.drain()
            return peer.arrivals.count >= expected.count
        }
        #expect(endpoint.noting.payloads == expected)
        #expect(peer.payloads == expected)
        #expect(peer.arrivals.allSatisfy { $0.source == endpoint.target })
        #expect(endpoint.transport.statistics.trainsReceived == 8)
    }

    @Test("random trains and datagrams of random peers arrive as they were sent", arguments: 0..<8)
    func anything(seed: UInt64) throws {
        var random = Random(seed: seed)
        let meeting = Meeting.allCases[Int(seed) % Meeting.allCases.count]
        var options = DatagramOptions.trains
        options.batchSize = [1, 3, 64][random.next(below: 3)]
        let endpoint = try SteppedEndpoint(meeting, [.none, .echo, .copy][random.next(below: 3)], options: options)
        let peers = try (0..<3).map { try TrainPeer(meeting.peer, receivesTrains: $0 == 0) }
        var expected: [[[UInt8]]] = [[], [], []]
        var pending = 0
        for number in 0..<90 {
            let index = random.next(below: 3)
            let segment = [1, 2, 63, 64, 1400, 9000][random.next(below: 6)]
            let segmentsMax = min(64, 65_000 / segment)
            let bytes = pattern(random.next(below: segment * segmentsMax), seed: random.next(below: 1000))
            let isTrain = random.next(below: 3) > 0
            peers[index].send(bytes, segment: isTrain ? segment : 0, to: endpoint.target)
            expected[index] += isTrain && bytes.count > segment ? split(bytes, by: segment) : [bytes]
            // As much as fits a buffer of the system's default limits.
            pending += 2 * bytes.count + 1_000
            guard pending > 150_000 || number == 89 else { continue }
            pending = 0
            endpoint.receive(expected.reduce(0) { $0 + $1.count })
            for peer in peers { peer.drain() }
        }
        #expect(endpoint.transport.statistics.kernelDrops == 0)
        for (peer, datagrams) in zip(peers, expected) {
            let source = meeting.seen(peer.address)
            let isSame = endpoint.noting.arrivals.filter { $0.source == source }.map(\.payload) == datagrams
            #expect(isSame)
        }
    }
}
