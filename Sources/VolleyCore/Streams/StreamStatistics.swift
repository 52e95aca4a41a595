/// What a stream has read, written and dropped since it was opened.
///
/// Nothing is lost without a counter: bytes given to the transport are sent, still queued, or in one of the `…Dropped`
/// counters.
public struct StreamStatistics: Hashable, Sendable {
    /// Bytes received.
    public package(set) var bytesReceived: UInt64 = 0
    /// Reads that brought something.
    public package(set) var reads: UInt64 = 0
    /// Bytes the kernel, or the world that stands for it, has taken.
    public package(set) var bytesSent: UInt64 = 0
    /// System calls that sent something.
    public package(set) var writes: UInt64 = 0
    /// Times the kernel had no room for all there was to send.
    public package(set) var writesBlocked: UInt64 = 0
    /// Bytes that waited in the write buffer at some time.
    public package(set) var bytesQueued: UInt64 = 0

    /// Bytes dropped: written when the stream was closing or closed, or after `writeEOF`.
    public package(set) var closedDropped: UInt64 = 0
    /// Bytes dropped: queued when the stream was aborted.
    public package(set) var abortedDropped: UInt64 = 0
    /// Bytes dropped: queued, or being written, when the stream failed.
    public package(set) var failedDropped: UInt64 = 0

    /// All bytes that were written and dropped.
    public var bytesDropped: UInt64 { closedDropped &+ abortedDropped &+ failedDropped }

    package init() {}

    /// Adds the counters of another stream, as for a total over the connections of a server.
    public static func += (left: inout StreamStatistics, right: StreamStatistics) {
        for counter in counters { left[keyPath: counter] &+= right[keyPath: counter] }
    }

    /// Every counter; a test holds this list to be complete.
    static var counters: [WritableKeyPath<StreamStatistics, UInt64>] {
        [
            \.bytesReceived, \.reads, \.bytesSent, \.writes, \.writesBlocked, \.bytesQueued, \.closedDropped,
            \.abortedDropped, \.failedDropped,
        ]
    }
}
