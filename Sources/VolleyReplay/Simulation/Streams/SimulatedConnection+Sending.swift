internal import SystemPackage
import VolleyCore

/// What a connection sends.
extension SimulatedConnection {
    /// Sends a segment; every one but the first carries an acknowledgement.
    func send(
        _ flags: StreamSegment.Flags, at sequence: Int64, _ payload: [UInt8] = []
    ) {
        var flags = flags
        if phase != .asking { flags.insert(.acknowledgement) }
        toldWindow = window
        let segment = StreamSegment(
            sequence: sequence, acknowledgement: phase == .asking ? 0 : expected, flags: flags, window: toldWindow,
            payload: payload)
        host.send(SimulationPacket(source: local, destination: remote, body: .segment(segment)))
    }

    /// Acknowledges what has arrived.
    func acknowledge() { send([], at: next) }

    /// Sends all that may be sent now.
    func sendMore() {
        guard phase == .established else { return }
        while sendOne() {}
        arm()
    }

    private func sendOne() -> Bool {
        let end = acknowledgedBytesStart + Int64(sendBuffer.count)
        let inFlight = Int(next - acknowledged)
        let room = min(peerWindow, congestionWindow) - inFlight
        let left = Int(end - next)
        if left > 0 {
            // An empty window is asked about with one byte, by the timer.
            let count = min(left, segmentMax, room)
            guard count > 0 else { return false }
            // No small segment while more is to come (RFC 1122, 4.2.3.4).
            guard count == min(left, segmentMax) || inFlight == 0 else { return false }
            sendPiece(count)
            return true
        }
        guard isEndWanted, !isEndAcknowledged, next == end else { return false }
        send(.fin, at: next)
        advance(to: next + 1)
        return false
    }

    /// Sends the next `count` bytes.
    private func sendPiece(_ count: Int) {
        let offset = Int(next - acknowledgedBytesStart)
        let piece = Array(sendBuffer[offset..<offset + count])
        if timed == nil, next == sentMax { timed = (next + Int64(count), now) }
        send(offset + count == sendBuffer.count ? .push : [], at: next, piece)
        advance(to: next + Int64(count))
    }

    private func advance(to place: Int64) {
        next = place
        sentMax = max(sentMax, place)
    }

    /// The place of the first byte of ``sendBuffer``: that of the SYN takes none.
    var acknowledgedBytesStart: Int64 { max(acknowledged, 1) }

    // MARK: Sending again

    /// Has a timer run while something is not acknowledged, or a closed window is in the way.
    func arm() {
        let isWaiting = phase == .asking || phase == .answering || next > acknowledged || hasUnsent
        guard isWaiting, phase != .gone else {
            if !(isEndAcknowledged && hasReceivedEnd) {
                timer?.cancel()
                timer = nil
            }
            return
        }
        guard timer == nil else { return }
        timer = host.simulation.loop.callAt(MonotonicInstant(nanoseconds: now.addingClamped(timeout))) { [weak self] in
            self?.timer = nil
            self?.sendAgain()
        }
    }

    private var hasUnsent: Bool { next < acknowledgedBytesStart + Int64(sendBuffer.count) }

    func rearm() {
        timer?.cancel()
        timer = nil
        arm()
    }

    private func sendAgain() {
        timeoutCount += 1
        let limit = phase == .established ? options.retries : options.connectRetries
        guard timeoutCount <= limit else { return fail(.timedOut) }
        timeout = min(timeout.addingClamped(timeout), 120_000_000_000)
        timed = nil
        switch phase {
        case .asking: send(.syn, at: 0)
        case .answering: send(.syn, at: 0)
        case .established:
            slowStartThreshold = max(Int(next - acknowledged) / 2, 2 * segmentMax)
            congestionWindow = segmentMax
            repeatedAcknowledgements = 0
            goBack()
            if peerWindow == 0, hasUnsent { sendPiece(1) } else { sendMore() }
        case .gone: return
        }
        arm()
    }

    /// Begins again behind what is acknowledged.
    func goBack() { next = max(acknowledged, 1) }

    /// Sends the first segment that is missing again, since later ones arrive (RFC 5681, fast retransmit).
    func sendAgainFast() {
        slowStartThreshold = max(Int(next - acknowledged) / 2, 2 * segmentMax)
        congestionWindow = slowStartThreshold
        timed = nil
        let farthest = next
        goBack()
        let left = Int(acknowledgedBytesStart + Int64(sendBuffer.count) - next)
        if left > 0 { sendPiece(min(left, segmentMax)) } else if isEndWanted { send(.fin, at: next) }
        next = max(next, farthest)
        rearm()
    }
}
