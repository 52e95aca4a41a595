internal import SystemPackage

extension RingTransport {
    package var isReading: Bool { phase == .open && !isReadingPaused }

    package func pauseReading() {
        guard isReading else { return }
        isReadingPaused = true
        unsafe ring.pointee.isInterrupted = true
        updateReading()
    }

    package func resumeReading() {
        guard phase == .open, isReadingPaused else { return }
        isReadingPaused = false
        if backlog.isEmpty {
            updateReading()
        } else if !isDelivering {
            // From the loop, so that a protocol which resumes inside a callback is not called recursively.
            eventLoop.callSoon { [self] in deliverBacklog() }
        }
    }

    /// Arms or disarms the world; never while a backlog still occupies the receive slots.
    func updateReading() {
        let wanted = isReading && backlog.isEmpty && !isReceivingHeld
        guard wanted != isReadingArmed, let world else { return }
        isReadingArmed = wanted
        world.setReading(wanted)
    }

    /// Whether a world may receive more right now: it asks after every batch, since a callback can change it.
    package var wantsDatagrams: Bool { isReadingArmed }

    /// Delivers the `count` (at least 1) receive slots from `start` as one batch, and flushes what it was answered with.
    ///
    /// - Parameter bytes: the payload bytes of the batch.
    package func deliver(from start: Int = 0, count: Int, bytes: Int) {
        if unsafe ring.pointee.hasTap { showBatch(start..<start &+ count) }
        if unsafe !ring.deliver(start, count: count, bytes: bytes) { endBatch(start..<start &+ count) }
    }

    @inline(never)
    private func showBatch(_ batch: Range<Int>) {
        if let tap { showReceived(batch, to: tap) }
    }

    /// Counts what the kernel said about datagrams that did not arrive whole; a world calls it before `deliver`.
    package func countTruncations(_ truncated: Int, controlTruncated: Int) {
        counters.truncated &+= UInt64(truncated)
        counters.controlTruncated &+= UInt64(controlTruncated)
    }

    /// Counts trains, of which each brought or took many datagrams.
    package func countTrains(received: Int = 0, sent: Int = 0) {
        counters.trainsReceived &+= UInt64(received)
        counters.trainsSent &+= UInt64(sent)
    }

    /// Reports an error of a receive: of this host, or of a datagram sent earlier.
    package func receiveFailed(_ error: DatagramError) {
        report(error)
    }

    /// Ends a batch after which there is something to do: the protocol has answered, or left some of it.
    @inline(never)
    package func endBatch(_ batch: Range<Int>) {
        let rest = unsafe batch.lowerBound + ring.pointee.delivered..<batch.upperBound
        backlog = rest
        if !rest.isEmpty, phase != .open {
            counters.undelivered &+= UInt64(rest.count)
            backlog = 0..<0
        }
        flush()
        closeIfDrained()
        if !backlog.isEmpty { backlogRemains() }
    }

    private func backlogRemains() {
        if isReadingPaused {
            updateReading()
        } else {
            // Paused and resumed again within one callback: go on from the loop.
            updateReading()
            eventLoop.callSoon { [self] in deliverBacklog() }
        }
    }

    private func deliverBacklog() {
        guard isReading, !backlog.isEmpty else { return }
        let rest = backlog
        if unsafe !ring.hand(rest.lowerBound, count: rest.count) { endBatch(rest) }
        updateReading()
    }
}
