internal import VolleyCore
internal import VolleyWire

/// What the sequence numbers of RTP, NetFlow (versions 5 and 9) and sFlow say about loss, for all streams of a protocol
/// together.
public struct SequenceGaps: Hashable, Sendable {
    /// The protocol's name as in ``ProtocolTraffic/name``.
    public let name: String
    /// Streams: by endpoints and RTP's synchronisation source, NetFlow's source id or engine, sFlow's agent.
    public internal(set) var streams = 0
    /// Datagrams of those streams.
    public internal(set) var datagrams = 0
    /// Numbers that never came: datagrams, for NetFlow 5 flows.
    public internal(set) var missing = 0
    /// Numbers that came after later ones.
    public internal(set) var late = 0
    /// How often a stream began anew somewhere else.
    public internal(set) var restarts = 0
}

/// The fixed header of RTP (RFC 3550), if it may be one.
struct RTPHeader {
    let sequence: UInt16
    let source: UInt32

    init?(_ payload: RawSpan) {
        guard payload.byteCount >= 12, payload.byte(at: 0) >> 6 == 2 else { return nil }
        let type = payload.byte(at: 1) & 0x7f
        guard type < 35 || type >= 96, payload.byteCount >= 12 + 4 * Int(payload.byte(at: 0) & 15) else { return nil }
        sequence = payload.bigEndian16(at: 2)
        source = payload.bigEndian32(at: 8)
    }
}

/// The streams that have sequence numbers, at most 4,096 of them.
struct SequenceTable: Sendable {
    private struct Key: Hashable {
        let kind: PayloadProtocol
        let source: SocketAddress
        let destination: SocketAddress
        let stream: UInt64

        init(_ frame: DecodedFrame, _ kind: PayloadProtocol, _ stream: UInt64) {
            self.kind = kind
            source = frame.source
            destination = frame.destination
            self.stream = stream
        }
    }

    private struct Stream {
        var next: UInt32
        var datagrams = 0
        var missing = 0
        var late = 0
        var restarts = 0
    }

    /// A datagram that may have been RTP, until the next one shows it.
    private struct Candidate {
        var next: UInt16
        /// The payload bytes of those that have come in order.
        var bytes: [Int] = []
    }

    /// How many datagrams in order show that they are RTP: any payload with two high bits may look like it.
    private static let proof = 3

    static let streamsMax = 4_096
    private var streams: [Key: Stream] = [:]
    private var candidates: [Key: Candidate] = [:]
    /// Datagrams of streams that found no room.
    private(set) var datagramsBeyond = 0

    /// Takes in a datagram of NetFlow or sFlow.
    mutating func add(_ kind: PayloadProtocol, _ payload: RawSpan, of frame: DecodedFrame) {
        let count = payload.byteCount
        if kind == .sflow, count >= 28 {
            // An agent with an IPv6 address has its numbers twelve bytes further on.
            let shift = payload.bigEndian32(at: 4) == 2 ? 12 : 0
            guard count >= 28 + shift else { return }
            // The last four bytes of the agent's address, and its sub-agent.
            let key = Key(frame, kind, payload.bigEndian64(at: 8 + shift))
            add(key, payload.bigEndian32(at: 16 + shift), numbers: 1, bits: 32)
        } else if kind == .netflow, count >= 24, payload.bigEndian16(at: 0) == 5 {
            let key = Key(frame, kind, 5 << 32 | UInt64(payload.bigEndian16(at: 20)))
            add(key, payload.bigEndian32(at: 16), numbers: UInt32(payload.bigEndian16(at: 2)), bits: 32)
        } else if kind == .netflow, count >= 20, payload.bigEndian16(at: 0) == 9 {
            add(
                Key(frame, kind, 9 << 32 | UInt64(payload.bigEndian32(at: 16))), payload.bigEndian32(at: 12),
                numbers: 1, bits: 32)
        }
    }

    /// Takes in a datagram that is RTP.
    mutating func addRTP(_ header: RTPHeader, of frame: DecodedFrame) {
        add(Key(frame, .rtp, UInt64(header.source)), UInt32(header.sequence), numbers: 1, bits: 16)
    }

    /// Takes in a datagram that nothing else was recognised in, and that may be RTP between even ports.
    ///
    /// - Returns: whether it is RTP, and the payload bytes of the datagrams before it that it shows to be RTP too.
    mutating func addCandidate(_ header: RTPHeader, of frame: DecodedFrame) -> (isRTP: Bool, before: [Int]) {
        let key = Key(frame, .rtp, UInt64(header.source))
        if streams[key] != nil {
            addRTP(header, of: frame)
            return (true, [])
        }
        // What came to nothing makes room.
        if candidates.count >= Self.streamsMax { candidates.removeAll(keepingCapacity: true) }
        var candidate = candidates[key] ?? Candidate(next: header.sequence)
        if candidate.next != header.sequence || streams.count >= Self.streamsMax { candidate.bytes = [] }
        if candidate.bytes.count + 1 == Self.proof {
            candidates[key] = nil
            for back in (0..<UInt16(Self.proof)).reversed() {
                add(key, UInt32(header.sequence &- back), numbers: 1, bits: 16)
            }
            return (true, candidate.bytes)
        }
        candidate.next = header.sequence &+ 1
        candidate.bytes.append(frame.payloadLength)
        candidates[key] = candidate
        return (false, [])
    }

    /// RFC 3550, appendix A.1: up to 3,000 numbers may be missing and up to 100 late; anything else begins anew.
    private mutating func add(_ key: Key, _ sequence: UInt32, numbers: UInt32, bits: UInt32) {
        guard streams.count < Self.streamsMax || streams[key] != nil else {
            datagramsBeyond += 1
            return
        }
        let following = bits == 16 ? (sequence &+ numbers) & 0xffff : sequence &+ numbers
        var stream = streams[key] ?? Stream(next: sequence)
        stream.datagrams += 1
        let difference = sequence &- stream.next
        // As a signed number of so many bits.
        let gap = bits == 16 ? Int(Int16(truncatingIfNeeded: difference)) : Int(Int32(bitPattern: difference))
        if -100..<0 ~= gap {
            stream.late += 1
            stream.missing = max(0, stream.missing - Int(numbers))
        } else {
            if 0...3_000 ~= gap { stream.missing += gap } else { stream.restarts += 1 }
            stream.next = following
        }
        streams[key] = stream
    }

    /// A line for each protocol.
    var gaps: [SequenceGaps] {
        var result: [SequenceGaps] = []
        for kind in [PayloadProtocol.rtp, .netflow, .sflow] {
            var gaps = SequenceGaps(name: kind.name)
            for (key, stream) in streams where key.kind == kind {
                gaps.streams += 1
                gaps.datagrams += stream.datagrams
                gaps.missing += stream.missing
                gaps.late += stream.late
                gaps.restarts += stream.restarts
            }
            if gaps.streams > 0 { result.append(gaps) }
        }
        return result
    }
}
