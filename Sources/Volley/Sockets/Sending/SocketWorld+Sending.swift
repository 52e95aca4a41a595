internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// Sending, and trying again.
extension SocketWorld {
    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        let hasControls = repliesFromLocalAddress || transport.usesSendControls
        // SAFETY: the transport vouches for the slots until this returns.
        let messages = unsafe sendHeaders.fill(from: slots, count: count, hasControls: hasControls)
        var result = unsafe sendmmsg(descriptor, sendHeaders.headers, messages)
        if result < 0, let errorQueue {
            result = errorQueue.retry(result) { unsafe sendmmsg(descriptor, sendHeaders.headers, messages) }
        }
        guard unsafe sendHeaders.segmentation.pointee.isOn else { return result }
        if result > 0 { return noteSent(messages: result) }
        let errno = Errno(rawValue: CInt(truncatingIfNeeded: -result))
        guard sendHeaders.mayRefuseTrain(errno) else { return result }
        if errno == .messageTooLong {
            // It can be an earlier datagram's, reported now: then the train goes at the second try. If that meets
            // something else, such as a full queue, the next will tell.
            unsafe sendHeaders.segmentation.pointee.isSuspicious = true
            let second = unsafe sendmmsg(descriptor, sendHeaders.headers, messages)
            if second > 0 { return noteSent(messages: second) }
            guard second == result else { return second }
            unsafe sendHeaders.segmentation.pointee.isSuspicious = false
        }
        let segmentation = unsafe sendHeaders.segmentation.pointee
        sendHeaders.noteRefusedTrain(errno)
        // Its datagrams can still go one by one; what the first of them meets alone as well was not about trains.
        let single = unsafe transmit(slots, count: count)
        if single == result { unsafe sendHeaders.segmentation.pointee = segmentation }
        return single
    }

    /// How many datagrams the first `messages` messages were.
    private func noteSent(messages: Int) -> Int {
        if unsafe sendHeaders.segmentation.pointee.isSuspicious {
            unsafe sendHeaders.segmentation.pointee.isSuspicious = false
            transport.noteInherited(.messageTooLong)
        }
        let count = sendHeaders.slotCount(of: messages)
        if count > messages { transport.countTrains(sent: sendHeaders.trainCount(of: messages)) }
        return count
    }

    func pathMTU() -> Int? {
        errorQueue?.takeRefusedMTU() ?? (transport.remoteAddress.flatMap { System.pathMTU(descriptor, to: $0) })
    }

    // MARK: Trying again

    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        guard backOff != nil else { return updateInterest() }
        if isOn { retryLater() } else { backOff?.reset() }
    }

    /// Sets the one timer after which sending is tried again; a try that got something out begins with short delays.
    private func retryLater() {
        guard backOff?.timer?.isPending != true, let delay = backOff?.next() else { return }
        backOff?.timer = loop.callLater(delay) { [self] in
            guard isAwaitingWritable else { return }
            let size = transport.writeBufferSize
            transport.writable()
            guard isAwaitingWritable else { return }
            if transport.writeBufferSize < size { backOff?.reset() }
            retryLater()
        }
    }
}
