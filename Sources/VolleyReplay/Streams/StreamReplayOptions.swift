public import VolleyCore
public import VolleyWire

/// How the TCP streams of a capture are replayed.
public struct StreamReplayOptions {
    /// A filter in the language of pcap-filter(7); records it refuses are counted and not looked at.
    public var filter: String?
    /// Whether checksums count; a segment with a bad one is counted and left out.
    ///
    /// They do not by default: captures of one's own host show mostly what the network card had still to fill in.
    public var checksums = ChecksumPolicy.ignore
    /// Whether a connection whose beginning the capture does not show is picked up where its first data is.
    ///
    /// Its first bytes may then be the middle of a message. Otherwise its segments are counted
    /// (``StreamReplaySegments/withoutBeginning``) and left out.
    public var picksUpMidstream = false
    /// What happens to a stream of which the capture lacks bytes.
    public var gaps = StreamGapPolicy.endStream
    /// How long after the receiver has acknowledged bytes which the capture lacks they are still waited for.
    ///
    /// Records need not be in order. Negative counts as zero.
    public var gapPatience = Duration.milliseconds(100)

    /// The most bytes of one direction that wait behind a gap, each segment counted with 64 bytes more.
    ///
    /// Beyond it the gap is given up. Negative counts as zero, here and below.
    public var reorderBytesMax = 4 << 20
    /// The same for all connections together.
    public var reorderBytesTotalMax = 256 << 20
    /// The most connections at a time.
    ///
    /// Beyond it the eighth part that has been idle longest is ended, first those that the capture shows to be over.
    public var connectionsMax = 65_536
    /// Bytes that wait for a protocol that has paused reading; more of them end its stream with `ENOBUFS`.
    public var receiveBufferSize = 16 << 20
    /// When writing is paused and resumed; nothing blocks in a replay.
    public var writeBufferLimits = WriteBufferLimits.stream

    /// Whether what the protocol writes is compared with what the capture shows the local side to have sent.
    public var comparesWritten = true
    /// How many bytes the one may be ahead of the other before the comparison of a connection is given up.
    public var comparedAheadMax = 16 << 20
    /// Whether ``StreamConnectionReport/written`` keeps everything the protocol writes; memory then grows with it.
    public var keepsWritten = false
    /// How many connections ``StreamReplayReport/connections`` tells of one by one.
    public var connectionReportsMax = 1_000

    /// The longest time between two records that passes on the virtual clock; `nil` for any.
    public var maxGap: Duration?
    /// How long after the last record timers still run before what is open is closed.
    ///
    /// Zero by default; negative counts as zero.
    public var drain = Duration.zero
    /// Called every 65,536 records.
    public var progress: ((ReplayProgress) -> Void)?

    /// The defaults.
    public init() {}
}

/// What happens to a stream of which the capture lacks bytes.
public struct StreamGapPolicy: Hashable, Sendable {
    private let number: Int

    /// It ends there: `connectionLost` with `ECONNABORTED`, after what came before the gap.
    public static var endStream: StreamGapPolicy { StreamGapPolicy(number: 0) }
    /// It goes on behind the gap, of which the protocol learns nothing.
    public static var goOn: StreamGapPolicy { StreamGapPolicy(number: 1) }
}
