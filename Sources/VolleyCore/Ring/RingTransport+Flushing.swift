package import SystemPackage

extension RingTransport {
    package func flush() {
        guard !isFlushing else { return }
        guard unsafe ring.pointee.sendCount > 0 else { return rewindRing() }
        isFlushing = true
        let count = unsafe ring.pointee.sendCount
        let handled = transmitRing(count: count)
        if handled < count, fatalError != nil {
            counters.failedDropped &+= UInt64(count - handled)
        } else if handled < count {
            queueRing(handled..<count)
        }
        rewindRing()
        isFlushing = false
        afterTransmission()
    }

    /// Gives the first `count` slots of the ring to the world and returns how many it is done with: sent, or failed and
    /// reported.
    ///
    /// Fewer than `count` means that it has no room for the next one.
    ///
    /// An errno from a send may belong to an earlier datagram (a pending ICMP error). So the head is tried once more:
    /// if it then goes out, the error was inherited and the head is innocent; if it fails again the same way, or in
    /// whatever way for the fourth time, it is to blame. So it is at once for want of buffers, which is never inherited:
    /// `ENOBUFS` drops and reports each datagram it hits, and neither waits nor tries for ever.
    func transmitRing(count: Int) -> Int {
        guard let world else { return count }
        // SAFETY: slots below `count` are initialised and stay so until the ring is rewound.
        let slots = unsafe UnsafePointer(ring.pointee.sendSlots)
        var start = 0
        var sent = 0
        var batchBytes = 0
        var suspicion: Errno?
        var failures = 0
        while start < count {
            let result = unsafe world.transmit(slots + start, count: count - start)
            if result > 0 {
                if let errno = suspicion.take() { noteInherited(errno) }
                let end = start &+ result
                while start < end {
                    unsafe batchBytes &+= Int(slots[start].count)
                    start &+= 1
                }
                sent &+= result
                failures = 0
                continue
            }
            let errno = Errno(rawValue: CInt(truncatingIfNeeded: -result))
            if errno == .wouldBlock || errno == .resourceTemporarilyUnavailable {
                counters.sendBlocked &+= 1
                break
            }
            if DatagramError.Kind(errno) == .badDescriptor {
                fatalError = DatagramError(errno, operation: .send)
                hasPendingErrors = true
                break
            }
            failures += 1
            let isOwn =
                suspicion == errno || failures == triesPerDatagram || DatagramError.Kind(errno) == .noBufferSpace
            if let earlier = suspicion.take(), earlier != errno { noteInherited(earlier) }
            if isOwn {
                unsafe blame(slots[start], errno)
                start += 1
                failures = 0
            } else {
                suspicion = errno
            }
        }
        if let errno = suspicion { noteInherited(errno) }
        if sent > 0 { counters.sendBatches &+= 1 }
        counters.sent &+= UInt64(sent)
        counters.bytesSent &+= UInt64(batchBytes)
        return start
    }

    /// Errors that keep changing cannot keep a send trying for ever.
    private var triesPerDatagram: Int { 4 }

    /// Rewinds the ring after a flush; a writer that is still at work keeps its part of the arena.
    func rewindRing() {
        unsafe ring.pointee.sendCount = 0
        if unsafe ring.pointee.openReservations == 0, let base = unsafe arena.baseAddress {
            unsafe ring.pointee.arenaNext = base
        }
    }

    /// Tells the protocol what happened in a transmission, now that the ring may be used again.
    func afterTransmission() {
        evaluatePause()
        if hasPendingErrors { reportPendingErrors() }
        if unsafe ring.pointee.sendCount > 0 { scheduleFlush() }
        closeIfDrained()
    }

    /// Counts an error and gives it to the protocol; inside a flush, after it.
    func report(_ error: DatagramError) {
        pendingErrors.append(error)
        hasPendingErrors = true
        if !isFlushing { reportPendingErrors() }
    }

    /// Gives the protocol the errors there are, and ends the transport if one of them was the last.
    ///
    /// What goes wrong inside of errorReceived waits for the next turn, so that a protocol which answers every error
    /// with another neither recurses nor starves the loop.
    func reportPendingErrors() {
        guard hasPendingErrors, !isReporting else { return }
        isReporting = true
        hasPendingErrors = false
        let errors = pendingErrors
        pendingErrors = []
        for error in errors {
            guard phase != .lost, let `protocol` else { break }
            counters.errors[error.errno, default: 0] &+= 1
            `protocol`.errorReceived(error)
        }
        isReporting = false
        if let error = fatalError.take() { lose(error) }
        if hasPendingErrors { eventLoop.callSoon { [self] in reportPendingErrors() } }
    }

    /// Reports an errno of a send that was an earlier datagram's.
    package func noteInherited(_ errno: Errno) {
        report(DatagramError(errno, operation: .send, origin: .network, peer: names.remote, unixPeer: names.unixRemote))
    }

    private func blame(_ slot: SendSlot, _ errno: Errno) {
        counters.failedDropped &+= 1
        let name = unsafe UnsafeRawBufferPointer(start: slot.destination, count: Int(slot.destinationLength))
        let payload = unsafe UnsafeRawBufferPointer(start: slot.payload, count: Int(slot.count))
        unsafe showRefused(payload, to: name, slot.control?.pointee ?? SendControl(), errno)
        report(unsafe ownError(errno, destination: name, payload: payload))
    }

    /// The error of a datagram for `destination`; none, or an empty one, stands for the connected peer.
    func ownError(
        _ errno: Errno, destination: UnsafeRawBufferPointer?, payload: UnsafeRawBufferPointer
    ) -> DatagramError {
        var (peer, unixPeer) = (names.remote, names.unixRemote)
        if let name = unsafe destination, let start = name.baseAddress, unsafe !name.isEmpty {
            // SAFETY: a destination is an address of the endpoint's own family; for IP it lies in a place of a whole
            // SocketAddress.
            if unsafe ring.pointee.addressing == .unix {
                unixPeer = unsafe try? UnixAddress(kernelBytes: RawSpan(_unsafeStart: start, byteCount: name.count))
            } else {
                peer = unsafe start.assumingMemoryBound(to: SocketAddress.self).pointee
            }
        }
        return unsafe DatagramError(
            errno, operation: .send, peer: peer, unixPeer: unixPeer,
            info: errno == .messageTooLong ? UInt32(clamping: world?.pathMTU() ?? 0) : 0,
            quoted: Array(payload.prefix(DatagramError.quotedMax)))
    }
}
