internal import SystemPackage
import VolleyCore

/// What a connection receives.
extension SimulatedConnection {
    /// Bytes there is room for.
    var window: Int { max(0, options.receiveBufferSize - (received.count - readOffset)) }

    func receive(_ segment: StreamSegment) {
        guard phase != .gone else { return }
        if segment.flags.contains(.reset) { return receiveReset(segment) }
        switch phase {
        case .asking: return receiveAnswer(segment)
        case .answering:
            guard segment.flags.contains(.acknowledgement), segment.acknowledgement >= 1 else { return arm() }
            establish()
        case .established:
            // Our confirmation was lost: it is asked for again.
            if segment.flags.contains(.syn) { return acknowledge() }
        case .gone: return
        }
        if segment.flags.contains(.acknowledgement) { take(acknowledgement: segment) }
        guard phase == .established else { return }
        if segment.length > 0 {
            take(segment)
            acknowledge()
        }
        leaveIfDone()
    }

    private func receiveReset(_ segment: StreamSegment) {
        // A reset is believed only if it is for what was sent (RFC 5961).
        if phase == .asking { return segment.acknowledgement == 1 ? fail(.connectionRefused) : () }
        if segment.sequence == expected {
            fail(.connectionReset)
        } else if segment.sequence > expected {
            acknowledge()
        }
    }

    private func receiveAnswer(_ segment: StreamSegment) {
        guard segment.flags.contains([.syn, .acknowledgement]), segment.acknowledgement == 1 else { return }
        expected = 1
        establish()
        acknowledged = 1
        next = 1
        sentMax = 1
        peerWindow = segment.window
        acknowledge()
        sendMore()
    }

    private func establish() {
        phase = .established
        timer?.cancel()
        timer = nil
        timeoutCount = 0
        timeout = 1_000_000_000
        (next, sentMax, acknowledged) = (1, 1, max(acknowledged, 1))
        let outcome = onOutcome
        onOutcome = nil
        outcome?(nil)
    }

    // MARK: Acknowledgements

    private func take(acknowledgement segment: StreamSegment) {
        let place = segment.acknowledgement
        guard place <= sentMax else { return }
        let wasClosed = peerWindow == 0
        peerWindow = segment.window
        if place > acknowledged {
            advanceAcknowledged(to: place)
        } else if wasClosed {
            // The window was asked about, with a byte that was not taken; the peer lives.
            timeoutCount = 0
            if peerWindow > 0 { goBack() }
        } else if place == acknowledged, next > acknowledged, segment.length == 0 {
            repeatedAcknowledgements += 1
            if repeatedAcknowledgements == 3 { sendAgainFast() }
        }
        sendMore()
    }

    private func advanceAcknowledged(to place: Int64) {
        let bytes = min(Int(place - acknowledgedBytesStart), sendBuffer.count)
        if bytes > 0 { sendBuffer.removeFirst(bytes) }
        let isEnd = isEndWanted && Int(place - acknowledgedBytesStart) > bytes
        acknowledged = place
        next = max(next, place)
        if isEnd { isEndAcknowledged = true }
        measure(place)
        timeoutCount = 0
        repeatedAcknowledgements = 0
        if congestionWindow < slowStartThreshold {
            congestionWindow += min(bytes, segmentMax)
        } else {
            congestionWindow += max(1, segmentMax * segmentMax / congestionWindow)
        }
        rearm()
        if bytes > 0 { wakeWriter() }
    }

    /// The time until an acknowledgement tells when to send again (RFC 6298; Linux' minimum of 200 ms).
    private func measure(_ place: Int64) {
        guard let timed, place >= timed.place else { return }
        self.timed = nil
        let roundTrip = now - timed.time
        if smoothedRoundTrip == 0 {
            smoothedRoundTrip = roundTrip
            roundTripVariation = roundTrip / 2
        } else {
            roundTripVariation = (3 * roundTripVariation + abs(smoothedRoundTrip - roundTrip)) / 4
            smoothedRoundTrip = (7 * smoothedRoundTrip + roundTrip) / 8
        }
        timeout = min(max(smoothedRoundTrip + 4 * roundTripVariation, 200_000_000), 120_000_000_000)
    }

    // MARK: Data

    private func take(_ segment: StreamSegment) {
        if segment.flags.contains(.fin) { peerEnd = segment.sequence + Int64(segment.payload.count) }
        store(segment.payload, at: segment.sequence)
        let before = expected
        while let piece = nextPiece() { append(piece) }
        if let peerEnd, peerEnd == expected { expected += 1 }
        if expected > before { wakeReader() }
    }

    private func store(_ payload: [UInt8], at sequence: Int64) {
        let end = sequence + Int64(payload.count)
        guard end > expected, !payload.isEmpty else { return }
        // No more than there was room for: what is beyond will be sent again.
        guard end - expected <= Int64(window) else { return }
        if let known = early[sequence], known.count >= payload.count { return }
        earlyBytes += payload.count - (early[sequence]?.count ?? 0)
        early[sequence] = payload
    }

    /// What comes next in the stream, of that which has arrived.
    private func nextPiece() -> [UInt8]? {
        guard !early.isEmpty else { return nil }
        var found: (start: Int64, piece: [UInt8])?
        for (start, piece) in early where start <= expected {
            let end = start + Int64(piece.count)
            if end <= expected {
                early[start] = nil
            } else if found == nil || start < found?.start ?? 0 {
                found = (start, piece)
            }
        }
        guard let (start, piece) = found else { return nil }
        early[start] = nil
        return Array(piece[Int(expected - start)...])
    }

    private func append(_ piece: [UInt8]) {
        received += piece
        expected += Int64(piece.count)
    }
}
