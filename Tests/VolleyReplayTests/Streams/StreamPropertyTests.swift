import Testing
import VolleyCore
import VolleyWire

@testable import VolleyReplay

@Suite("Streams cut at random")
struct StreamPropertyTests {
    /// A stream in pieces of any size, some of them twice or in other cuts, in nearly any order.
    private static func shuffled(_ stream: [UInt8], _ random: inout SeededGenerator) -> [(Int, [UInt8], isEnd: Bool)] {
        var pieces: [(Int, [UInt8], isEnd: Bool)] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            var offset = 0
            while offset < stream.count {
                let end = min(stream.count, offset + Int.random(in: 1...40, using: &random))
                pieces.append((offset, Array(stream[offset..<end]), end == stream.count && Bool.random(using: &random)))
                offset = Bool.random(using: &random) ? end : max(offset + 1, end - 5)
            }
        }
        pieces.append((stream.count, [], true))
        // Far from their places, some of them.
        for index in pieces.indices {
            let reach = Int.random(in: 0...(index % 7 == 0 ? 60 : 3), using: &random)
            pieces.swapAt(index, min(pieces.count - 1, index + reach))
        }
        return pieces
    }

    @Test("random segments, twice and out of order, always make the same bytes", arguments: 0..<200 as Range<UInt64>)
    func segmentations(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 0...2_000, using: &random)
        let stream = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let start = UInt32.random(in: 0...UInt32.max, using: &random)
        let near = seed.isMultiple(of: 2) ? UInt32.max - UInt32.random(in: 0...2_000, using: &random) : start
        let capture = StreamCapture()
        try capture.add([], .syn, near)
        for (offset, bytes, isEnd) in Self.shuffled(stream, &random) {
            try capture.add(
                bytes, isEnd ? [.ack, .fin] : .ack, near &+ 1 &+ UInt32(offset), at: Int64(offset))
        }
        let (log, report) = try capture.record()
        #expect(log.received == stream)
        #expect(log.log.suffix(2).first?.hasPrefix("end") == true)
        #expect(report.received.deliveredBytes == stream.count && report.received.missingBytes == 0)
    }

    @Test("hostile segments are counted and never trap", arguments: 0..<100 as Range<UInt64>)
    func hostile(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, stream: 1)
        let capture = StreamCapture()
        let ends = [StreamCapture.client, StreamCapture.server, address("198.51.100.7:53")]
        var around = UInt32.random(in: 0...UInt32.max, using: &random)
        for _ in 0..<300 {
            if random.next() % 10 == 0 { around = UInt32.random(in: 0...UInt32.max, using: &random) }
            let sequence = around &+ UInt32.random(in: 0...64, using: &random)
            let payload = [UInt8](repeating: 1, count: Int.random(in: 0...32, using: &random))
            try capture.add(
                payload, TCPFlags(rawValue: UInt8.random(in: 0...255, using: &random) & 0x3f), sequence,
                ack: around &- UInt32.random(in: 0...64, using: &random),
                window: UInt16.random(in: 0...1, using: &random),
                from: ends[Int.random(in: 0..<3, using: &random)], to: ends[Int.random(in: 0..<3, using: &random)],
                at: Int64.random(in: 0...1_000_000_000, using: &random),
                cutting: Int.random(in: 0...(payload.count + 12), using: &random))
        }
        var options = StreamReplayOptions()
        options.picksUpMidstream = seed.isMultiple(of: 2)
        options.gaps = seed.isMultiple(of: 3) ? .endStream : .goOn
        options.connectionsMax = 2
        options.reorderBytesMax = 500
        options.receiveBufferSize = 1_000
        let report = try capture.replay(options) { StreamLog() }
        #expect(report.segments.total == 300)
        let delivered = UInt64(report.received.deliveredBytes)
        #expect(report.statistics.bytesReceived + UInt64(report.totals.untakenBytes) == delivered)
    }
}
