/// The sending side of a stream, given to its protocol in `connectionMade` (asyncio's `Transport`).
///
/// A transport lives on one event loop and is not `Sendable`; other threads use the connection's handle. A write goes to
/// the kernel at once if nothing is queued; what the kernel cannot take is copied, once, and sent when it can.
///
/// A write never throws and never traps: an error ends the stream, and `connectionLost` says which. What is written
/// after the end, after ``close()`` or after ``writeEOF()`` is dropped and counted in ``statistics``.
public protocol StreamTransport: AnyObject {
    /// The loop this transport lives on.
    var eventLoop: any EventLoop { get }

    /// The address of this end (`getsockname`); `nil` for anything but an IP socket.
    var localAddress: SocketAddress? { get }

    /// The address of the peer (`getpeername`); `nil` for anything but an IP socket.
    var remoteAddress: SocketAddress? { get }

    /// The name of this end of a Unix socket; `nil` for anything else.
    var unixLocalAddress: UnixAddress? { get }

    /// The name of the peer's end of a Unix socket, which may be unnamed; `nil` for anything else.
    var unixRemoteAddress: UnixAddress? { get }

    /// Writes bytes; none is a call without effect.
    ///
    /// asyncio: `write`.
    func write(_ bytes: RawSpan)

    /// Writes `head` and then `body` as if they were one, with one system call (`writev`) and without joining them.
    func write(_ head: RawSpan, _ body: RawSpan)

    /// Writes all parts in order, up to 64 of them with one system call (`writev`), and without joining them.
    ///
    /// asyncio: `writelines`.
    func write(gathering parts: [[UInt8]])

    /// Ends this side of the stream once everything written has been sent: the peer sees the end of the stream, and may
    /// go on sending.
    ///
    /// Idempotent; without effect on a transport that is closing or cannot (``canWriteEOF``). asyncio: `write_eof`.
    func writeEOF()

    /// Whether ``writeEOF()`` is possible. asyncio: `can_write_eof`.
    var canWriteEOF: Bool { get }

    /// Bytes waiting because the kernel could not take them. asyncio: `get_write_buffer_size`.
    var writeBufferSize: Int { get }

    /// The marks at which `pauseWriting` and `resumeWriting` are called; setting them re-evaluates both at once.
    ///
    /// A stream cannot leave bytes out. So a write that would take a buffer that is not empty over
    /// ``WriteBufferLimits/maximum`` ends the stream with `ENOBUFS`; the default, ``WriteBufferLimits/stream``, has no
    /// maximum. asyncio: `set_write_buffer_limits`, `get_write_buffer_limits`.
    var writeBufferLimits: WriteBufferLimits { get set }

    /// Whether data is being received: neither paused, nor at the end of the stream, nor closing. asyncio: `is_reading`.
    var isReading: Bool { get }

    /// Stops reading; what the peer sends waits in the kernel, and soon the peer waits too.
    ///
    /// Idempotent. asyncio: `pause_reading`.
    func pauseReading()

    /// Goes on reading, from a later turn of the loop.
    ///
    /// Idempotent. asyncio: `resume_reading`.
    func resumeReading()

    /// Whether `close()` or `abort()` was called or the stream was lost. asyncio: `is_closing`.
    var isClosing: Bool { get }

    /// Stops reading, sends what is queued, then calls `connectionLost(nil)` from a later turn of the loop.
    ///
    /// Idempotent. asyncio: `close`.
    func close()

    /// Drops (and counts) what is queued and calls `connectionLost(error)` from a later turn of the loop.
    ///
    /// For a protocol that cannot go on: with `error` it says why, as an exception in a callback does in asyncio.
    /// Idempotent: the first error counts. asyncio: `abort`.
    func abort(_ error: StreamError?)

    /// The protocol that gets the callbacks. asyncio: `get_protocol`.
    ///
    /// `nil` once it has been told that the connection is lost.
    var currentProtocol: (any BaseStreamProtocol)? { get }

    /// Has `protocol` get all callbacks from now on, beginning with the next; it may be of the other kind.
    ///
    /// The new protocol's `connectionMade` is not called. What the old one had received but not used up is for the
    /// caller to pass on; see ``BufferedStreamProtocol/receive(_:)`` for one that is buffered. Without effect once the
    /// connection is lost. asyncio: `set_protocol`.
    func setProtocol(_ protocol: any BaseStreamProtocol)

    /// What this stream has read, written and dropped so far.
    var statistics: StreamStatistics { get }

    /// Something the transport knows by name, `nil` if it does not: "sockname", "peername", "descriptor" (asyncio:
    /// `get_extra_info`).
    func extraInfo(_ name: String) -> (any Sendable)?
}

extension StreamTransport {
    /// Drops (and counts) what is queued and calls `connectionLost(nil)` from a later turn of the loop.
    ///
    /// Idempotent. asyncio: `abort`.
    @inlinable
    public func abort() { abort(nil) }

    /// Writes the bytes of an array.
    @inlinable
    public func write(_ bytes: [UInt8]) { write(RawSpan(bytes.span)) }

    /// Writes the part `range` of an array, which has to lie inside of it.
    @inlinable
    public func write(_ bytes: [UInt8], _ range: Range<Int>) { write(RawSpan(bytes.span).extracting(range)) }

    /// Writes an array and then `body` as if they were one: a header, say, and what it announces.
    @inlinable
    public func write(_ head: [UInt8], _ body: RawSpan) { write(RawSpan(head.span), body) }

    /// Writes the UTF-8 of a string.
    @inlinable
    public func write(_ text: String) { write(RawSpan(text.utf8Span.span)) }

    /// Something the transport knows by name, or `fallback` (asyncio: `get_extra_info(name, default)`).
    @inlinable
    public func extraInfo<Value: Sendable>(_ name: String, default fallback: Value) -> Value {
        extraInfo(name) as? Value ?? fallback
    }
}

extension WriteBufferLimits {
    /// asyncio's defaults for streams, 64 KiB high and 16 KiB low, without a maximum.
    public static let stream = WriteBufferLimits(unboundedLow: 16_384, high: 65_536)
}
