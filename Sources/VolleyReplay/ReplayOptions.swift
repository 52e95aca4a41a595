public import VolleyCapture
public import VolleyCore
public import VolleyWire

/// How a capture is replayed; the defaults deliver everything as it stands and compare the replies.
public struct ReplayOptions {
    /// A filter in the language of pcap-filter(7); records it refuses are counted and not looked at.
    public var filter: String?

    /// Which endpoints hear, with all details, of every ICMP and ICMPv6 error of the capture that is about a datagram of
    /// theirs (`IP_RECVERR`).
    ///
    /// The others hear what a socket of Linux hears without asking: connected ones of hard errors, with nothing but the
    /// errno, and unconnected ones of none. Path MTU discovery is taken to be on, as is Linux' default.
    public var receivesErrors = ErrorReception.off

    /// When such errors reach the protocol.
    public var errorOrder = ErrorOrder.capture

    /// What counts as delivered: all that the capture shows, by default, or only what Linux would deliver of it; whether
    /// checksums count, which tunnels are looked into, and how long fragments wait for the rest.
    ///
    /// A datagram in fragments arrives with the fragment that completes it.
    public var decoding = DecodingOptions()

    /// The most datagrams of one batch, 1…1,024: what one `recvmmsg` would bring; others are clamped.
    public var batchSize = 64

    /// Datagrams that arrive at most this long after the first of a batch join it, up to ``batchSize``; zero by default, so that
    /// only those with one and the same time stamp do.
    ///
    /// A batch is delivered at the time of its last datagram. A timer that is due before that ends it: what came before
    /// the timer is delivered before it runs. Negative counts as zero.
    public var coalescing = Duration.zero

    /// How long the endpoint is busy after each batch; zero, by default, for an endpoint that is always fast enough.
    ///
    /// What arrives meanwhile waits in the receive buffer, and makes up the next batch. What finds no room there is
    /// dropped: so a capture that is too fast for a service shows what it would lose. Negative counts as zero.
    public var turnDuration = Duration.zero

    /// The longest time between two records that passes on the virtual clock; `nil` for any.
    ///
    /// A longer one is cut to this and counted (``ReplayReport/gapsClamped``): after it the loop's time of day is behind
    /// the capture's. Time stamps that go backwards leave the clock where it is, and are counted too.
    public var maxGap: Duration?

    /// How long after the last record timers still run before the endpoint is closed.
    ///
    /// Zero by default: only those due at the last record's time do. Negative counts as zero.
    public var drain = Duration.zero

    /// Bytes the kernel would hold for an endpoint that is busy or has paused reading; Linux' default, 212,992.
    ///
    /// As in Linux, a datagram is charged more than its payload: ``receiveBufferOverhead`` bytes. What finds no room is
    /// dropped and counted in ``DatagramStatistics/kernelDrops``.
    public var receiveBufferSize = 212_992

    /// Bytes charged for each held datagram beside its payload: about what Linux charges for a small one.
    public static let receiveBufferOverhead = 768

    /// The largest IP packet that can be sent, in bytes; `nil` for the largest there are.
    ///
    /// What is larger fails with `EMSGSIZE` and this MTU, as on a socket that must not fragment (`IP_PMTUDISC_DO`).
    public var mtu: Int?

    /// How many bytes a second, IP and UDP headers included, leave the send buffer; `nil`, by default, for any number.
    ///
    /// When the buffer is full, sends block as on a slow link: they are queued, and over its limits the protocol is told
    /// to pause writing. Less than 1 counts as 1.
    public var sendRate: Int?

    /// Bytes the kernel would hold of what is sent faster than ``sendRate``; Linux' default, 212,992.
    public var sendBufferSize = 212_992

    /// What goes wrong on purpose with the datagrams that the endpoint receives and sends; `nil` for nothing.
    ///
    /// The same seed, capture and options give the same faults, and ``ReplayReport/faults`` tells them. A datagram meets
    /// them before the receive buffer on the way in, and behind the protocol, but before ``mtu`` and ``sendRate``, on the
    /// way out. What arrives has the time of its arrival on the loop's clock for its time stamp. Errors that are injected
    /// come at their time, whatever ``errorOrder`` says.
    public var faults: FaultPlan?

    /// Where what arrives after ``faults`` is written, as bare IP packets: a failing run as a test.
    ///
    /// It holds the datagrams that arrived, with a comment for each fault; the ICMP errors, of the capture or injected,
    /// that are about the endpoint's datagrams; what the capture shows as sent by the endpoint; and marks, which are
    /// packets of protocol 253, for the times of beginning and end and for the error numbers of receives and sends
    /// (``Faults/errors``). Times are those of the run's clock. Replayed in the same role, with the same options but
    /// without ``faults``, ``maxGap``, ``filter`` and ``drain``, it makes the same calls: a replay knows the marks of a
    /// capture that begins with one. What a capture cannot hold is not in it: servers of ``ReplayRole/everyServer`` whose
    /// first datagram was lost, and delays of sends, each of which ends a batch (``coalescing``). `run` closes the writer.
    public var deliveredOutput: CaptureWriter?

    /// When writing is paused and resumed, and when sends are dropped.
    public var writeBufferLimits = WriteBufferLimits.standard

    /// Whether what the protocol sends is compared with what the capture shows as sent by the local endpoint.
    public var comparesReplies = true

    /// How replies are paired with the captured ones, and in what they may differ.
    public var replyRules = ReplyRules()

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

    /// The most endpoints that ``ReplayRole/everyServer`` makes, 65,536 by default; less than 1 counts as 1.
    ///
    /// Datagrams of more are counted (``ReplayDatagrams/beyondEndpoints``) and warned of. An endpoint takes about 22 KiB
    /// beside what its protocol does, with ``batchSize`` as it is, and 4 KiB more for each datagram of its largest batch if
    /// payloads have to be kept.
    public var endpointsMax = 65_536

    /// The replay ends as if the capture did once this many datagrams were received; `nil` for no limit.
    ///
    /// Of what follows, up to ten seconds later, only the captured replies to those are taken, for the comparison.
    public var datagramsMax: Int?

    /// Called every 65,536 records.
    public var progress: ((ReplayProgress) -> Void)?

    /// The defaults.
    public init() {}

    var clampedBatchSize: Int { min(1_024, max(1, batchSize)) }
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
