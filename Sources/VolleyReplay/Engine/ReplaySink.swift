import VolleyCapture
import VolleyCore

/// Where everything goes that a protocol sends in a replay: comparison, file, memory.
final class ReplaySink {
    private let loop: VirtualEventLoop
    private var matcher: ReplyMatcher?
    private var writer: CaptureWriter?
    private let keepsSent: Bool
    private(set) var sent: [SentDatagram] = []
    /// The first error of writing; nothing is written after it.
    private(set) var writeFailure: CaptureError?

    init(_ options: ReplayOptions, loop: VirtualEventLoop) {
        self.loop = loop
        matcher =
            options.comparesReplies
            ? ReplyMatcher(rules: options.replyRules, differencesMax: options.differencesMax) : nil
        writer = options.output
        keepsSent = options.keepsSent
    }

    /// Whether anybody wants to see what is sent.
    var isInterested: Bool { matcher != nil || writer != nil || keepsSent }

    /// Takes one datagram of the protocol.
    func take(_ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress) {
        let time = loop.wallClock
        matcher?.sent(
            payload, ReplyMatcher.Flow(local: source, peer: destination), time: time.nanosecondsSinceEpoch)
        if let writer {
            do throws(CaptureError) {
                try writer.writeDatagram(
                    payload, from: source, to: destination, at: time.nanosecondsSinceEpoch, direction: .outbound)
            } catch {
                writeFailure = error
                self.writer = nil
            }
        }
        if keepsSent {
            sent.append(
                SentDatagram(
                    time: loop.now, wallClock: time, source: source, destination: destination,
                    payload: Array(copying: payload)))
        }
    }

    /// Takes one datagram that the capture shows as sent by the local endpoint.
    func takeCaptured(
        _ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress, record: Int, at time: Int64,
        due: Int64
    ) {
        // By the loop's clock, which may have left out gaps of the capture's.
        matcher?.captured(
            payload, ReplyMatcher.Flow(local: source, peer: destination), record: record, time: time, due: due)
    }

    /// Whether replies were sent of which the captured ones have not come.
    var isAwaitingCaptured: Bool { matcher.map { $0.awaited > 0 } ?? false }

    /// Whether a captured reply is one that was waited for.
    func isAwaiting(_ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress) -> Bool {
        matcher?.isAwaiting(payload, ReplyMatcher.Flow(local: source, peer: destination)) ?? false
    }

    /// Takes note that a fault has lost a datagram between the two, so that no reply is to be expected for it.
    func takeLoss(local: SocketAddress, peer: SocketAddress) {
        matcher?.excuse(ReplyMatcher.Flow(local: local, peer: peer))
    }

    /// The comparison, when everything has been taken in.
    func finishComparison() -> ReplyComparison? { matcher?.finish() }

    /// Completes the file.
    func close() throws(CaptureError) {
        try writer?.close()
        if let writeFailure { throw writeFailure }
    }
}
