import SystemPackage
import Testing

@testable import VolleyCore

@Suite("Stream types")
struct StreamTypesTests {
    private final class Silent: StreamProtocol {}
    private final class OnlyBase: BaseStreamProtocol {}

    @Test("a stream protocol without methods takes every callback, does nothing, and closes at the end")
    func defaults() {
        let silent = Silent()
        silent.dataReceived(RawSpan())
        silent.pauseWriting()
        silent.resumeWriting()
        #expect(!silent.eofReceived())
        #expect(!OnlyBase().eofReceived())
        silent.connectionLost(nil)
        #expect(Mirror(reflecting: silent).children.isEmpty)
    }

    /// Lends three bytes at a time, or none.
    private final class Lender: BufferedStreamProtocol {
        var store: [UInt8]
        var hints: [Int] = []
        var received: [UInt8] = []

        init(_ size: Int) { store = [UInt8](repeating: 0, count: size) }

        func getBuffer(_ loan: inout BufferLoan) {
            hints.append(loan.sizeHint)
            loan.lend(&store)
            // Only the first loan counts.
            loan.lend(&store)
        }

        func bufferUpdated(_ count: Int) { received += store[..<count] }
    }

    @Test("a buffered protocol that is given bytes is asked for room until all are in")
    func feeding() throws {
        let lender = Lender(3)
        try lender.receive(RawSpan(Array(UInt8(0)..<8).span))
        #expect(lender.received == Array(0..<8))
        #expect(lender.hints == [8, 5, 2])
        let roomy = Lender(100)
        try roomy.receive(RawSpan(Array(UInt8(0)..<8).span))
        #expect(roomy.hints == [8])
        #expect(roomy.received == Array(0..<8))
        #expect(throws: StreamError.self) { try Lender(0).receive(RawSpan([1].span)) }
        try Lender(0).receive(RawSpan())
    }

    /// Lends in every way there is.
    private final class Ways: BufferedStreamProtocol {
        var array = [UInt8](repeating: 0, count: 10)
        var inline = InlineArray<6, UInt8>(repeating: 0)
        var way = 0

        func getBuffer(_ loan: inout BufferLoan) {
            way += 1
            switch way {
            case 1: loan.lend(&array, from: 8)
            case 2: loan.lend(&array, 2..<4)
            case 3: loan.lend(&inline, from: 4)
            case 4: loan.lend(&array, from: 10)
            case 5: loan.lend(&array, from: -1)
            case 6: loan.lend(&array, 9..<12)
            case 7: loan.lend(&inline, from: 6)
            default: break
            }
        }

        func bufferUpdated(_ count: Int) {}
    }

    @Test("memory is lent where it is said, and nowhere outside of it")
    func ways() throws {
        let ways = Ways()
        try ways.receive(RawSpan([UInt8](1...6).span))
        #expect(ways.array == [0, 0, 3, 4, 0, 0, 0, 0, 1, 2])
        #expect(ways.inline[4] == 5 && ways.inline[5] == 6 && ways.inline[3] == 0)
        for _ in 4...8 { #expect(throws: StreamError.self) { try ways.receive(RawSpan([UInt8(9)].span)) } }
        #expect(!ways.array.contains(9))
    }

    @Test("the queue gives back what was put in, whatever is put in and taken")
    func queue() {
        var queue = StreamQueue()
        var expected: [UInt8] = []
        var actual: [UInt8] = []
        var generator = SystemLikeGenerator(state: 42)
        for round in 0..<2_000 {
            let size = Int(generator.next() % (round % 10 == 0 ? 20_000 : 300))
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ round) }
            expected += bytes
            unsafe bytes.withUnsafeBytes { unsafe queue.append($0) }
            let most = Int(generator.next() % 12_000)
            actual += Self.take(&queue, most)
            let (waiting, isEmpty, chunks) = (queue.size, queue.isEmpty, queue.chunkCount)
            #expect(waiting == expected.count - actual.count)
            #expect(isEmpty == (chunks == 0))
        }
        actual += Self.take(&queue, .max)
        #expect(actual == expected)
        unsafe [UInt8](repeating: 1, count: 10).withUnsafeBytes { unsafe queue.append($0) }
        let (removed, isEmpty) = (queue.removeAll(), queue.isEmpty)
        #expect(removed == 10)
        #expect(isEmpty)
    }

    private static func take(_ queue: inout StreamQueue, _ most: Int) -> [UInt8] {
        var taken: [UInt8] = []
        unsafe withUnsafeTemporaryAllocation(of: StreamVector.self, capacity: 64) { vectors in
            while taken.count < most {
                let count = unsafe queue.point(vectors)
                guard count > 0 else { break }
                var lot: [UInt8] = []
                for index in 0..<count {
                    let vector = unsafe vectors[index]
                    unsafe lot += UnsafeRawBufferPointer(start: vector.start, count: vector.count)
                }
                lot = Array(lot.prefix(most - taken.count))
                queue.removeFirst(lot.count)
                taken += lot
            }
        }
        return taken
    }

    private struct SystemLikeGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
    }

    @Test("families take turns, the first address's first, and nothing comes twice")
    func interleaving() throws {
        let six = (1...3).map { SocketAddress(IPAddress(v6High: 1, low: UInt64($0)), port: 1) }
        let four = (1...2).map { SocketAddress(IPAddress(v4: UInt32($0)), port: 1) }
        #expect(
            SocketAddress.interleaved(six + four + [six[0]]) == [six[0], four[0], six[1], four[1], six[2]])
        #expect(SocketAddress.interleaved(four + six) == [four[0], six[0], four[1], six[1], six[2]])
        #expect(SocketAddress.interleaved([]) == [])
        #expect(SocketAddress.interleaved(four) == four)
    }

    @Test("every counter of a stream takes part in sums")
    func counters() {
        var statistics = StreamStatistics()
        for (index, counter) in StreamStatistics.counters.enumerated() {
            statistics[keyPath: counter] = UInt64(index + 1)
        }
        let mirrored = Mirror(reflecting: statistics).children.compactMap { $0.value as? UInt64 }
        #expect(mirrored.sorted() == (1...StreamStatistics.counters.count).map(UInt64.init))
        var sum = statistics
        sum += statistics
        #expect(Mirror(reflecting: sum).children.allSatisfy { ($0.value as? UInt64 ?? 1).isMultiple(of: 2) })
        #expect(statistics.bytesDropped == 7 + 8 + 9)
    }

    @Test("errors of streams say what, with whom and why")
    func errors() {
        let peer = SocketAddress(IPAddress(v4: 0xc000_0201), port: 80)
        let reset = StreamError(.connectionReset, operation: .receive, peer: peer)
        #expect(reset.description.hasPrefix("receive from 192.0.2.1:80: "))
        let name = StreamError(.noSuchFileOrDirectory, operation: .resolve, context: "nowhere.invalid: unknown")
        #expect(name.kind == .nameNotFound)
        #expect(name.description.hasSuffix("; nowhere.invalid: unknown"))
        #expect(StreamError(.timedOut, operation: .connect, peer: peer).kind == .timedOut)
        #expect(StreamError(.connectionAbort, operation: .accept).kind == .connectionAborted)
        #expect(StreamError(.addressInUse, operation: .listen, peer: peer).description.hasPrefix("listen on 192.0.2.1"))
    }
}
