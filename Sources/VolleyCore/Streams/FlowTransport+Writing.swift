internal import SystemPackage

extension FlowTransport {
    package var writeBufferSize: Int { unsafe state.pointee.queue.size }
    var queueIsEmpty: Bool { unsafe state.pointee.queue.isEmpty }

    package var writeBufferLimits: WriteBufferLimits {
        get { unsafe state.pointee.limits }
        set {
            unsafe state.pointee.limits = newValue
            evaluatePause()
            evaluateResume()
        }
    }

    package func write(_ bytes: RawSpan) {
        // SAFETY: what is not sent within the call is copied.
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, unsafe !bytes.isEmpty else { return }
            var vector = unsafe StreamVector(start: start, count: bytes.count)
            unsafe write(&vector, count: 1, total: bytes.count)
        }
    }

    package func write(_ head: RawSpan, _ body: RawSpan) {
        guard !head.isEmpty else { return write(body) }
        guard !body.isEmpty else { return write(head) }
        // SAFETY: neither is empty, so both have an address; what is not sent within the call is copied.
        unsafe head.withUnsafeBytes { head in
            unsafe body.withUnsafeBytes { body in
                unsafe withUnsafeTemporaryAllocation(of: StreamVector.self, capacity: 2) { vectors in
                    unsafe vectors.initializeElement(
                        at: 0, to: StreamVector(start: head.baseAddress.unsafelyUnwrapped, count: head.count))
                    unsafe vectors.initializeElement(
                        at: 1, to: StreamVector(start: body.baseAddress.unsafelyUnwrapped, count: body.count))
                    unsafe write(
                        vectors.baseAddress.unsafelyUnwrapped, count: 2, total: head.count + body.count)
                }
            }
        }
    }

    package func write(gathering parts: [[UInt8]]) {
        var rest = parts[...]
        while !rest.isEmpty {
            let group = rest.prefix(gatheredAtOnce)
            rest = rest.dropFirst(gatheredAtOnce)
            unsafe withUnsafeTemporaryAllocation(of: StreamVector.self, capacity: group.count) { vectors in
                unsafe gather(group, into: vectors, used: 0, total: 0)
            }
        }
    }

    /// How many arrays are held in place at a time, each by a call of its own on the stack.
    private var gatheredAtOnce: Int { 64 }

    /// Points a vector at each array, the first of `parts` being the innermost call's, and writes them all.
    private func gather(
        _ parts: ArraySlice<[UInt8]>, into vectors: UnsafeMutableBufferPointer<StreamVector>, used: Int, total: Int
    ) {
        guard let first = parts.first else {
            guard used > 0, let start = vectors.baseAddress else { return }
            return unsafe write(start, count: used, total: total)
        }
        // SAFETY: the vectors have a place for each part, and hold while this call is on the stack.
        unsafe first.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, unsafe !bytes.isEmpty else {
                return unsafe gather(parts.dropFirst(), into: vectors, used: used, total: total)
            }
            unsafe vectors.initializeElement(at: used, to: StreamVector(start: start, count: bytes.count))
            unsafe gather(parts.dropFirst(), into: vectors, used: used + 1, total: total + bytes.count)
        }
    }

    /// Sends what the world takes right now, if nothing waits before it, and queues the rest.
    private func write(_ vectors: UnsafePointer<StreamVector>, count: Int, total: Int) {
        guard unsafe state.pointee.takesWrites, let world else {
            unsafe state.pointee.counters.closedDropped &+= UInt64(total)
            return
        }
        guard queueIsEmpty else { return unsafe enqueue(vectors, count: count, total: total, skipping: 0) }
        let result = unsafe world.write(vectors, count: count)
        if result == total { return countWrite(total) }
        if result < 0, !isTransient(result) {
            unsafe state.pointee.counters.failedDropped &+= UInt64(total)
            return lose(error(result, .send))
        }
        if result > 0 { countWrite(result) }
        unsafe state.pointee.counters.writesBlocked &+= 1
        unsafe enqueue(vectors, count: count, total: total, skipping: max(result, 0))
    }

    private func countWrite(_ count: Int) {
        unsafe state.pointee.counters.bytesSent &+= UInt64(count)
        unsafe state.pointee.counters.writes &+= 1
    }

    /// Queues all but the first `sent` bytes of the vectors.
    private func enqueue(_ vectors: UnsafePointer<StreamVector>, count: Int, total: Int, skipping sent: Int) {
        let size = unsafe state.pointee.queue.size
        if size > 0, total > limitMax - size {
            unsafe state.pointee.counters.failedDropped &+= UInt64(total)
            return lose(
                StreamError(
                    .noBufferSpace, operation: .send, peer: names.remote, unixPeer: names.unixRemote,
                    context: "\(size) bytes wait for a peer that does not read, and \(limitMax) may"))
        }
        var skip = sent
        for index in 0..<count {
            let vector = unsafe vectors[index]
            if unsafe skip >= vector.count {
                unsafe skip -= vector.count
                continue
            }
            unsafe state.pointee.queue.append(
                UnsafeRawBufferPointer(start: vector.start + skip, count: vector.count - skip))
            skip = 0
        }
        unsafe state.pointee.counters.bytesQueued &+= UInt64(total - sent)
        setAwaitingWritable(true)
        evaluatePause()
    }

    private var limitMax: Int { unsafe state.pointee.limits.maximum }

    func setAwaitingWritable(_ isOn: Bool) {
        guard unsafe isOn != state.pointee.isAwaitingWritable else { return }
        unsafe state.pointee.isAwaitingWritable = isOn
        world?.setAwaitingWritable(isOn)
    }

    /// The world can send again: sends what one system call takes.
    package func writable() {
        guard unsafe state.pointee.isAwaitingWritable, let world else { return }
        let capacity = unsafe min(state.pointee.queue.chunkCount, world.vectorsMax)
        let result = unsafe withUnsafeTemporaryAllocation(of: StreamVector.self, capacity: capacity) { vectors in
            let count = unsafe state.pointee.queue.point(vectors)
            guard count > 0, let start = vectors.baseAddress else { return 0 }
            return unsafe world.write(start, count: count)
        }
        if result < 0, !isTransient(result) { return lose(error(result, .send)) }
        if result > 0 {
            countWrite(result)
            unsafe state.pointee.queue.removeFirst(result)
        }
        if !queueIsEmpty { unsafe state.pointee.counters.writesBlocked &+= 1 }
        evaluateResume()
        // resumeWriting may have written, closed or aborted.
        if queueIsEmpty { queueDrained() }
    }

    private func queueDrained() {
        setAwaitingWritable(false)
        guard unsafe !state.pointee.isLossScheduled else { return }
        if phase == .closing { return scheduleLoss(nil, isAborted: false) }
        if unsafe phase == .open && state.pointee.isEOFWanted { endWriting() }
    }

    package func writeEOF() {
        guard unsafe state.pointee.takesWrites else { return }
        if unsafe state.pointee.direction == .writing { return close() }
        unsafe state.pointee.isEOFWanted = true
        if queueIsEmpty { endWriting() }
    }

    private func endWriting() {
        guard let result = world?.shutDownWriting(), result < 0 else { return }
        lose(error(result, .send))
    }

    /// Pauses the protocol if the buffer is strictly over its high-water mark.
    private func evaluatePause() {
        guard unsafe !state.pointee.isProtocolPaused, phase != .lost,
            unsafe state.pointee.queue.size > state.pointee.limits.high
        else { return }
        unsafe state.pointee.isProtocolPaused = true
        unsafe state.pointee.base?.pauseWriting()
    }

    /// Resumes the protocol if the buffer is at or under its low-water mark.
    private func evaluateResume() {
        guard unsafe state.pointee.isProtocolPaused, phase != .lost,
            unsafe state.pointee.queue.size <= state.pointee.limits.low
        else { return }
        unsafe state.pointee.isProtocolPaused = false
        unsafe state.pointee.base?.resumeWriting()
    }
}
