/// What stream protocols of both kinds share: the beginning and the end of what the peer sends.
///
/// Conform to ``StreamProtocol`` or to ``BufferedStreamProtocol``; a type that conforms to both is a ``StreamProtocol``.
/// A type that conforms to this protocol alone never sees a byte: what arrives is read, counted and dropped, which suits
/// those who only write.
///
/// Order: ``connectionMade(_:)`` once and first; then data; then ``eofReceived()`` at most once, after which no data
/// comes; ``BaseProtocol/connectionLost(_:)`` once and last. Flow-control calls may come anywhere in between. Every
/// callback comes from the transport's event loop, never from inside another callback, but for
/// ``BaseProtocol/pauseWriting()``, which comes from inside a write.
public protocol BaseStreamProtocol: BaseProtocol {
    /// The stream is open and about to be read. Keep `transport` to write.
    ///
    /// asyncio: `connection_made`.
    func connectionMade(_ transport: any StreamTransport)

    /// The peer has ended its side: it sends no more, and may still receive.
    ///
    /// - Returns: whether the transport stays open for writing; `false` closes it, after what is queued has been sent.
    ///
    /// asyncio: `eof_received`.
    func eofReceived() -> Bool
}

extension BaseStreamProtocol {
    /// Does nothing.
    @inlinable public func connectionMade(_ transport: any StreamTransport) {}
    /// Returns `false`: the transport closes.
    @inlinable public func eofReceived() -> Bool { false }
}

/// The receiving side of a byte stream: TCP, Unix sockets, pipes (asyncio's `Protocol`).
///
/// The very same object runs on a kernel socket, on a capture, on a simulated network, or in memory. See
/// ``BaseStreamProtocol`` for the order of the callbacks.
public protocol StreamProtocol: BaseStreamProtocol {
    /// Some bytes have arrived; where one message ends and the next begins is for the protocol to find out.
    ///
    /// `data` borrows the loop's receive buffer: nothing is copied, and the compiler rejects code that keeps it past the
    /// call. It is never empty. asyncio: `data_received`.
    func dataReceived(_ data: RawSpan)
}

extension StreamProtocol {
    /// Does nothing.
    @inlinable public func dataReceived(_ data: RawSpan) {}
}

/// The receiving side of a byte stream that provides the memory it receives into (asyncio's `BufferedProtocol`).
///
/// For whoever would copy every byte into a buffer of their own anyway: the kernel then writes there directly. Before
/// each read the transport asks for memory with ``getBuffer(_:)``, and says with ``bufferUpdated(_:)`` how much of it has
/// been filled. See ``BaseStreamProtocol`` for the order of the callbacks.
///
/// ```swift
/// final class Blocks: BufferedStreamProtocol {
///     private var block = [UInt8](repeating: 0, count: 4_096)
///     private var filled = 0
///
///     func getBuffer(_ loan: inout BufferLoan) { loan.lend(&block, from: filled) }
///
///     func bufferUpdated(_ count: Int) {
///         filled += count
///         if filled == block.count { … }
///     }
/// }
/// ```
public protocol BufferedStreamProtocol: BaseStreamProtocol {
    /// The transport is about to receive and needs memory: lend it some, with one of the `lend` methods of `loan`.
    ///
    /// The bytes are received inside of `lend`. Lending nothing, or no byte, ends the connection with `ENOBUFS`; pause
    /// reading while there is no room. asyncio: `get_buffer`.
    func getBuffer(_ loan: inout BufferLoan)

    /// The first `count` (at least 1) bytes of the memory lent last have been received.
    ///
    /// asyncio: `buffer_updated`.
    func bufferUpdated(_ count: Int)
}
