extension FlowTransport {
    package func close() {
        guard phase == .open else { return }
        beginClosing()
        if queueIsEmpty { scheduleLoss(nil, isAborted: false) }
    }

    package func abort(_ error: StreamError?) {
        guard unsafe phase != .lost && !state.pointee.isLossScheduled else { return }
        unsafe state.pointee.counters.abortedDropped &+= UInt64(state.pointee.queue.removeAll())
        end(error)
    }

    /// Ends the stream for an error of the world: nothing more can be read or written.
    package func lose(_ error: StreamError) {
        guard unsafe phase != .lost && !state.pointee.isLossScheduled else { return }
        unsafe state.pointee.counters.failedDropped &+= UInt64(state.pointee.queue.removeAll())
        end(error)
    }

    private func end(_ error: StreamError?) {
        setAwaitingWritable(false)
        beginClosing()
        scheduleLoss(error, isAborted: true)
    }

    private func beginClosing() {
        phase = .closing
        updateReading()
    }

    func scheduleLoss(_ error: StreamError?, isAborted: Bool) {
        unsafe state.pointee.isLossScheduled = true
        eventLoop.callSoon { [self] in finish(error, isAborted) }
    }

    private func finish(_ error: StreamError?, _ isAborted: Bool) {
        phase = .lost
        let lost = unsafe state.pointee.base
        unsafe state.pointee.setProtocol(nil)
        lost?.connectionLost(error)
        world?.shutDown(isAborted: isAborted)
        world = nil
        onLost?(error)
        onLost = nil
    }
}
