internal import SystemPackage

/// How a ``BufferedStreamProtocol`` lends its memory: the way in for bytes that are about to be received.
///
/// Valid only during `getBuffer`, and good for one loan: of several, the first counts. The bytes are received before
/// `lend` returns, straight into the memory it is given: nothing is copied and nothing is allocated.
@safe
public struct BufferLoan: ~Copyable, ~Escapable {
    /// How many bytes are waiting, as far as is known; -1 when it is not, as with sockets (asyncio's `sizehint`).
    ///
    /// A loan may be smaller or larger.
    public let sizeHint: Int
    @usableFromInline let state: UnsafeMutablePointer<LoanState>

    @_lifetime(borrow state)
    init(sizeHint: Int, state: UnsafeMutablePointer<LoanState>) {
        self.sizeHint = sizeHint
        unsafe self.state = state
    }

    /// Lends the bytes of `array` from index `start` to its end.
    ///
    /// The length does not change. A `start` outside of the array is as good as no loan. An array whose storage is
    /// shared with a copy is copied first, as by any other change.
    @inlinable
    public mutating func lend(_ array: inout [UInt8], from start: Int = 0) {
        guard start >= 0, start < array.count else { return }
        unsafe array.withUnsafeMutableBytes { bytes in
            unsafe state.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
        }
    }

    /// Lends the part `range` of `array`; a range that reaches outside of it is as good as no loan.
    @inlinable
    public mutating func lend(_ array: inout [UInt8], _ range: Range<Int>) {
        guard range.lowerBound >= 0, range.upperBound <= array.count else { return }
        unsafe array.withUnsafeMutableBytes { bytes in
            unsafe state.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[range]))
        }
    }

    /// Lends the bytes of a fixed-size array from index `start` to its end; a `start` outside of it is as good as no
    /// loan.
    @inlinable
    public mutating func lend<let count: Int>(_ array: inout InlineArray<count, UInt8>, from start: Int = 0) {
        guard start >= 0, start < count else { return }
        var span = array.mutableSpan
        // SAFETY: every bit pattern is a UInt8, and the array is borrowed exclusively for the call.
        unsafe span.withUnsafeMutableBufferPointer { bytes in
            unsafe state.fill(UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[start...])))
        }
    }

    /// Lends all bytes of `span`, as of the `mutableSpan` of whatever a value type keeps its bytes in.
    ///
    /// The compiler does not let a span of an object's property be a variable; a mutating method of a struct may have
    /// one.
    @inlinable
    public mutating func lend(_ span: inout MutableSpan<UInt8>) {
        // SAFETY: every bit pattern is a UInt8, and the span is borrowed exclusively for the call.
        unsafe span.withUnsafeMutableBufferPointer { unsafe state.fill(UnsafeMutableRawBufferPointer($0)) }
    }

    /// Lends all bytes of `span`.
    @inlinable
    public mutating func lend(_ span: inout MutableRawSpan) {
        // SAFETY: as above.
        unsafe span.withUnsafeMutableBytes { unsafe state.fill($0) }
    }

    /// Lends the free room at the end of `output`, which grows by what is received.
    @inlinable
    public mutating func lend(_ output: inout OutputRawSpan) {
        // SAFETY: receiving writes exactly as many bytes as it says, from the beginning of the free room.
        unsafe output.withUnsafeMutableBytes { bytes, count in
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[count...])
            unsafe count += state.receive(into: free)
        }
    }
}

/// Where the bytes of a loan come from, and what became of it.
@unsafe @usableFromInline
package struct LoanState {
    /// The transport to read for, from its world; nil when the bytes come from memory.
    unowned(unsafe) let transport: FlowTransport?
    /// The bytes in memory.
    let source: UnsafeRawBufferPointer
    /// What the read gave: how many bytes, 0 at the end of the stream, or a negated errno; nil before a loan.
    var result: Int?

    init(transport: FlowTransport) {
        unsafe self.transport = transport
        unsafe source = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    init(source: UnsafeRawBufferPointer) {
        unsafe transport = nil
        unsafe self.source = source
    }
}

extension UnsafeMutablePointer where Pointee == LoanState {
    @usableFromInline
    func fill(_ buffer: UnsafeMutableRawBufferPointer) { _ = unsafe receive(into: buffer) }

    /// Receives into `buffer`, unless there was a loan before; returns how many bytes that were.
    @usableFromInline
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard unsafe pointee.result == nil && !buffer.isEmpty else { return 0 }
        let result: Int
        if let transport = unsafe pointee.transport {
            // Nothing is read for a protocol that has closed or aborted inside of getBuffer.
            guard transport.phase == .open, let world = transport.world else { return 0 }
            result = unsafe world.read(into: buffer)
        } else {
            // SAFETY: `count` bytes fit into the one and are there in the other; the source is nobody's to write.
            result = unsafe Swift.min(buffer.count, pointee.source.count)
            unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: pointee.source[..<result]))
        }
        unsafe pointee.result = result
        return Swift.max(result, 0)
    }
}

extension BufferedStreamProtocol {
    /// Gives the protocol bytes that somebody else has received, as at a switch from another protocol.
    ///
    /// As often as it takes: ``getBuffer(_:)`` with the number of bytes left, then ``bufferUpdated(_:)``. Not to be
    /// called from inside either. asyncio: `_feed_data_to_buffered_proto`.
    ///
    /// - Throws: `ENOBUFS` when the protocol lends nothing; what is left then is lost.
    public func receive(_ data: RawSpan) throws(StreamError) {
        var offset = 0
        while offset < data.byteCount {
            let count = unsafe data.extracting(offset...).withUnsafeBytes { bytes in
                var state = unsafe LoanState(source: bytes)
                return unsafe withUnsafeMutablePointer(to: &state) { state in
                    var loan = unsafe BufferLoan(sizeHint: bytes.count, state: state)
                    getBuffer(&loan)
                    return unsafe state.pointee.result
                }
            }
            guard let count else { throw StreamError(.noBufferSpace, operation: .receive) }
            offset += count
            bufferUpdated(count)
        }
    }
}
