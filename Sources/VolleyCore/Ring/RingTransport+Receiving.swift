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

    /// Delivers the first `count` (at least 1) receive slots as one batch, and flushes what it was answered with.
    ///
    /// - Parameter bytes: the payload bytes of the batch.
    package func deliver(count: Int, bytes: Int) {
        counters.countBatch(of: count, bytes: bytes)
        if let tap { showReceived(count, to: tap) }
        deliver(0..<count)
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

    private func deliver(_ range: Range<Int>) {
        guard let `protocol`, let slots = unsafe slots else { return }
        // SAFETY: the world has filled the slots of `range` and leaves them alone until this returns.
        unsafe ring.pointee.isInterrupted = false
        unsafe ring.pointee.delivered = range.count
        isDelivering = true
        `protocol`.datagramsReceived(
            unsafe DatagramBatch(slots: slots + range.lowerBound, count: range.count, ring: ring))
        isDelivering = false
        backlog = unsafe (range.lowerBound + ring.pointee.delivered)..<range.upperBound
        if !backlog.isEmpty, phase != .open {
            counters.undelivered &+= UInt64(backlog.count)
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
        deliver(backlog)
        updateReading()
    }
}
