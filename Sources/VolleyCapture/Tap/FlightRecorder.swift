import VolleyWire

/// The last packets of a recording, in memory, for when it turns out that they matter.
///
/// Packets are kept in pcapng already, in pieces of 64 KiB, and dropped by the piece. Not thread-safe.
final class FlightRecorder {
    /// What is kept.
    struct Limits: Hashable, Sendable {
        /// Packets this much earlier than the latest one are dropped.
        var span: Duration?
        /// The most bytes kept, to the piece.
        var bytesMax: Int
    }

    private static let pieceLength = 64 * 1024

    private struct Piece {
        let writer: CaptureWriter
        var lastTime: Int64
    }

    private let interface: CaptureInterfaceDescription
    private let spanNanoseconds: Int64?
    private let bytesMax: Int
    private var pieces: [Piece] = []
    private var latest: Int64 = .min
    private let headerLength: Int

    init(_ limits: Limits, linkType: LinkType) {
        interface = CaptureInterfaceDescription(linkType: linkType)
        bytesMax = limits.bytesMax
        spanNanoseconds = limits.span.map { span in
            let (seconds, attoseconds) = span.components
            let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            return overflow ? .max : max(0, whole) + attoseconds / 1_000_000_000
        }
        headerLength = CaptureWriter(inMemory: .pcapng, linkType: linkType).bytes.count
    }

    /// What to write the next packet to.
    func writer(at time: Int64) -> CaptureWriter {
        latest = max(latest, time)
        if let last = pieces.last, last.writer.byteCount < Self.pieceLength {
            pieces[pieces.count - 1].lastTime = max(last.lastTime, time)
            return last.writer
        }
        dropOld()
        let writer = CaptureWriter(inMemory: .pcapng, linkType: interface.linkType)
        pieces.append(Piece(writer: writer, lastTime: time))
        return writer
    }

    private func dropOld() {
        var total = pieces.reduce(0) { $0 + Int($1.writer.byteCount) }
        let kept = pieces.firstIndex { piece in
            if piece.lastTime >= cutoff, total + Self.pieceLength <= bytesMax { return true }
            total -= Int(piece.writer.byteCount)
            return false
        }
        pieces.removeFirst(kept ?? pieces.count)
    }

    /// The earliest time that is kept.
    private var cutoff: Int64 {
        guard let spanNanoseconds else { return .min }
        let (time, overflow) = latest.subtractingReportingOverflow(spanNanoseconds)
        return overflow ? .min : time
    }

    /// What is kept, without copying it.
    func snapshot() -> Snapshot {
        Snapshot(pieces: pieces.map(\.writer.bytes), headerLength: headerLength, cutoff: cutoff)
    }

    /// What a recorder held at one moment.
    struct Snapshot {
        fileprivate let pieces: [[UInt8]]
        fileprivate let headerLength: Int
        fileprivate let cutoff: Int64

        /// Writes a pcapng file of the packets kept, and returns their number.
        func write(to path: String, linkType: LinkType) throws(CaptureError) -> Int {
            let file = try CaptureWriter(path: path, linkType: linkType)
            var packets = 0
            for piece in pieces {
                var start = headerLength
                while start < piece.count {
                    // Blocks of our own writer: type, length, interface, and the two halves of the time.
                    let length = Int(FlightRecorder.word(at: start + 4, in: piece))
                    let high = UInt64(FlightRecorder.word(at: start + 12, in: piece))
                    let time = high << 32 | UInt64(FlightRecorder.word(at: start + 16, in: piece))
                    if Int64(bitPattern: time) >= cutoff {
                        try file.appendBlock(piece[start..<start + length])
                        packets += 1
                    }
                    start += length
                }
            }
            try file.close()
            return packets
        }
    }

    private static func word(at offset: Int, in bytes: [UInt8]) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
    }
}
