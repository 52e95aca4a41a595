internal import SystemPackage
import VolleyCore

/// The connection as its transport sees it: a socket.
extension SimulatedConnection: StreamWorld {
    // MARK: Reading

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let available = received.count - readOffset
        guard available > 0 else {
            if let failure {
                self.failure = nil
                return -Int(failure.rawValue)
            }
            return hasReceivedEnd ? 0 : -Int(Errno.wouldBlock.rawValue)
        }
        let count = min(available, buffer.count)
        unsafe buffer.copyBytes(from: received[readOffset..<readOffset + count])
        readOffset += count
        if readOffset == received.count { (received, readOffset) = ([], 0) }
        // The peer is told when there is room for something worth sending.
        if phase == .established, toldWindow < segmentMax, window >= min(segmentMax, options.receiveBufferSize / 2) {
            acknowledge()
        }
        return count
    }

    private var isReadable: Bool { received.count > readOffset || failure != nil || hasReceivedEnd }

    func setReading(_ isOn: Bool) {
        isReading = isOn
        wakeReader()
    }

    /// One read a turn, as with a loop that is told of every descriptor once a turn.
    func wakeReader() {
        guard isReading, !isReadScheduled, isReadable, stream != nil else { return }
        isReadScheduled = true
        host.loop.callSoon { [weak self] in
            guard let self else { return }
            isReadScheduled = false
            if isReading { stream?.flow.readable() }
            wakeReader()
        }
    }

    var receiveBuffer: UnsafeMutableRawBufferPointer { unsafe receiveMemory }

    // MARK: Writing

    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int {
        if let failure {
            self.failure = nil
            return -Int(failure.rawValue)
        }
        guard phase == .established, !isEndWanted else { return -Int(Errno.brokenPipe.rawValue) }
        var taken = 0
        for index in 0..<count {
            // SAFETY: the transport vouches for `count` vectors until this returns.
            let vector = unsafe vectors[index]
            let room = max(1, options.sendBufferSize) - sendBuffer.count
            let piece = unsafe UnsafeRawBufferPointer(start: vector.start, count: min(vector.count, max(0, room)))
            unsafe sendBuffer.append(contentsOf: piece)
            taken += piece.count
            if unsafe piece.count < vector.count { break }
        }
        guard taken > 0 else { return -Int(Errno.wouldBlock.rawValue) }
        sendMore()
        return taken
    }

    func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        wakeWriter()
    }

    func wakeWriter() {
        guard isAwaitingWritable, !isWriteScheduled, stream != nil else { return }
        guard sendBuffer.count < options.sendBufferSize || phase == .gone else { return }
        isWriteScheduled = true
        host.loop.callSoon { [weak self] in
            guard let self else { return }
            isWriteScheduled = false
            guard isAwaitingWritable else { return }
            stream?.flow.writable()
            wakeWriter()
        }
    }

    func shutDownWriting() -> Int {
        guard phase == .established else { return -Int(Errno.socketNotConnected.rawValue) }
        isEndWanted = true
        sendMore()
        return 0
    }

    func shutDown(isAborted: Bool) {
        (isReading, isAwaitingWritable) = (false, false)
        if let stream {
            stream.isOpen = false
            host.simulation.note(.closed, at: host.name, from: local, to: remote, count: 0)
        }
        stream = nil
        guard phase != .gone else { return }
        // As Linux: whoever leaves data unread has not understood the other, who is told by a reset.
        if isAborted || received.count > readOffset {
            send(.reset, at: next)
            return leave()
        }
        isEndWanted = true
        sendMore()
        leaveIfDone()
    }

    func extraInfo(_ name: String) -> (any Sendable)? { nil }
}
