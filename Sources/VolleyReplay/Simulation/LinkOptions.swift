/// What one direction of a path between two hosts is like.
///
/// The defaults are a path of one millisecond that carries everything.
public struct LinkOptions {
    /// How long a datagram is on its way, beside ``jitter`` and what ``bandwidth`` takes.
    public var latency: Duration = .milliseconds(1)
    /// What comes on top of the latency, for each datagram anew.
    public var jitter = DelayDistribution.none
    /// Whether jitter lets datagrams overtake each other; without, a late one holds up those behind it.
    ///
    /// Faults of reordering and delay overtake in any case.
    public var jitterReorders = true
    /// Bits per second, of whole IP packets; `nil` for a path without limit, and less than 1 counts as 1.
    public var bandwidth: Int?
    /// How many packets may wait for their transmission, that under way included; others are dropped and counted.
    ///
    /// Only a path with a ``bandwidth`` has such a queue.
    public var queuePackets = 1_000
    /// How many bytes may wait likewise.
    public var queueBytes = Int.max
    /// The largest IP packet that the sender's interface takes, in bytes; less than 576 (IPv6: 1,280) counts as that.
    ///
    /// A larger datagram is sent in fragments, or refused with `EMSGSIZE`: ``SimulatedEndpoint/Options/fragments``. Each
    /// fragment takes its own transmission and can be lost by itself; one lost is the datagram lost.
    public var mtu = 1_500
    /// The largest IP packet that the whole path takes, where that is less than ``mtu``; the sender does not know it.
    ///
    /// Less than 576 (IPv6: 1,280) counts as that.
    ///
    /// A larger packet is dropped, and an ICMP "fragmentation needed" or ICMPv6 "packet too big" tells the sending host,
    /// which keeps to it from then on.
    public var pathMTU: Int?
    /// What goes wrong; loss, bursts and so on of ``Faults``, without its error numbers.
    ///
    /// ICMP errors on their way meet loss and delay only.
    public var faults: Faults?

    /// The defaults.
    public init() {}

    /// A path of some latency and loss.
    public init(latency: Duration, loss: Double = 0) {
        self.latency = latency
        if loss > 0 { faults = .loss(loss) }
    }
}

/// What a link has carried and lost.
public struct LinkStatistics: Hashable, Sendable {
    /// Datagrams and ICMP errors that were given to the link.
    public internal(set) var offered = 0
    /// Those that came out at the other end; more than were offered when faults have doubled some.
    public internal(set) var delivered = 0
    /// Bytes of IP packets that were transmitted, headers and fragments included.
    public internal(set) var bytes = 0
    /// Lost by faults.
    public internal(set) var lost = 0
    /// Dropped since the queue was full.
    public internal(set) var queueDropped = 0
    /// Dropped while the link was cut.
    public internal(set) var cutDropped = 0
    /// Dropped since they were larger than the path's MTU.
    public internal(set) var tooBig = 0
    /// Datagrams that were sent in fragments.
    public internal(set) var fragmented = 0
    /// The most packets that waited for transmission at one time.
    public internal(set) var queuePacketsMax = 0
}
