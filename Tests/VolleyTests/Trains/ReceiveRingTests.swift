import CVolley
import Glibc
import Testing

@testable import Volley

/// The receive ring by itself, over a real socket with less room than an endpoint would give it.
@Suite("The receive ring", .timeLimit(.minutes(10)))
struct ReceiveRingTests {
    /// A datagram as a slot describes it.
    struct Slot: Equatable {
        var payload: [UInt8]
        var flags: DatagramFlags
        var port: UInt16
    }

    private let socket: TrainPeer
    private let sender: TrainPeer

    init() throws {
        socket = try TrainPeer(.loopbackV4, receivesTrains: SegmentationSupport.probed.receivesTrains)
        // What a TrainPeer asks for beside that is not part of the tests.
        socket.set(CInt(IPPROTO_IP), CInt(IP_RECVTOS), 0)
        sender = try TrainPeer()
    }

    /// Receives until there were `count` messages; returns the slots of the calls, one after the other, and their sums.
    private func receive(
        _ count: Int, into ring: borrowing ReceiveRing, atMost depth: Int = .max
    ) -> (slots: [Slot], summary: ReceiveRing.Summary) {
        var (slots, sum) = ([Slot](), ReceiveRing.Summary())
        var messages = 0
        waitUntil {
            // SAFETY: the ring has `capacity` headers, and slots for what `collect` says it has filled.
            let result = unsafe Syscalls.kernel.recvmmsg(socket.descriptor, ring.headers, min(depth, ring.capacity))
            guard result > 0 else { return messages == count }
            messages += result
            let summary = ring.collect(result)
            for index in 0..<summary.datagrams {
                let slot = unsafe ring.slots[index]
                let source = unsafe slot.head.pointee.source.assumingMemoryBound(to: SocketAddress.self).pointee
                let payload = unsafe UnsafeRawBufferPointer(start: slot.payload, count: Int(slot.count))
                slots.append(unsafe Slot(payload: Array(payload), flags: slot.flags, port: source.port))
            }
            sum.datagrams += summary.datagrams
            sum.bytes += summary.bytes
            sum.trains += summary.trains
            sum.truncated += summary.truncated
            sum.controlTruncated += summary.controlTruncated
            return messages == count
        }
        return (slots, sum)
    }

    private func slot(_ payload: some Sequence<UInt8>, _ flags: DatagramFlags = []) -> Slot {
        Slot(payload: Array(payload), flags: flags, port: sender.address.port)
    }

    @Test(
        "a train longer than its slot: what is there is split, the last one is flagged, nothing is made up",
        .enabled(if: SegmentationSupport.probed.receivesTrains, "no UDP_GRO"),
        arguments: [
            (300, [100, 100, 100]), (250, [100, 100, 50]), (301, [100, 100, 100, 1]), (100, [100]), (60, [60]),
        ])
    func truncatedTrain(slotSize: Int, lengths: [Int]) {
        let ring = ReceiveRing(
            capacity: 4, slotSize: slotSize, addressing: .ipv4, controlSize: Int(VOLLEY_GRO_SPACE), hasMetadata: false,
            receivesTrains: true
        )
        let bytes = pattern(1000)
        sender.send(bytes, segment: 100, to: socket.address)
        sender.send([1, 2, 3], to: socket.address)
        let (slots, summary) = receive(2, into: ring)
        var expected = split(Array(bytes.prefix(slotSize)), by: 100).map { slot($0) }
        expected[expected.count - 1].flags = .truncated
        #expect(expected.map(\.payload.count) == lengths)
        #expect(slots == expected + [slot([1, 2, 3])])
        #expect(summary.truncated == 1)
        #expect(summary.trains == (lengths.count > 1 ? 1 : 0))
        #expect(summary.bytes == slotSize + 3)
        // The flag is that batch's.
        for index in 0..<6 { sender.send(pattern(50, seed: index), to: socket.address) }
        #expect(receive(6, into: ring).slots == (0..<6).map { slot(pattern(50, seed: $0)) })
    }

    @Test("metadata that does not fit is flagged and counted, and the payload is whole")
    func controlTruncated() {
        socket.set(CInt(IPPROTO_IP), CInt(IP_PKTINFO), 1)
        socket.set(CInt(IPPROTO_IP), CInt(IP_RECVTTL), 1)
        let ring = ReceiveRing(
            capacity: 4, slotSize: 2048, addressing: .ipv4, controlSize: Int(VOLLEY_INT_SPACE), hasMetadata: true,
            receivesTrains: false)
        for index in 0..<3 { sender.send(pattern(100, seed: index), to: socket.address) }
        let (slots, summary) = receive(3, into: ring)
        #expect(slots == (0..<3).map { slot(pattern(100, seed: $0), .controlTruncated) })
        #expect(summary.controlTruncated == 3)
        #expect(summary.truncated == 0)
    }

    @Test(
        "flags of truncated datagrams do not stay in slots that are filled again",
        arguments: [0, Int(VOLLEY_GRO_SPACE)])
    func staleFlags(controlSize: Int) {
        if controlSize == 0 { socket.set(CInt(IPPROTO_UDP), CInt(VOLLEY_UDP_GRO), 0) }
        let ring = ReceiveRing(
            capacity: 8, slotSize: 64, addressing: .ipv4, controlSize: controlSize, hasMetadata: false,
            receivesTrains: controlSize > 0)
        let short = { (seed: Int) in slot(pattern(20, seed: seed)) }
        for round in 0..<3 {
            for index in 0..<8 { sender.send(pattern(index % 2 == 0 ? 100 : 20, seed: index), to: socket.address) }
            let (slots, summary) = receive(8, into: ring)
            #expect(
                slots
                    == (0..<8).map {
                        $0 % 2 == 0 ? slot(pattern(100, seed: $0).prefix(64), .truncated) : short($0)
                    })
            #expect(summary.truncated == 4)
            // Fewer than before, then all: neither has any.
            for count in [3, 8] {
                for index in 0..<count { sender.send(pattern(20, seed: round + index), to: socket.address) }
                let (slots, summary) = receive(count, into: ring)
                #expect(slots == (0..<count).map { short(round + $0) })
                #expect(summary.truncated == 0)
            }
        }
    }

    @Test(
        "single datagrams after trains lie in their own slots again, and truncated trains leave no flags",
        .enabled(if: SegmentationSupport.probed.receivesTrains, "no UDP_GRO"))
    func alignment() {
        let ring = ReceiveRing(
            capacity: 4, slotSize: 500, addressing: .ipv4, controlSize: Int(VOLLEY_GRO_SPACE), hasMetadata: false,
            receivesTrains: true)
        for round in 0..<4 {
            var expected: [Slot] = []
            for index in 0..<4 {
                let bytes = pattern(390 + index * 50, seed: round)
                sender.send(bytes, segment: 100, to: socket.address)
                expected += split(Array(bytes.prefix(500)), by: 100).map { slot($0) }
                if bytes.count > 500 { expected[expected.count - 1].flags = .truncated }
            }
            let trains = receive(4, into: ring)
            #expect(trains.slots == expected)
            #expect(trains.summary.trains == 4)
            for count in [1, 4, 2] {
                for index in 0..<count { sender.send(pattern(30, seed: index), to: socket.address) }
                let singles = receive(count, into: ring)
                #expect(singles.slots == (0..<count).map { slot(pattern(30, seed: $0)) })
                #expect(singles.summary.datagrams == count)
                #expect(singles.summary.trains == 0)
            }
        }
    }

    @Test(
        "a full batch of the longest trains fits, however many datagrams that is",
        .enabled(if: SegmentationSupport.probed.receivesTrains, "no UDP_GRO"))
    func fullBatch() {
        let segmentsMax = SegmentationSupport.probed.segmentsMax
        let ring = ReceiveRing(
            capacity: 8, slotSize: 65_536, addressing: .ipv4, controlSize: Int(VOLLEY_GRO_SPACE), hasMetadata: false,
            receivesTrains: true)
        var expected: [Slot] = []
        for train in 0..<8 {
            let bytes = pattern(segmentsMax * 4 - 1, seed: train)
            sender.send(bytes, segment: 4, to: socket.address)
            expected += split(bytes, by: 4).map { slot($0) }
        }
        waitUntil { (System.receiveCharge(socket.descriptor) ?? 0) > 0 }
        let (slots, summary) = receive(8, into: ring)
        #expect(slots == expected)
        #expect(summary.trains == 8)
        #expect(summary.datagrams == segmentsMax * 8)
    }
}
