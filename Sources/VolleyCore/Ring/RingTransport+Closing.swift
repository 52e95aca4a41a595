internal import SystemPackage

extension RingTransport {
    package func close() {
        guard phase == .open else { return }
        beginClosing()
        // Inside a batch its end flushes; otherwise the next turn does, after which nothing may be left.
        if !isDelivering { scheduleClose() }
    }

    package func abort() {
        guard phase == .open || (phase == .closing && !isLossScheduled) else { return }
        counters.abortedDropped &+= UInt64(dropSends())
        if phase == .open { beginClosing() }
        scheduleLoss(nil)
    }

    /// Forgets everything that waits to be sent, and returns how many datagrams that were.
    private func dropSends() -> Int {
        let count = unsafe queue.count + ring.pointee.sendCount
        queue.removeAll()
        unsafe ring.pointee.sendCount = 0
        world?.setAwaitingWritable(false)
        return count
    }

    /// Ends the transport for an error that cannot be survived: the descriptor is not ours any more.
    package func lose(_ error: DatagramError) {
        guard phase != .lost, !isLossScheduled else { return }
        counters.errors[error.errno, default: 0] &+= 1
        counters.failedDropped &+= UInt64(dropSends())
        if phase == .open { beginClosing() }
        scheduleLoss(error)
    }

    private func beginClosing() {
        phase = .closing
        unsafe ring.pointee.isInterrupted = true
        unsafe ring.pointee.sendLimit = 0
        if !isDelivering {
            counters.undelivered &+= UInt64(backlog.count)
            backlog = 0..<0
        }
        updateReading()
    }

    private func scheduleClose() {
        eventLoop.callSoon { [self] in
            flush()
            closeIfDrained()
        }
    }

    /// Goes on with a close once nothing waits to be sent.
    func closeIfDrained() {
        guard phase == .closing, !isFlushing, !isDelivering, !isLossScheduled else { return }
        guard unsafe queue.isEmpty && ring.pointee.sendCount == 0 else { return }
        scheduleLoss(nil)
    }

    private func scheduleLoss(_ error: DatagramError?) {
        isLossScheduled = true
        eventLoop.callSoon { [self] in finish(error) }
    }

    private func finish(_ error: DatagramError?) {
        reportPendingErrors()
        phase = .lost
        let lost = `protocol`
        if let world {
            counters.kernelDrops = world.kernelDrops()
            world.shutDown()
        }
        world = nil
        `protocol` = nil
        unsafe ring.pointee.receiver = nil
        receiver = nil
        lost?.connectionLost(error)
        onLost?(error)
        onLost = nil
    }
}
