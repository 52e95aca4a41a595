internal import SystemPackage
import VolleyCore

/// One end of a TCP connection as the kernel of a simulated host keeps it (RFC 9293, with the timers of RFC 6298 and the
/// congestion control of RFC 5681).
///
/// Sending is in `SimulatedConnection+Sending.swift`, receiving in `+Receiving.swift`, and what the transport sees in
/// `+World.swift`. Every segment is acknowledged at once; there is no window scaling, since windows are never cut to 16
/// bits, and no selective acknowledgement. Segments fit the path: its MTU is taken for known.
@safe
final class SimulatedConnection {
    enum Phase {
        /// A connection was asked for; no answer yet.
        case asking
        /// It was asked for and has been answered; the answer is not confirmed yet.
        case answering
        case established
        /// Over; nothing is sent or received any more.
        case gone
    }

    let host: SimulatedHost
    let local: SocketAddress
    let remote: SocketAddress
    let options: SimulatedStream.Options
    /// Its number among the host's, for an order that does not depend on hashes.
    let order: Int
    var phase: Phase

    /// The protocol's side; `nil` before it has been made and after it has let go.
    var stream: SimulatedStream?
    /// Called once: with the error if there will be no connection, else with `nil`.
    var onOutcome: ((StreamError?) -> Void)?

    // Sending; places in the stream count from 0 for the SYN, so the first byte has 1.
    /// What has been written and not been acknowledged, from ``acknowledged`` on.
    var sendBuffer: [UInt8] = []
    /// The first place the peer has not acknowledged.
    var acknowledged: Int64 = 0
    /// The next place to be sent.
    var next: Int64 = 0
    /// The farthest place sent so far.
    var sentMax: Int64 = 0
    /// Whether this side is to end behind what is written.
    var isEndWanted = false
    var peerWindow = 65_535
    var congestionWindow = 0
    var slowStartThreshold = Int.max
    var repeatedAcknowledgements = 0
    var timeout: Int64 = 1_000_000_000
    var timeoutCount = 0
    var timer: ScheduledCall?
    /// The place whose acknowledgement is timed, and when it was sent; none while something is sent again.
    var timed: (place: Int64, time: Int64)?
    var smoothedRoundTrip: Int64 = 0
    var roundTripVariation: Int64 = 0

    // Receiving.
    /// What has arrived in order and has not been read.
    var received: [UInt8] = []
    var readOffset = 0
    /// The next place that is expected.
    var expected: Int64 = 0
    /// What has arrived out of order, by its first place.
    var early: [Int64: [UInt8]] = [:]
    var earlyBytes = 0
    /// The place of the peer's FIN, when it is known.
    var peerEnd: Int64?
    /// What the stream failed with, until it has been read.
    var failure: Errno?
    /// The window the peer was told last.
    var toldWindow = 0

    // The transport.
    let receiveMemory: UnsafeMutableRawBufferPointer
    var isReading = false
    var isAwaitingWritable = false
    var isReadScheduled = false
    var isWriteScheduled = false

    init(
        _ host: SimulatedHost, local: SocketAddress, remote: SocketAddress, options: SimulatedStream.Options,
        order: Int, phase: Phase
    ) {
        self.host = host
        self.order = order
        self.local = local
        self.remote = remote
        self.options = options
        self.phase = phase
        // SAFETY: freed in deinit; the transport reads into it only while this is its world.
        unsafe receiveMemory = .allocate(byteCount: 65_536, alignment: 16)
        congestionWindow = 10 * segmentMax
    }

    deinit { unsafe receiveMemory.deallocate() }

    /// The most payload of one segment.
    var segmentMax: Int {
        let size = host.packetSizeMax(to: remote.ip)
        return max(1, min(size, 65_535) - (remote.family == .ipv6 ? 40 : 20) - StreamSegment.headerLength)
    }

    var now: Int64 { host.simulation.loop.now.nanoseconds }

    /// Whether everything the peer can send has arrived.
    var hasReceivedEnd: Bool { peerEnd.map { expected > $0 } ?? false }

    /// Whether the peer has acknowledged our FIN.
    var isEndAcknowledged = false

    /// Ends it at once: with an errno, the protocol hears of it.
    func fail(_ errno: Errno) {
        guard phase != .gone else { return }
        leave()
        if let outcome = onOutcome {
            onOutcome = nil
            outcome(StreamError(errno, operation: .connect, peer: remote))
            return
        }
        failure = errno
        wakeReader()
        wakeWriter()
    }

    /// Leaves the host.
    func leave() {
        phase = .gone
        timer?.cancel()
        timer = nil
        host.remove(self)
    }

    /// Leaves when both sides have ended and all is acknowledged, after a while in which the peer may still ask.
    func leaveIfDone() {
        guard phase == .established, isEndAcknowledged, hasReceivedEnd, timer == nil else { return }
        // TIME_WAIT, as long as Linux has it: the last acknowledgement may be lost.
        timer = host.simulation.loop.callAt(MonotonicInstant(nanoseconds: now + 60_000_000_000)) { [weak self] in
            self?.timer = nil
            self?.leave()
        }
    }
}
