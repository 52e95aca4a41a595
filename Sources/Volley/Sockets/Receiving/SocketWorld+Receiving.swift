internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// Receiving, and what is lost before it.
extension SocketWorld {
    /// Receives until a batch comes back short or the budget is spent; returns whether an error was reported.
    func receive() -> Bool {
        let transport = transport
        let start = System.monotonicNanoseconds()
        if unsafe start >= state.pointee.nextDropSample { sampleDrops(at: start) }
        var depth = depth
        var errors = 0
        for _ in 0..<Budget.batches {
            // SAFETY: the ring has `capacity >= depth` headers, which stay in place.
            let result = unsafe recvmmsg(descriptor, receiveRing.headers, depth)
            guard result > 0 else {
                guard reportReceive(-result) else { break }
                errors += 1
                if errors == Budget.errors || !transport.wantsDatagrams { break }
                continue
            }
            let summary = receiveRing.collect(result)
            if summary.truncated | summary.controlTruncated | summary.trains != 0 { note(summary) }
            transport.deliver(count: summary.datagrams, bytes: summary.bytes)
            let wasFull = result == depth
            depth = adapted(depth, to: result)
            // Every callback may have closed or paused; a short batch says that the socket is empty.
            guard wasFull, transport.wantsDatagrams,
                System.monotonicNanoseconds() &- start < Budget.nanoseconds
            else { break }
        }
        self.depth = depth
        return errors > 0
    }

    /// What not every batch has.
    private func note(_ summary: ReceiveRing.Summary) {
        transport.countTruncations(summary.truncated, controlTruncated: summary.controlTruncated)
        transport.countTrains(received: summary.trains)
        // Many trains may have moved the slots to where there is more room.
        unsafe transport.setReceiveRing(receiveRing.slots, slab: UnsafeRawBufferPointer(receiveRing.slab))
    }

    private func adapted(_ depth: Int, to received: Int) -> Int {
        if received == depth { return min(depth &* 2, receiveRing.capacity) }
        if received < depth / 4 { return max(depth / 2, min(Budget.depthMin, receiveRing.capacity)) }
        return depth
    }

    /// Reports a failed receive; false when it only says that there is nothing (more) to receive.
    private func reportReceive(_ number: Int) -> Bool {
        let errno = Errno(rawValue: CInt(truncatingIfNeeded: number))
        if number == 0 || errno == .wouldBlock { return false }
        let kind = DatagramError.Kind(errno)
        if kind == .badDescriptor {
            transport.lose(DatagramError(errno, operation: .receive))
            return false
        }
        if errorQueue?.accounts(for: errno) == true { return true }
        let origin: DatagramError.Origin = errno == .noMemory || errno == .noBufferSpace ? .local : .network
        transport.receiveFailed(
            DatagramError(
                errno, operation: .receive, origin: origin, peer: transport.remoteAddress,
                unixPeer: transport.unixRemoteAddress))
        return true
    }

    func fetchPendingError() {
        guard let number = System.getOption(descriptor, SOL_SOCKET, SO_ERROR), number != 0 else { return }
        _ = reportReceive(Int(number))
    }

    // MARK: Kernel drops

    func kernelDrops() -> UInt64 {
        if let count = loop.syscalls.dropCount(descriptor) { dropCounter.sample(count) }
        return dropCounter.total
    }

    /// Reads the kernel's count, before it could wrap unseen; a wake-up that receives does so when it is time.
    private func sampleDrops(at now: Int64) {
        _ = kernelDrops()
        unsafe state.pointee.nextDropSample = now &+ loop.dropSamplingInterval
    }

    /// An endpoint that does not read has no wake-ups, and all the more drops: then a timer samples them.
    ///
    /// Only then: a pending timer costs every turn of the loop a look at the clock. One that is under way when reading
    /// goes on is left to run out, so that pausing often does not pile up timers.
    func sampleDropsLater() {
        dropTimer = loop.callLater(.nanoseconds(loop.dropSamplingInterval)) { [self] in
            dropTimer = nil
            sampleDrops(at: System.monotonicNanoseconds())
            if !isReading { sampleDropsLater() }
        }
    }
}
