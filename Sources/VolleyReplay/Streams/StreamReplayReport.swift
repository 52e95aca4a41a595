public import VolleyCapture
public import VolleyCore
public import VolleyWire

/// What a replay of TCP streams did.
public struct StreamReplayReport: Sendable {
    /// Whose part the protocols took.
    public let role: ReplayRole
    /// What became of the records read, TCP being ``RecordClass/notUDP``; the sum is their number.
    public let records: RecordAccounting
    /// What became of the TCP segments among them.
    public let segments: StreamReplaySegments
    /// How the connections began and ended.
    public let totals: StreamReplayTotals
    /// What was put together for the protocols, all connections added up.
    public let received: StreamReassemblyCounts
    /// What the local side sent in the capture.
    public let captured: StreamReassemblyCounts
    /// What the protocols read and wrote.
    public let statistics: StreamStatistics
    /// The connections in the order in which they began, the first ``StreamReplayOptions/connectionReportsMax`` of them.
    public let connections: [StreamConnectionReport]
    /// The time of the first record that has one, and the latest time of all.
    public let timeSpan: ClosedRange<WallClockTime>?
    /// How much virtual time passed.
    public let duration: Duration
    /// Records whose time is before that of an earlier one; the clock stood still for them.
    public let timestampsBackwards: Int
    /// Times between two records that were longer than ``StreamReplayOptions/maxGap``.
    public let gapsClamped: Int
    /// Where and why the file could not be read to its end; everything before that was replayed.
    public let damage: CaptureError?
    /// What the user has to know, one line each.
    public let warnings: [String]
}

/// What became of the TCP segments of a capture; every one ends in exactly one of these.
public struct StreamReplaySegments: Hashable, Sendable {
    /// Sent to the local side of a connection.
    public internal(set) var received = 0
    /// Sent by the local side of a connection.
    public internal(set) var captured = 0
    /// Neither to nor from the local side.
    public internal(set) var elsewhere = 0
    /// Of connections whose beginning the capture does not show.
    public internal(set) var withoutBeginning = 0
    /// In IP fragments, which are not put together.
    public internal(set) var fragments = 0
    /// With a header that was not captured whole.
    public internal(set) var cut = 0
    /// With a broken header.
    public internal(set) var malformed = 0
    /// With a bad checksum, if that counts.
    public internal(set) var badChecksum = 0

    /// All segments.
    public var total: Int {
        received + captured + elsewhere + withoutBeginning + fragments + cut + malformed + badChecksum
    }

    mutating func count(_ refusal: TCPRefusal) {
        switch refusal {
        case .fragment: fragments += 1
        case .cut: cut += 1
        case .headerLength: malformed += 1
        case .badChecksum: badChecksum += 1
        default: break
        }
    }
}

/// How the connections of a replay began and ended, and how what was written compares.
public struct StreamReplayTotals: Hashable, Sendable {
    /// Connections that a protocol was made for.
    public internal(set) var connections = 0
    /// Of these, picked up without their beginning.
    public internal(set) var midstream = 0
    /// Ended by both sides, as the capture shows.
    public internal(set) var closed = 0
    /// Reset by the peer.
    public internal(set) var resetByPeer = 0
    /// Reset by the local side.
    public internal(set) var resetByLocal = 0
    /// Still open when the capture ended, or when another connection took the same addresses.
    public internal(set) var incomplete = 0
    /// Of the incomplete, those given up for want of room (``StreamReplayOptions/connectionsMax``).
    public internal(set) var evicted = 0
    /// Resets that were none, since their sequence number is old or far off.
    public internal(set) var resetsIgnored = 0
    /// Bytes for protocols that had closed, or whose stream had ended for a gap or want of room.
    public internal(set) var untakenBytes = 0
    /// Connections whose writes were compared.
    public internal(set) var compared = 0
    /// Of these, identical to the capture, byte for byte.
    public internal(set) var identical = 0
    /// Of these, with a first difference.
    public internal(set) var different = 0
    /// Bytes the capture shows and the protocols did not write; 0 after a difference.
    public internal(set) var missingBytes: Int64 = 0
    /// Bytes the protocols wrote and the capture does not show; 0 after a difference.
    public internal(set) var extraBytes: Int64 = 0
}

/// What one connection of a replay did.
public struct StreamConnectionReport: Sendable {
    /// Which it is, from 1, in the order in which they began.
    public let number: Int
    /// The side the protocol took.
    public let local: SocketAddress
    /// The other side.
    public let peer: SocketAddress
    /// When it began, since the capture's first record.
    public let start: MonotonicInstant
    /// Whether the capture shows its beginning.
    public let hasBeginning: Bool
    /// How the capture shows it to end.
    public let ending: StreamEnding
    /// What was put together for the protocol.
    public let received: StreamReassemblyCounts
    /// What the local side sent in the capture.
    public let captured: StreamReassemblyCounts
    /// What the protocol read and wrote.
    public let statistics: StreamStatistics
    /// The most bytes that ever waited to be read.
    public let waitingPeak: Int
    /// How what it wrote compares with the capture; `nil` if that was not asked for.
    public let comparison: StreamComparison?
    /// Everything the protocol wrote, if ``StreamReplayOptions/keepsWritten`` asked for it.
    public let written: [UInt8]
    /// Whether the protocol ended its side.
    public let hasWrittenEnd: Bool
}

/// How a capture shows a connection to end.
public struct StreamEnding: Hashable, Sendable, CustomStringConvertible {
    /// One word for reports: `closed`, `reset by peer`.
    public let description: String

    /// Both sides ended their streams.
    public static var closed: StreamEnding { StreamEnding(description: "closed") }
    /// The peer reset it.
    public static var resetByPeer: StreamEnding { StreamEnding(description: "reset by peer") }
    /// The local side reset it.
    public static var resetByLocal: StreamEnding { StreamEnding(description: "reset by local side") }
    /// It does not.
    public static var incomplete: StreamEnding { StreamEnding(description: "incomplete") }
}
