/// Keeping a transport from its world's datagrams while their socket changes hands.
///
/// This is not `pauseReading()`, which is the protocol's: a protocol that resumes must not read what belongs to the
/// socket's other owner.
extension RingTransport {
    /// Holds receiving, or lets it go on as the protocol wants.
    ///
    /// Once this returns with `true`, the world takes nothing more. What it has taken is still delivered. Has no effect
    /// on a transport that is closing.
    package func holdReceiving(_ isHeld: Bool) {
        isReceivingHeld = isHeld
        updateReading()
    }

    /// Closes for good and in order: what has been received is delivered, what is queued is sent.
    ///
    /// Nothing more is received. A protocol that has paused reading is given the rest of its batch all the same, because
    /// nobody else can have it any more. What has not gone out after `limit` is dropped and counted.
    package func close(within limit: Duration) {
        guard phase != .lost else { return }
        holdReceiving(true)
        eventLoop.callLater(limit) { [weak self] in self?.abort() }
        // Inside a batch its rest is to be delivered first.
        if isDelivering { eventLoop.callSoon { [self] in closeAfterBacklog() } } else { closeAfterBacklog() }
    }

    private func closeAfterBacklog() {
        guard phase == .open, !backlog.isEmpty else { return close() }
        // Delivers in the next turn, and at least one datagram each time: a protocol that pauses again cannot stay here.
        resumeReading()
        eventLoop.callSoon { [self] in closeAfterBacklog() }
    }
}
