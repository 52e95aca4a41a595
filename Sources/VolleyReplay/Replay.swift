public import VolleyCapture
public import VolleyCore

/// Runs a protocol on a capture: no socket, no thread, no waiting.
///
/// ```swift
/// let report = try Replay(capture: "queries.pcapng", as: .server(port: 53)).run { DNSResponder(zone) }
/// #expect(report.replies?.isIdentical == true)
/// ```
///
/// The protocol gets what the capture shows as sent to the endpoint of its ``ReplayRole``, at the capture's time: that is
/// its ``VirtualEventLoop``'s, whose timers run exactly between the datagrams. A datagram comes before a timer that is
/// due at the very same instant, as in a live loop. What the protocol sends is counted, compared with what the capture
/// shows as sent by the endpoint, and written or kept on request. Memory does not depend on the length of the capture.
///
/// The same capture, options and protocol give the same calls and the same bytes each time.
public struct Replay: ~Copyable {
    private var reader: CaptureReader
    /// Whose part the protocol takes.
    public let role: ReplayRole
    /// How it is replayed.
    public var options: ReplayOptions

    /// Opens a capture file, pcap or pcapng; `-` is standard input.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - role: whose part the protocol takes.
    ///   - options: how it is replayed.
    /// - Throws: ``CaptureError`` when the file cannot be opened or is no capture.
    public init(
        capture path: String, as role: ReplayRole, options: ReplayOptions = ReplayOptions()
    ) throws(CaptureError) {
        try self.init(reader: CaptureReader(path: path), as: role, options: options)
    }

    /// Takes a capture held in memory.
    ///
    /// - Parameters:
    ///   - bytes: the whole file.
    ///   - role: whose part the protocol takes.
    ///   - options: how it is replayed.
    /// - Throws: ``CaptureError`` when the bytes are no capture.
    public init(
        bytes: [UInt8], as role: ReplayRole, options: ReplayOptions = ReplayOptions()
    ) throws(CaptureError) {
        try self.init(reader: CaptureReader(bytes: bytes), as: role, options: options)
    }

    /// Takes what a reader has still to read.
    ///
    /// - Parameters:
    ///   - reader: is used up by ``run(_:)``.
    ///   - role: whose part the protocol takes.
    ///   - options: how it is replayed.
    public init(reader: consuming CaptureReader, as role: ReplayRole, options: ReplayOptions = ReplayOptions()) {
        self.reader = reader
        self.role = role
        self.options = options
    }

    /// Replays the capture from start to end.
    ///
    /// The endpoint is made at the time of the first record. After the last one, timers run for ``ReplayOptions/drain``;
    /// then the endpoint is closed and the protocol gets `connectionLost(nil)`, unless it has had it already.
    ///
    /// - Parameter makeProtocol: makes the protocol; called once for each endpoint, which is once unless the role is
    ///   ``ReplayRole/everyServer``. There an endpoint is made when its first datagram arrives.
    /// - Returns: what happened. A damaged file is no error: what comes before the damage is replayed, and
    ///   ``ReplayReport/damage`` says where it is.
    /// - Throws: ``CaptureError`` when the filter is none, or the output cannot be written.
    public consuming func run(_ makeProtocol: () -> any DatagramProtocol) throws(CaptureError) -> ReplayReport {
        var reader = reader
        var run = ReplayRun(role, options)
        return try run.run(&reader, makeProtocol)
    }
}
