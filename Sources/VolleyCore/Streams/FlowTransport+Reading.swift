internal import SystemPackage

extension FlowTransport {
    package var isReading: Bool {
        unsafe state.pointee.phase == .open && !state.pointee.isReadingPaused && !state.pointee.hasReceivedEOF
    }

    package func pauseReading() {
        unsafe state.pointee.isReadingPaused = true
        updateReading()
    }

    package func resumeReading() {
        unsafe state.pointee.isReadingPaused = false
        updateReading()
    }

    /// Arms or disarms the world.
    func updateReading() {
        let wanted = isReading
        guard unsafe wanted != state.pointee.isReadingArmed, let world else { return }
        unsafe state.pointee.isReadingArmed = wanted
        world.setReading(wanted)
    }

    /// The world has something to read: reads once, and gives the protocol what there is.
    package func readable() {
        guard unsafe state.pointee.isReadingArmed, let world else { return }
        if let plain = unsafe state.pointee.plain {
            read(from: world, for: plain)
        } else if let buffered = unsafe state.pointee.buffered {
            readIntoLoan(of: buffered)
        } else {
            read(from: world, for: nil)
        }
    }

    /// Reads into the loop's buffer; without a protocol, for nobody.
    private func read(from world: any StreamWorld, for plain: (any StreamProtocol)?) {
        let memory = unsafe world.receiveBuffer
        let size = unsafe min(state.pointee.readSize, memory.count)
        // SAFETY: `size` is at most what there is.
        let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<size])
        let count = unsafe world.read(into: buffer)
        guard count > 0 else { return readNothing(count) }
        countRead(count)
        if count == size {
            unsafe state.pointee.readSize = min(size &* 2, memory.count)
        } else if count < size / 4, size > FlowState.readSizeMin {
            unsafe state.pointee.readSize = size / 2
        }
        // SAFETY: the world has filled the first `count` bytes; nobody reads again before the call returns.
        guard let plain, let start = buffer.baseAddress else { return }
        plain.dataReceived(unsafe RawSpan(_unsafeStart: start, byteCount: count))
    }

    /// Has the protocol lend its own memory and reads into that.
    private func readIntoLoan(of buffered: any BufferedStreamProtocol) {
        var loanState = unsafe LoanState(transport: self)
        let result = unsafe withUnsafeMutablePointer(to: &loanState) { loanState in
            var loan = unsafe BufferLoan(sizeHint: -1, state: loanState)
            buffered.getBuffer(&loan)
            return unsafe loanState.pointee.result
        }
        guard let result else {
            // Whoever has paused, closed or handed over meanwhile needs to lend nothing.
            let isSame = unsafe state.pointee.buffered === buffered
            if isReading, isSame { lose(StreamError(.noBufferSpace, operation: .receive, context: noLoan)) }
            return
        }
        guard result > 0 else { return readNothing(result) }
        countRead(result)
        if phase == .open { buffered.bufferUpdated(result) }
    }

    private var noLoan: String { "getBuffer lent no memory; pause reading while there is none" }

    private func countRead(_ count: Int) {
        unsafe state.pointee.counters.bytesReceived &+= UInt64(count)
        unsafe state.pointee.counters.reads &+= 1
    }

    /// A read brought no data: the end of the stream, or an error.
    private func readNothing(_ result: Int) {
        if result == 0 { return endOfStream() }
        if !isTransient(result) { lose(error(result, .receive)) }
    }

    private func endOfStream() {
        guard phase == .open else { return }
        unsafe state.pointee.hasReceivedEOF = true
        updateReading()
        let keepsOpen = unsafe state.pointee.base?.eofReceived() ?? false
        // There is nothing to keep a stream for that can only be read.
        if unsafe !keepsOpen || state.pointee.direction == .reading { close() }
    }

    /// The peer of a stream that only writes has gone: nothing more can arrive there.
    package func hangUp() {
        guard phase == .open || !queueIsEmpty else { return }
        if queueIsEmpty { close() } else { lose(error(-Int(Errno.brokenPipe.rawValue), .send)) }
    }
}
