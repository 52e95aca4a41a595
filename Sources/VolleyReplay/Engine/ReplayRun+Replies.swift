import VolleyCapture
import VolleyCore
import VolleyWire

/// After the last datagram of a limited run: the captured replies to what was delivered.
extension ReplayRun {
    /// How long after the last datagram replies are looked for, by the capture's clock: ten seconds.
    private static var replyTime: Int64 { 10_000_000_000 }

    /// Reads on for captured replies as long as the endpoint has sent some that have no partner yet.
    ///
    /// Nothing is delivered any more, and of what is read nothing is counted but the pairs: it is behind the end.
    @inline(never)
    mutating func takeRepliesAfterEnd(_ reader: inout CaptureReader) {
        guard sink.isAwaitingCaptured, clock.span != nil else { return }
        var (clock, decoder) = (clock, RecordDecoder(options.decoding))
        let last = clock.instant.addingClamped(Self.replyTime)
        // The run is over: that the file is damaged behind it is none of its concern.
        let filter = try? options.filter.map { expression in try CaptureFilter(expression) }
        guard filter != nil || options.filter == nil else { return }
        while sink.isAwaitingCaptured, let record = try? reader.next() {
            if record.hasTimestamp { clock.take(record.timestampNanoseconds, loop) }
            guard clock.instant <= last else { return }
            let (length, linkType) = (record.originalLength, record.linkType)
            if let filter, (try? filter.matches(record.bytes, originalLength: length, linkType: linkType)) != true {
                continue
            }
            let frame = decoder.decode(
                record.bytes, originalLength: length, linkType: linkType, at: record.timestampNanoseconds)
            guard frame.isDelivered, isReply(from: frame.source, to: frame.destination) else { continue }
            let payload = decoder.payload(of: frame, in: record.bytes)
            guard sink.isAwaiting(RawSpan(payload.span), from: frame.source, to: frame.destination) else { continue }
            sink.takeCaptured(
                RawSpan(payload.span), from: frame.source, to: frame.destination, record: record.number,
                at: record.timestampNanoseconds, due: loop.wallClock(at: clock.instant))
        }
    }

    private func isReply(from source: SocketAddress, to destination: SocketAddress) -> Bool {
        if role.isEveryServer { return true }
        return role.isLocal(source) && role.accepts(destination) && !role.takes(from: source, to: destination)
    }
}
