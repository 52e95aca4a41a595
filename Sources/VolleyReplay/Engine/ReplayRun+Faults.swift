import VolleyCore

/// A run with faults: datagrams are offered to a stage, and what comes out of it is received in their place.
///
/// All of it lies on the way of records that take ``RecordDecoder``: one without faults never asks for them. It is out of
/// line, so that the other way stays as it is.
extension ReplayRun {
    /// Before a record is taken: what has arrived until then, and the timers that were due.
    @inline(never)
    mutating func takeArrivals() {
        faults?.markBeginning(loop)
        takeArrivals(through: clock.instant)
        moveTime(to: clock.instant)
        faults?.write(before: loop.wallClock(at: gatheredTime ?? clock.instant))
    }

    /// Prepares for what the capture of an earlier run says of its errors, if the first record begins one.
    @inline(never)
    mutating func expectMarks(_ bytes: RawSpan, linkType: LinkType) {
        guard linkType == .rawIP, DeliveredMark(bytes)?.kind == .beginning else { return }
        faults = RunFaults.makeForMarks(options)
        decoder = decoder ?? RecordDecoder(options.decoding)
    }

    /// Takes a record that may be a mark.
    @inline(never)
    mutating func takeMark(_ frame: DecodedFrame, in bytes: RawSpan) {
        guard frame.ipOffset <= bytes.byteCount, let mark = DeliveredMark(bytes.extracting(frame.ipOffset...)) else {
            return
        }
        let time = clock.instant
        if let error = faults?.take(mark, at: loop.wallClock(at: time)) { fail(error, at: time) }
    }

    /// Offers a datagram for the endpoint, and takes what arrives at once.
    @inline(never)
    mutating func offer(_ payload: RawSpan, from source: SocketAddress, to destination: SocketAddress) {
        let lost = faults?.stage.lost
        faults?.stage.offer(
            payload, from: source, to: destination, at: MonotonicInstant(nanoseconds: clock.instant),
            timestamp: WallClockTime(nanosecondsSinceEpoch: loop.wallClock(at: clock.instant)))
        if faults?.stage.lost != lost { sink.takeLoss(local: destination, peer: source) }
        takeArrivals(through: clock.instant)
    }

    /// After the last record: what is still on its way, as far as it is wanted.
    @inline(never)
    mutating func takeLastArrivals() {
        takeArrivals(through: .max)
        if let faults { datagrams.neverRead += faults.stage.discard() }
    }

    /// Takes what arrives up to `last`; the clock is left there, or, at the end, where the last thing arrived.
    private mutating func takeArrivals(through last: Int64) {
        guard let stage = faults?.stage else { return }
        while allowance > 0, let time = stage.nextTime, time.nanoseconds <= last {
            clock.set(time.nanoseconds)
            moveTime(to: time.nanoseconds)
            guard let arrival = stage.next(through: time) else { break }
            faults?.record(arrival)
            if role.isEveryServer, let index = servers.index(of: arrival.destination) { change(to: endpoints[index]) }
            if let error = arrival.error { fail(error, at: time.nanoseconds) }
            if let payload = arrival.payload {
                receiveTransient(
                    RawSpan(payload.span), from: arrival.source, to: arrival.destination.ip,
                    at: arrival.timestamp.nanosecondsSinceEpoch)
            }
        }
        if last < .max { clock.set(last) }
    }

    /// Reports an injected error of a receive.
    private mutating func fail(_ error: DatagramError, at time: Int64) {
        deliverBatch()
        loop.setTime(time)
        guard !transport.isClosing else {
            faults?.errorsAfterClose += 1
            return
        }
        transport.receiveFailed(error)
        if loop.hasWork { loop.runTurns() }
    }
}
