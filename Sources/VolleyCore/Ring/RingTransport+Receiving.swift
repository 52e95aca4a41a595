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
        let ring = unsafe ring
        unsafe ring.pointee.counters.countBatch(of: count, bytes: bytes)
        guard unsafe !ring.pointee.hasTap else { return deliverShown(count) }
        unsafe hand(0, count, to: ring)
    }

    /// Shows the tap the batch first.
    @inline(never)
    private func deliverShown(_ count: Int) {
        if let tap { showReceived(count, to: tap) }
        unsafe hand(0, count, to: ring)
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

    /// Hands the slots from `start` to `end` to the protocol.
    @inline(__always)
    private func hand(_ start: Int, _ end: Int, to ring: UnsafeMutablePointer<RingState>) {
        guard let receiver = unsafe ring.pointee.receiver, let slots = unsafe ring.pointee.receiveSlots else { return }
        let count = end &- start
        // SAFETY: the world has filled these slots and leaves them alone until this returns. The receiver is let go by
        // the loop, never inside a callback.
        unsafe ring.pointee.isInterrupted = false
        unsafe ring.pointee.delivered = count
        unsafe ring.pointee.isDelivering = true
        unsafe receiver._withUnsafeGuaranteedRef {
            unsafe $0.receive(DatagramBatch(slots: slots + start, count: count, ring: ring))
        }
        unsafe ring.pointee.isDelivering = false
        // All was taken, nothing is to be sent, and nothing ends.
        if unsafe ring.pointee.delivered == count && ring.isAtRest {
            unsafe ring.pointee.arenaNext = ring.pointee.arenaStart
        } else {
            unsafe endBatch((start &+ ring.pointee.delivered)..<end)
        }
    }

    /// Ends a batch of which the protocol has left `rest`.
    @inline(never)
    private func endBatch(_ rest: Range<Int>) {
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
        unsafe hand(backlog.lowerBound, backlog.upperBound, to: ring)
        updateReading()
    }
}
