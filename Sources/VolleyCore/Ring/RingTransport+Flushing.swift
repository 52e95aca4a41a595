internal import SystemPackage

extension RingTransport {
    package func flush() {
        guard unsafe ring.pointee.sendCount > 0, !isFlushing else { return }
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
    /// reported. Fewer than `count` means that it takes no more for now.
    ///
    /// An errno from a send may belong to an earlier datagram (a pending ICMP error). So the head is tried once more:
    /// if it then goes out, the error was inherited and the head is innocent; if it fails again, it is to blame.
    func transmitRing(count: Int) -> Int {
        guard let world else { return count }
        // SAFETY: slots below `count` are initialised and stay so until the ring is rewound.
        let slots = unsafe UnsafePointer(ring.pointee.sendSlots)
        var start = 0
        var suspicion: Errno?
        var batchBytes = 0
        while start < count {
            let result = unsafe world.transmit(slots + start, count: count - start)
            if result > 0 {
                if let errno = suspicion.take() { noteInherited(errno) }
                let end = start &+ result
                while start < end {
                    unsafe batchBytes &+= Int(slots[start].count)
                    start &+= 1
                }
                counters.sent &+= UInt64(result)
                continue
            }
            let errno = Errno(rawValue: CInt(truncatingIfNeeded: -result))
            if errno == .wouldBlock || errno == .resourceTemporarilyUnavailable {
                if let errno = suspicion.take() { noteInherited(errno) }
                counters.sendBlocked &+= 1
                break
            }
            if DatagramError.Kind(errno) == .badDescriptor {
                fatalError = DatagramError(errno, operation: .send)
                hasPendingErrors = true
                break
            }
            if suspicion == errno {
                suspicion = nil
                unsafe blame(slots[start], errno)
                start += 1
            } else {
                if let errno = suspicion { noteInherited(errno) }
                suspicion = errno
            }
        }
        if start > 0 { counters.sendBatches &+= 1 }
        counters.bytesSent &+= UInt64(batchBytes)
        return start
    }

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

    private func reportPendingErrors() {
        while !pendingErrors.isEmpty, !isFlushing {
            let errors = pendingErrors
            pendingErrors = []
            for error in errors { report(error) }
        }
        hasPendingErrors = !pendingErrors.isEmpty
        if let error = fatalError.take() { lose(error) }
    }

    /// Counts an error and gives it to the protocol; inside a flush, afterwards.
    func report(_ error: DatagramError) {
        if isFlushing {
            pendingErrors.append(error)
            hasPendingErrors = true
            return
        }
        guard phase != .lost, let `protocol` else { return }
        counters.errors[error.errno, default: 0] &+= 1
        `protocol`.errorReceived(error)
    }

    private func noteInherited(_ errno: Errno) {
        report(DatagramError(errno, operation: .send, origin: .network, peer: names.remote, unixPeer: names.unixRemote))
    }

    private func blame(_ slot: SendSlot, _ errno: Errno) {
        counters.failedDropped &+= 1
        var peer = names.remote
        var unixPeer = names.unixRemote
        if let name = unsafe slot.destination, unsafe slot.destinationLength > 0 {
            // SAFETY: `destination` holds `destinationLength` bytes of an address of the endpoint's own family; for IP
            // it lies in a place of a whole SocketAddress.
            if unsafe ring.pointee.addressing == .unix {
                unixPeer = unsafe try? UnixAddress(
                    kernelBytes: RawSpan(_unsafeStart: name, byteCount: Int(slot.destinationLength)))
            } else {
                peer = unsafe name.assumingMemoryBound(to: SocketAddress.self).pointee
            }
        }
        report(DatagramError(errno, operation: .send, peer: peer, unixPeer: unixPeer))
    }
}
