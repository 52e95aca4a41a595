import Glibc
import SystemPackage
import Testing

@testable import Volley

/// What becomes of the datagrams of a train the kernel does not take.
@Suite("Trains the kernel refuses", .timeLimit(.minutes(10)))
struct TrainFallbackTests {
    private static let peer = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 40_001)
    private static let other = SocketAddress(IPAddress(v4: 0x7f00_0001), port: 40_002)

    private let kernel = ScriptedKernel()
    private let loop: EpollLoop
    private let noting = NotingProtocol()
    private let transport: RingTransport

    init() throws {
        loop = try EpollLoop(syscalls: kernel.table)
        transport = try loop.bind(to: SocketAddress(.loopbackV4, port: 0), DatagramOptions()) { [noting] in noting }
    }

    /// Sends `count` datagrams for each length, all different, and returns them.
    private func send(_ lengths: [(length: Int, count: Int)], seed: Int = 0) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        for (length, count) in lengths {
            for _ in 0..<count { datagrams.append(pattern(length, seed: seed + datagrams.count)) }
        }
        for datagram in datagrams { transport.send(datagram, to: Self.peer) }
        loop.settle()
        return datagrams
    }

    @Test(
        "EIO, or EINVAL for short segments: all of it goes singly, and no train is tried again",
        arguments: [(Errno.ioError, 100), (.ioError, 1400), (.invalidArgument, 100), (.invalidArgument, 1232)])
    func refusedForGood(errno: Errno, length: Int) {
        kernel.refusal = { $0.isTrain ? errno : nil }
        let first = send([(length, 30), (length - 1, 10)])
        #expect(kernel.datagrams == first)
        #expect(kernel.counts == [Int](repeating: 1, count: 40))
        let tries = kernel.refused.count
        let second = send([(length, 30), (10, 20)], seed: 1000)
        #expect(kernel.refused.count == tries)
        #expect(kernel.datagrams == first + second)
        #expect(kernel.taken.allSatisfy { $0.controls.isEmpty && $0.destination == Self.peer })
        #expect(noting.errors.isEmpty)
        let statistics = transport.statistics
        #expect(statistics.sent == 90)
        #expect(statistics.trainsSent == 0)
        #expect(statistics.sendsDropped == 0)
    }

    @Test(
        "segments too long for the path go singly, and shorter ones still in trains",
        arguments: [Errno.messageTooLong, .invalidArgument])
    func pathTooNarrow(errno: Errno) {
        kernel.refusal = { $0.segment > 1300 ? errno : nil }
        let first = send([(1400, 20), (1250, 20), (1400, 5), (1200, 10)])
        #expect(kernel.datagrams == first)
        #expect(kernel.counts == [Int](repeating: 1, count: 20) + [20] + [Int](repeating: 1, count: 5) + [10])
        let tries = kernel.refused.count
        let second = send([(1400, 5), (1300, 5)], seed: 1000)
        #expect(kernel.refused.count == tries)
        #expect(kernel.datagrams == first + second)
        #expect(kernel.counts.suffix(6) == [1, 1, 1, 1, 1, 5])
        #expect(noting.errors.isEmpty)
    }

    @Test("EMSGSIZE for short segments lowers the limit below them")
    func narrowerThanIPv6Needs() {
        kernel.refusal = { $0.segment > 500 ? .messageTooLong : nil }
        let datagrams = send([(600, 4), (500, 4)])
        #expect(kernel.datagrams == datagrams)
        #expect(kernel.counts == [1, 1, 1, 1, 4])
        #expect(noting.errors.isEmpty)
    }

    @Test(
        "an error of an earlier datagram that a train meets is reported once, and trains go on",
        arguments: [Errno.connectionRefused, .messageTooLong, .noRouteToHost])
    func inherited(errno: Errno) {
        kernel.failures = [errno]
        let datagrams = send([(100, 30), (50, 20)])
        #expect(kernel.datagrams == datagrams)
        #expect(kernel.counts == [31, 19])
        #expect(noting.errors.map(\.errno) == [errno])
        #expect(noting.errors.map(\.origin) == [.network])
        #expect(transport.statistics.errors == [errno: 1])
        #expect(transport.statistics.sendsDropped == 0)
        let more = send([(100, 10)], seed: 1000)
        #expect(kernel.datagrams == datagrams + more)
        #expect(kernel.counts.last == 10)
    }

    @Test(
        "what each datagram of a train meets alone as well does not end trains",
        arguments: [Errno.invalidArgument, .ioError, .messageTooLong])
    func notAboutTrains(errno: Errno) {
        kernel.refusal = { $0.destination == Self.other ? errno : nil }
        for seed in 0..<3 { transport.send(pattern(100, seed: seed), to: Self.other) }
        loop.settle()
        #expect(noting.errors.map(\.errno) == [errno, errno, errno])
        #expect(noting.errors.allSatisfy { $0.peer == Self.other })
        let datagrams = send([(100, 20), (1400, 10)])
        #expect(kernel.datagrams == datagrams)
        #expect(kernel.counts == [20, 10])
    }

    @Test("an error of its own costs a train no other datagram", arguments: [Errno.notPermitted, .noBufferSpace])
    func poisoned(errno: Errno) {
        let poison = pattern(100, seed: 5)
        kernel.refusal = { $0.datagrams.first == poison ? errno : nil }
        // The head of a train is what is blamed; behind others it is not looked at.
        transport.send(pattern(100, seed: 1), to: Self.other)
        for seed in [5, 6, 7] { transport.send(pattern(100, seed: seed), to: Self.peer) }
        loop.settle()
        #expect(kernel.datagrams == [1, 6, 7].map { pattern(100, seed: $0) })
        #expect(noting.errors.map(\.errno) == [errno])
        #expect(noting.errors.first?.peer == Self.peer)
        #expect(transport.statistics.failedDropped == 1)
        #expect(transport.statistics.sent == 3)
    }

    @Test("a short sendmmsg counts the datagrams of the messages it took", arguments: [1, 2, 3])
    func short(messagesMax: Int) {
        kernel.messagesMax = messagesMax
        let datagrams = send([(100, 64), (90, 3), (80, 1), (0, 2), (70, 9)])
        #expect(kernel.datagrams == datagrams)
        // 64 of 100 are a full train; then 3 of 90 with the one of 80; then the empty ones, and the rest.
        #expect(kernel.counts == [64, 4, 1, 1, 9])
        #expect(kernel.calls == (5 + messagesMax - 1) / messagesMax)
        #expect(transport.statistics.sent == UInt64(datagrams.count))
        #expect(transport.statistics.bytesSent == UInt64(datagrams.reduce(0) { $0 + $1.count }))
    }

    @Test("EAGAIN in mid-batch queues exactly the rest, which follows in order when there is room")
    func blocked() {
        var room = 2
        kernel.refusal = { _ in
            room -= 1
            return room < 0 ? .wouldBlock : nil
        }
        let lengths = [(length: 100, count: 64), (90, 20), (0, 1), (80, 40)]
        var datagrams: [[UInt8]] = []
        for (length, count) in lengths {
            for _ in 0..<count { datagrams.append(pattern(length, seed: datagrams.count)) }
        }
        for datagram in datagrams { transport.send(datagram, to: Self.peer) }
        transport.flush()
        #expect(kernel.counts == [64, 20])
        let rest = datagrams[84...]
        #expect(transport.statistics.queued == UInt64(rest.count))
        #expect(transport.writeBufferSize == rest.reduce(0) { $0 + $1.count + 8 })
        #expect(transport.statistics.sent == 84)
        room = .max
        loop.settle()
        #expect(kernel.datagrams == datagrams)
        #expect(kernel.counts == [64, 20, 1, 40])
        #expect(transport.writeBufferSize == 0)
        #expect(transport.statistics.sent == UInt64(datagrams.count))
        #expect(noting.errors.isEmpty)
    }

    @Test("a refusal in mid-batch, after messages that went, resends nothing")
    func refusedInMidBatch() {
        kernel.refusal = { $0.isTrain && $0.destination == Self.other ? .ioError : nil }
        for seed in 0..<10 { transport.send(pattern(100, seed: seed), to: Self.peer) }
        for seed in 10..<20 { transport.send(pattern(100, seed: seed), to: Self.other) }
        for seed in 20..<30 { transport.send(pattern(100, seed: seed), to: Self.peer) }
        loop.settle()
        #expect(kernel.datagrams == (0..<30).map { pattern(100, seed: $0) })
        #expect(kernel.counts == [10] + [Int](repeating: 1, count: 20))
        #expect(transport.statistics.trainsSent == 1)
        #expect(transport.statistics.sent == 30)
    }

    @Test(
        "random sizes, peers, short sends, refusals and full buffers: each datagram once, in order",
        arguments: 0..<20)
    func anything(seed: UInt64) {
        var random = Random(seed: seed)
        let limit = [Int.max, 300, 700][random.next(below: 3)]
        kernel.messagesMax = 1 + random.next(below: 5)
        var faults = Random(seed: seed &+ 1)
        kernel.refusal = { message in
            if faults.next(below: 10) == 0 { return .wouldBlock }
            return message.segment > limit ? .messageTooLong : nil
        }
        var expected: [SocketAddress: [[UInt8]]] = [:]
        var count = 0
        for _ in 0..<40 {
            let peer = random.next(below: 2) == 0 ? Self.peer : Self.other
            let length = [0, 1, 63, 64, 500, 1400][random.next(below: 6)]
            for _ in 0...random.next(below: 12) {
                let datagram = pattern(length, seed: count)
                transport.send(datagram, to: peer)
                expected[peer, default: []].append(datagram)
                count += 1
            }
        }
        loop.settle(until: { transport.statistics.sent == UInt64(count) })
        for peer in [Self.peer, Self.other] {
            #expect(kernel.taken.filter { $0.destination == peer }.flatMap(\.datagrams) == expected[peer] ?? [])
        }
        #expect(transport.statistics.sent == UInt64(count))
        #expect(transport.writeBufferSize == 0)
        #expect(noting.errors.isEmpty)
    }
}
