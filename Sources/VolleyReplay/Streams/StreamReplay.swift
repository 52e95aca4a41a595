public import VolleyCapture
public import VolleyCore

/// Runs stream protocols on the TCP connections of a capture: no socket, no thread, no waiting.
///
/// ```swift
/// let report = try StreamReplay(capture: "queries.pcapng", as: .server(port: 53)).run { DNSConnection(zone) }
/// #expect(report.totals.identical == report.totals.compared)
/// ```
///
/// For every connection of the local side of its ``ReplayRole`` a protocol is made, plain or buffered, when the capture
/// shows the first SYN (or, on request, the first data of a connection that had begun before). It receives what the peer
/// sent, put together from the segments in order, at the capture's time; `eofReceived` comes at the peer's FIN,
/// `connectionLost` with `ECONNRESET` at its reset, and with `nil` when the protocol has closed or everything is over.
/// What the capture lacks is counted, and ends the stream unless ``StreamReplayOptions/gaps`` says otherwise.
///
/// The peer is not there to answer: it sends what it sent. So what the protocol writes never blocks; it is counted, compared
/// byte for byte with what the local side sent in the capture, and kept on request. Bytes for a protocol that has paused
/// reading wait for it.
///
/// The same capture, options and protocols give the same calls each time. Memory depends on how many connections there
/// are at a time and on how much is out of order, not on the length of the capture.
public struct StreamReplay: ~Copyable {
    private var reader: CaptureReader
    /// Whose part the protocols take.
    public let role: ReplayRole
    /// How it is replayed.
    public var options: StreamReplayOptions

    /// Opens a capture file, pcap or pcapng; `-` is standard input.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - role: whose part the protocols take; of connections that match with both ends, that of who did not begin.
    ///   - options: how it is replayed.
    /// - Throws: ``CaptureError`` when the file cannot be opened or is no capture.
    public init(
        capture path: String, as role: ReplayRole, options: StreamReplayOptions = StreamReplayOptions()
    ) throws(CaptureError) {
        try self.init(reader: CaptureReader(path: path), as: role, options: options)
    }

    /// Takes a capture held in memory.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - role: whose part the protocols take.
    ///   - options: how it is replayed.
    /// - Throws: ``CaptureError`` when the bytes are no capture.
    public init(
        bytes: [UInt8], as role: ReplayRole, options: StreamReplayOptions = StreamReplayOptions()
    ) throws(CaptureError) {
        try self.init(reader: CaptureReader(bytes: bytes), as: role, options: options)
    }

    /// Takes what a reader has still to read.
    ///
    /// - Parameters:
    ///   - reader: is used up by ``run(_:)``.
    ///   - role: whose part the protocols take.
    ///   - options: how it is replayed.
    public init(
        reader: consuming CaptureReader, as role: ReplayRole, options: StreamReplayOptions = StreamReplayOptions()
    ) {
        self.reader = reader
        self.role = role
        self.options = options
    }

    /// Replays the capture from start to end.
    ///
    /// After the last record bytes behind gaps are dealt with, timers run for ``StreamReplayOptions/drain``, and what is
    /// open then is closed with `connectionLost(nil)`.
    ///
    /// - Parameter makeProtocol: makes the protocol of a connection, a `StreamProtocol` or a `BufferedStreamProtocol`.
    /// - Returns: what happened. A damaged file is no error: what comes before the damage is replayed, and
    ///   ``StreamReplayReport/damage`` says where it is.
    /// - Throws: ``CaptureError`` when the filter is none.
    public consuming func run(
        _ makeProtocol: () -> any BaseStreamProtocol
    ) throws(CaptureError) -> StreamReplayReport {
        var reader = reader
        var run = StreamReplayRun(role, options)
        return try run.run(&reader, makeProtocol)
    }
}
