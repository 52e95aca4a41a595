public import VolleyCapture
public import VolleyCore

/// How a capture is replayed; the defaults deliver everything as it stands and compare the replies.
public struct ReplayOptions {
    /// A filter in the language of pcap-filter(7); records it refuses are counted and not looked at.
    public var filter: String?

    /// Datagrams that arrive at most this long after the first of a batch join it, up to 64; zero by default, so that
    /// only those with one and the same time stamp do.
    ///
    /// A batch is delivered at the time of its last datagram. A timer that is due before that ends it: what came before
    /// the timer is delivered before it runs. Negative counts as zero.
    public var coalescing = Duration.zero

    /// How long after the last record timers still run before the endpoint is closed.
    ///
    /// Zero by default: only those due at the last record's time do. Negative counts as zero.
    public var drain = Duration.zero

    /// Bytes the kernel would hold for an endpoint that has paused reading; Linux' default, 212,992, by default.
    ///
    /// As in Linux, a datagram is charged more than its payload: ``receiveBufferOverhead`` bytes. What finds no room is
    /// dropped and counted in ``DatagramStatistics/kernelDrops``.
    public var receiveBufferSize = 212_992

    /// Bytes charged for each held datagram beside its payload: about what Linux charges for a small one.
    public static let receiveBufferOverhead = 768

    /// Whether what the protocol sends is compared with what the capture shows as sent by the local endpoint.
    public var comparesReplies = true

    /// How many differences ``ReplyComparison/differences`` holds.
    public var differencesMax = 10

    /// Where what the protocol sends is written, as bare IP packets (``LinkType/rawIP``) with their virtual times.
    ///
    /// The bytes depend on nothing but the capture, the protocol and these options. `run` closes the writer.
    public var output: CaptureWriter?

    /// Whether ``ReplayReport/sent`` keeps everything the protocol sends; for tests, since memory then grows with it.
    public var keepsSent = false

    /// An onlooker of everything received and sent, such as a ``CaptureTap``.
    public var tap: (any DatagramTap)?

    /// The replay ends as if the capture did once this many datagrams were received; `nil` for no limit.
    public var datagramsMax: Int?

    /// Called every 65,536 records.
    public var progress: ((ReplayProgress) -> Void)?

    /// The defaults.
    public init() {}
}

/// How far a replay has got.
public struct ReplayProgress: Hashable, Sendable {
    /// Records read so far.
    public let records: Int
    /// Bytes of the file parsed so far.
    public let byteOffset: Int64
    /// The capture's time that has passed since its first record.
    public let elapsed: Duration
}
