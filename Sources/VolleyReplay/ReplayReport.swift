public import VolleyCapture
public import VolleyCore
public import VolleyWire

/// What a replay did: every record accounted for, and the endpoint's own view.
public struct ReplayReport: Sendable {
    /// Whose part the protocol took.
    public let role: ReplayRole
    /// What became of the records read; the sum is their number.
    public let records: RecordAccounting
    /// What became of the UDP datagrams among them; the sum is `records[.delivered]`.
    public let datagrams: ReplayDatagrams
    /// What became of the ICMP errors among them; the sum is `records[.icmpError]`.
    public let errors: ReplayErrors
    /// What the endpoint received, sent and dropped; with several, all together.
    public let statistics: DatagramStatistics
    /// How what the protocol sent compares with what the capture shows; `nil` if that was not asked for.
    public let replies: ReplyComparison?
    /// Everything the protocol sent, in order, if ``ReplayOptions/keepsSent`` asked for it.
    public let sent: [SentDatagram]
    /// The time of the first record that has one, and the latest time of all.
    public let timeSpan: ClosedRange<WallClockTime>?
    /// How much virtual time passed, from the first record to the end of the last timer that ran.
    public let duration: Duration
    /// Records whose time is before that of an earlier one; the clock stood still for them.
    public let timestampsBackwards: Int
    /// Times between two records that were longer than ``ReplayOptions/maxGap``.
    public let gapsClamped: Int
    /// The endpoints, in the order they were made: one, unless the role was ``ReplayRole/everyServer``.
    public let endpoints: [ReplayEndpointReport]
    /// What went wrong on purpose; `nil` unless ``ReplayOptions/faults`` was set.
    public let faults: ReplayFaults?
    /// Where and why the file could not be read to its end; everything before that was replayed.
    public let damage: CaptureError?
    /// What the user has to know, one line each: nothing was delivered and why, ambiguous datagrams, evicted replies.
    public let warnings: [String]
}

/// What one endpoint of a replay did.
public struct ReplayEndpointReport: Hashable, Sendable {
    /// Its role.
    public let role: ReplayRole
    /// What it received, sent and dropped.
    public let statistics: DatagramStatistics
}

/// What became of the UDP datagrams of a capture; every one ends in exactly one of these, but ``ambiguous``, and those
/// that are ``duplicated`` in two.
public struct ReplayDatagrams: Hashable, Sendable {
    /// Received by the endpoint: ``DatagramStatistics/received`` is the same number.
    public internal(set) var received = 0
    /// Sent by the local endpoint in the capture: what replies are compared with.
    public internal(set) var captured = 0
    /// Neither to nor from the local endpoint.
    public internal(set) var elsewhere = 0
    /// To or from one of the endpoints that ``ReplayRole/everyServer`` found beyond ``ReplayOptions/endpointsMax``.
    public internal(set) var beyondEndpoints = 0
    /// For the local endpoint, but the protocol had closed it.
    public internal(set) var afterClose = 0
    /// For the local endpoint, but it was busy or had paused reading, and the receive buffer was full.
    public internal(set) var kernelDropped = 0
    /// For the local endpoint, still in the receive buffer at the end, since it never resumed reading; or delayed beyond
    /// the datagram that ended the run (``ReplayOptions/datagramsMax``).
    public internal(set) var neverRead = 0
    /// For the local endpoint, but lost by a fault on the way there.
    public internal(set) var lost = 0
    /// For the local endpoint, and doubled by a fault on the way there: each counts twice among the others.
    public internal(set) var duplicated = 0
    /// Of those for the local endpoint, the ones whose source matches the role as well: they could be its answers.
    public internal(set) var ambiguous = 0

    /// All datagrams.
    public var total: Int {
        received + captured + elsewhere + beyondEndpoints + afterClose + kernelDropped + neverRead + lost - duplicated
    }
}

/// One datagram that a protocol sent in a replay.
public struct SentDatagram: Hashable, Sendable {
    /// When, since the capture's first record.
    public let time: MonotonicInstant
    /// When, as time of day.
    public let wallClock: WallClockTime
    /// Where from: for a reply, the address its request was sent to.
    public let source: SocketAddress
    /// Where to.
    public let destination: SocketAddress
    /// The bytes.
    public let payload: [UInt8]
}
