public import SystemPackage
internal import Synchronization
public import VolleyCore
import VolleyWire

/// Records what an endpoint receives and sends, without privileges and without changing anything.
///
/// ```swift
/// let tap = try CaptureTap(path: "echo.pcapng")
/// // … bind an endpoint with the tap as an option, serve, close …
/// try tap.close()
/// ```
///
/// The file is pcapng of bare IP packets (``LinkType/rawIP``) with the time of day in nanoseconds; what was received is
/// marked inbound, what was sent outbound, and what was to be sent and was dropped is outbound with a comment that says
/// why. Replayed in the role of the endpoint, it delivers the same datagrams, and a protocol that depends on nothing else
/// sends the same replies. Where an endpoint is bound to all addresses and does not know which one a datagram came to,
/// the file says 0.0.0.0 or `::`.
///
/// ``Options`` make it go on in a new file each time one is full, record a part of the datagrams, or, as a flight
/// recorder, keep the last of them in memory until ``dump(to:)`` is called.
///
/// What is recorded is in the file after a second at the latest, since live loops call ``flush()`` that often, and wholly
/// after ``close()``. Safe to use from several loops at once: each datagram is written whole. An error of writing ends
/// the recording, not the service: it is told to ``Options/onFailure`` at once, and kept for ``close()``.
public final class CaptureTap: DatagramTap {
    /// How a tap records; the standard is all datagrams into one file.
    public struct Options: Sendable {
        /// When to go on in a new file.
        public var rotation: CaptureRotation?
        /// Which datagrams to record.
        public var sampling = CaptureSampling.all
        /// Called once, with the first error of writing, by the thread that has met it: a loop's.
        public var onFailure: (@Sendable (CaptureError) -> Void)?

        /// All datagrams, into one file.
        public init() {}
    }

    private let recorder: Mutex<TapRecorder>
    private let onFailure: (@Sendable (CaptureError) -> Void)?

    /// Records into a new file; an existing one is emptied; `-` is standard output.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - options: how to record.
    /// - Throws: ``CaptureError`` when the file cannot be created.
    public init(path: String, options: Options = Options()) throws(CaptureError) {
        let interface = CaptureInterfaceDescription(linkType: .rawIP)
        let series = try CaptureSeries(path: path, interface: interface, rotation: options.rotation)
        recorder = Mutex(TapRecorder(.files(series), options.sampling))
        onFailure = options.onFailure
    }

    /// Records into memory, for ``bytes``.
    ///
    /// - Parameter sampling: which datagrams to record.
    public init(sampling: CaptureSampling = .all) {
        recorder = Mutex(TapRecorder(.memory(CaptureWriter(inMemory: .pcapng)), sampling))
        onFailure = nil
    }

    /// Keeps the last datagrams in memory, for ``dump(to:)``: a flight recorder.
    ///
    /// - Parameters:
    ///   - span: datagrams this much earlier than the latest one are dropped; `nil` drops none for its age.
    ///   - bytesMax: the most memory for datagrams; the earliest are dropped for later ones, 64 KiB at a time. At least
    ///     1 MiB is taken.
    ///   - sampling: which datagrams to keep.
    public init(keepingLast span: Duration?, bytesMax: Int = 64 << 20, sampling: CaptureSampling = .all) {
        let limits = FlightRecorder.Limits(span: span, bytesMax: max(bytesMax, 1 << 20))
        recorder = Mutex(TapRecorder(.flight(FlightRecorder(limits, linkType: .rawIP)), sampling))
        onFailure = nil
    }

    /// How many datagrams were recorded, those dropped instead of sent included.
    ///
    /// After an error of writing, those that were still in a buffer do not count.
    public var written: Int { recorder.withLock { $0.written } }

    /// How many could not be recorded: after an error of writing, or since no packet can hold them.
    public var failed: Int { recorder.withLock { $0.failed } }

    /// The recording, if it is in memory as a whole; empty otherwise.
    public var bytes: [UInt8] { recorder.withLock { $0.bytes } }

    /// The files completed so far that are kept, the oldest first.
    public var files: [String] { recorder.withLock { $0.files } }

    /// Writes what a flight recorder holds into a new file; it goes on recording.
    ///
    /// Safe to call from any thread; loops that record wait for no more than a look at the memory.
    ///
    /// - Parameter path: the file; an existing one is replaced.
    /// - Returns: the number of datagrams written; always 0 for a tap that is no flight recorder.
    /// - Throws: ``CaptureError`` when the file cannot be written.
    @discardableResult
    public func dump(to path: String) throws(CaptureError) -> Int {
        guard let snapshot = recorder.withLock({ $0.snapshot() }) else { return 0 }
        return try snapshot.write(to: path, linkType: .rawIP)
    }

    /// Writes what is buffered.
    public func flush() { withRecorder { $0.flush() } }

    /// Completes the file; a second call does nothing.
    ///
    /// What comes later counts as failed.
    ///
    /// - Throws: the first ``CaptureError`` of the recording; the file is not whole then.
    public func close() throws(CaptureError) {
        let failure = recorder.withLock { $0.close() }
        if let failure { throw failure }
    }

    /// Records a datagram the endpoint has received.
    public func received(
        _ payload: RawSpan, from source: SocketAddress, to local: SocketAddress, at time: WallClockTime
    ) {
        withRecorder { $0.record(payload, from: source, to: local, at: time, .inbound) }
    }

    /// Records a datagram the endpoint has sent.
    public func sent(
        _ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime
    ) {
        withRecorder { $0.record(payload, from: local, to: destination, at: time, .outbound) }
    }

    /// Records a datagram that was dropped instead of sent, with the reason as a comment: `not sent: …`.
    public func refused(
        _ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime,
        because errno: Errno
    ) {
        withRecorder {
            $0.record(
                payload, from: local, to: destination, at: time, .outbound,
                comment: "not sent: \(errno) (errno \(errno.rawValue))")
        }
    }

    /// Tells of a failure the first time, with the lock open, so that whoever hears of it may ask back.
    private func withRecorder(_ body: (inout TapRecorder) -> CaptureError?) {
        if let failure = recorder.withLock({ body(&$0) }) { onFailure?(failure) }
    }
}
