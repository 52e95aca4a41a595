/// What became of the segments of one direction of a TCP connection, and of the bytes in them.
///
/// Every captured byte of payload ends in exactly one of the counters whose sum ``bytes`` is.
public struct StreamReassemblyCounts: Hashable, Sendable {
    /// Segments, with payload or without.
    public internal(set) var segments = 0
    /// Bytes of payload captured.
    public internal(set) var bytes = 0

    /// Bytes that came to their place in the stream.
    public internal(set) var deliveredBytes = 0
    /// Bytes of segments that bring nothing new.
    public internal(set) var retransmittedBytes = 0
    /// Bytes already there, of segments that bring something new as well.
    public internal(set) var overlappingBytes = 0
    /// Bytes before the place where a connection was picked up (``StreamReplayOptions/picksUpMidstream``).
    public internal(set) var earlierBytes = 0
    /// Bytes behind the end of the stream, or too far ahead for any window.
    public internal(set) var strayBytes = 0
    /// Bytes that wait for others before them.
    public internal(set) var waitingBytes = 0

    /// Segments that bring nothing new.
    public internal(set) var retransmissions = 0
    /// Segments that bring something new and something already there.
    public internal(set) var overlaps = 0
    /// Segments that came before others they belong behind.
    public internal(set) var outOfOrder = 0
    /// Segments that only keep the connection alive (RFC 9293, 3.8.4), or probe a closed window as Linux does: no byte or
    /// one, at the place before the next.
    public internal(set) var keepAlives = 0
    /// Segments of one byte sent into a closed window.
    public internal(set) var windowProbes = 0
    /// Segments with payload or an end too far ahead for any window (2^30 bytes, RFC 7323).
    public internal(set) var outOfWindow = 0
    /// Records that were cut short within the payload.
    public internal(set) var cut = 0
    /// Places where bytes are missing.
    public internal(set) var gaps = 0
    /// Bytes that are missing there.
    public internal(set) var missingBytes: Int64 = 0

    /// Nothing yet.
    init() {}

    /// Adds the counters of another direction.
    static func += (left: inout Self, right: Self) {
        for counter in counters { left[keyPath: counter] &+= right[keyPath: counter] }
        left.missingBytes &+= right.missingBytes
    }

    /// Every counter but that of the missing bytes; a test holds this list to be complete.
    static var counters: [WritableKeyPath<Self, Int>] {
        [
            \.segments, \.bytes, \.deliveredBytes, \.retransmittedBytes, \.overlappingBytes, \.earlierBytes,
            \.strayBytes, \.waitingBytes, \.retransmissions, \.overlaps, \.outOfOrder, \.keepAlives, \.windowProbes,
            \.outOfWindow, \.cut, \.gaps,
        ]
    }

    /// Whether every byte is accounted for.
    var isBalanced: Bool {
        bytes == deliveredBytes + retransmittedBytes + overlappingBytes + earlierBytes + strayBytes + waitingBytes
    }
}
