internal import SystemPackage

extension RingTransport {
    package var writeBufferSize: Int { queue.size }

    package var writeBufferLimits: WriteBufferLimits {
        get { limits }
        set {
            limits = newValue
            evaluatePause()
            evaluateResume()
        }
    }

    /// How many ring loads one writable event sends, so that a long queue cannot starve the loop.
    private var drainRounds: Int { 4 }

    /// The world can send again: drains the queue, as far as it goes within one turn's budget.
    package func writable() {
        guard phase != .lost, !isFlushing, !isLossScheduled else { return }
        var round = 0
        while !queue.isEmpty, round < drainRounds, fatalError == nil {
            round += 1
            guard drainOnce() else { break }
        }
        if queue.isEmpty, fatalError == nil {
            world?.setAwaitingWritable(false)
            unsafe ring.pointee.sendLimit = phase == .open ? sendCapacity : 0
        }
        evaluateResume()
        afterTransmission()
    }

    /// Sends one ring load from the queue; returns whether all of it went.
    private func drainOnce() -> Bool {
        isFlushing = true
        var loaded = 0
        while loaded < min(queue.count, sendCapacity), load(queue[loaded]) { loaded += 1 }
        let handled = transmitRing(count: loaded)
        rewindRing()
        queue.removeFirst(handled)
        isFlushing = false
        return handled == loaded
    }

    /// Copies a queued datagram into the ring; false when it does not fit any more.
    private func load(_ entry: SendQueue.Entry) -> Bool {
        guard unsafe entry.payload.count <= ring.pointee.arenaEnd - ring.pointee.arenaNext else { return false }
        // SAFETY: the arrays outlive the copy that `append` makes.
        unsafe entry.payload.withUnsafeBytes { payload in
            unsafe entry.destination.withUnsafeBytes { name in
                unsafe append(payload, destination: name.isEmpty ? nil : name, control: entry.control)
            }
        }
        return true
    }

    /// Queues one datagram, or drops and counts it when the buffer is at its maximum.
    func enqueue(_ bytes: UnsafeRawBufferPointer, destination: UnsafeRawBufferPointer?, control: SendControl) {
        guard queue.size + SendQueue.cost(of: bytes.count) <= limits.maximum else {
            counters.overflowDropped &+= 1
            return unsafe showRefused(bytes, to: destination, control, .noBufferSpace)
        }
        counters.queued &+= 1
        let wasEmpty = queue.isEmpty
        queue.append(
            unsafe SendQueue.Entry(
                payload: Array(bytes), destination: destination.map { unsafe Array($0) } ?? [], control: control))
        if wasEmpty {
            unsafe ring.pointee.sendLimit = 0
            world?.setAwaitingWritable(true)
        }
        if !isFlushing { evaluatePause() }
    }

    /// Moves what a flush could not send from the ring into the queue.
    func queueRing(_ range: Range<Int>) {
        for index in range {
            // SAFETY: these slots are initialised; their pointers hold until the ring is rewound.
            let slot = unsafe ring.pointee.sendSlots[index]
            let name = unsafe slot.destination.map {
                unsafe UnsafeRawBufferPointer(start: $0, count: Int(slot.destinationLength))
            }
            unsafe enqueue(
                UnsafeRawBufferPointer(start: slot.payload, count: Int(slot.count)),
                destination: names.isConnected ? nil : name, control: slot.control?.pointee ?? SendControl())
        }
    }

    /// Pauses the protocol if the buffer is strictly over its high-water mark.
    func evaluatePause() {
        guard !isProtocolPaused, queue.size > limits.high, phase != .lost else { return }
        isProtocolPaused = true
        `protocol`?.pauseWriting()
    }

    /// Resumes the protocol if the buffer is at or under its low-water mark.
    func evaluateResume() {
        guard isProtocolPaused, queue.size <= limits.low, phase != .lost else { return }
        isProtocolPaused = false
        `protocol`?.resumeWriting()
    }
}
