public import SystemPackage

/// What an endpoint has received, sent, dropped and refused since it was made.
///
/// Nothing is lost without a counter: received datagrams are delivered or in ``undelivered``; datagrams given to the
/// transport are ``sent``, still queued, or in one of the `…Dropped` counters.
public struct DatagramStatistics: Hashable, Sendable {
    /// Datagrams received.
    public package(set) var received: UInt64 {
        get { batches.datagrams }
        set { batches.datagrams = newValue }
    }
    /// Bytes of payload received.
    public package(set) var bytesReceived: UInt64 {
        get { batches.bytes }
        set { batches.bytes = newValue }
    }
    /// Batches received: `recvmmsg` calls that brought something.
    public package(set) var receiveBatches: UInt64 {
        get { batches.count }
        set { batches.count = newValue }
    }
    /// Trains among them: messages in which the kernel gave many datagrams at once (`UDP_GRO`).
    public package(set) var trainsReceived: UInt64 = 0
    /// Received datagrams longer than their slot.
    public package(set) var truncated: UInt64 = 0
    /// Received datagrams whose metadata did not fit.
    public package(set) var controlTruncated: UInt64 = 0
    /// Received datagrams not delivered since the protocol closed or aborted in mid-batch.
    public package(set) var undelivered: UInt64 = 0
    /// Datagrams the kernel dropped since the receive buffer was full: exactly what reached the socket and was not received.
    ///
    /// The source is `SO_MEMINFO` (Linux 4.12), which also counts what a bad checksum or a socket filter cost. It is read
    /// for every snapshot, and at least every 5 seconds, so that the wrap of the kernel's 32 bits is never missed. On an
    /// endpoint with `UDP_GRO` the kernel counts a dropped train as one: this is then a lower bound.
    public package(set) var kernelDrops: UInt64 = 0

    /// Datagrams the kernel, or the world that stands for it, has taken.
    public package(set) var sent: UInt64 = 0
    /// Bytes of payload sent.
    public package(set) var bytesSent: UInt64 = 0
    /// Trains among them: messages in which the kernel took many datagrams at once (`UDP_SEGMENT`).
    public package(set) var trainsSent: UInt64 = 0
    /// Flushes that sent something.
    public package(set) var sendBatches: UInt64 = 0
    /// Times the kernel had no room for the next datagram (`EAGAIN`).
    public package(set) var sendBlocked: UInt64 = 0
    /// Datagrams that waited in the queue at some time.
    public package(set) var queued: UInt64 = 0

    /// Sends dropped: the write buffer was at its maximum.
    public package(set) var overflowDropped: UInt64 = 0
    /// Sends dropped: the kernel refused them, with an errno.
    public package(set) var failedDropped: UInt64 = 0
    /// Sends dropped: the endpoint was closing or closed.
    public package(set) var closedDropped: UInt64 = 0
    /// Sends dropped: they were queued when the endpoint was aborted.
    public package(set) var abortedDropped: UInt64 = 0
    /// Sends dropped: they had no destination, or not the connected peer's, or could never fit.
    public package(set) var refusedDropped: UInt64 = 0

    /// Errors by errno, as given to `errorReceived`.
    public package(set) var errors: [Errno: UInt64] = [:]

    /// How full the batches were: how many held 1, 2–3, 4–7, 8–15, 16–31, 32–63, and 64 or more datagrams.
    public var receiveBatchSizes: [UInt64] { (0..<ReceivedBatches.sizeClasses).map { batches.sizes[$0] } }

    @usableFromInline var batches = ReceivedBatches()

    mutating func addBatchSizes(of other: DatagramStatistics) { batches.sizes &+= other.batches.sizes }

    /// All sends that were dropped.
    public var sendsDropped: UInt64 {
        overflowDropped + failedDropped + closedDropped + abortedDropped + refusedDropped
    }

    package init() {}

    /// Counts one received batch of `count` datagrams, at least 1.
    @inlinable @inline(__always)
    package mutating func countBatch(of count: Int, bytes: Int) { batches.add(count, bytes: bytes) }
}

/// What is counted for every batch: what a loop of another module is to have in line.
@usableFromInline
struct ReceivedBatches: Hashable, Sendable {
    @usableFromInline var count: UInt64 = 0
    @usableFromInline var datagrams: UInt64 = 0
    @usableFromInline var bytes: UInt64 = 0
    // In place, so that a snapshot shares nothing with the transport that goes on counting.
    @usableFromInline var sizes = SIMD8<UInt64>(repeating: 0)
    @inlinable static var sizeClasses: Int { 7 }

    init() {}

    @inlinable @inline(__always)
    mutating func add(_ datagrams: Int, bytes: Int) {
        self.bytes &+= UInt64(truncatingIfNeeded: bytes)
        count &+= 1
        if datagrams == 1 {
            self.datagrams &+= 1
            sizes[0] &+= 1
            return
        }
        self.datagrams &+= UInt64(truncatingIfNeeded: datagrams)
        sizes[min(datagrams.bitWidth - 1 - datagrams.leadingZeroBitCount, Self.sizeClasses - 1)] &+= 1
    }
}
