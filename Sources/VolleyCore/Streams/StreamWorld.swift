/// What differs between worlds: where a stream's bytes go and come from.
///
/// A kernel socket, a pipe, a capture, a simulated network and a test's memory each implement this, and share everything
/// else in ``FlowTransport``. All calls come from the transport's loop. A world calls ``FlowTransport/readable()`` only
/// while it is asked to read, ``FlowTransport/writable()`` only while it is asked to wait for that, and both only from
/// its loop, never from inside one of these methods.
package protocol StreamWorld: AnyObject {
    /// Receives into `buffer`, which is not empty; what one `recv` or `read` does.
    ///
    /// - Returns: how many bytes, 0 at the end of the stream, or the negated errno.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Int

    /// Sends bytes, in order; what one `writev` does.
    ///
    /// - Parameter count: at least 1, at most ``vectorsMax``; no vector is empty.
    /// - Returns: how many bytes were taken, from the front, or the negated errno.
    func write(_ vectors: UnsafePointer<StreamVector>, count: Int) -> Int

    /// The most vectors one ``write(_:count:)`` takes (`IOV_MAX`).
    var vectorsMax: Int { get }

    /// Ends this side (`shutdown(SHUT_WR)`); called at most once, and only if ``direction`` is both.
    ///
    /// - Returns: 0 or the negated errno.
    func shutDownWriting() -> Int

    /// Whether bytes go both ways.
    var direction: StreamDirection { get }

    /// The memory plain protocols receive into, shared by all streams of a loop; not empty.
    var receiveBuffer: UnsafeMutableRawBufferPointer { get }

    /// Turns calls of ``FlowTransport/readable()`` on or off.
    func setReading(_ isOn: Bool)

    /// Asks for ``FlowTransport/writable()`` once sending may succeed again, or no longer.
    func setAwaitingWritable(_ isOn: Bool)

    /// Gives up the socket or whatever stands for it; nothing else is called afterwards.
    ///
    /// - Parameter isAborted: whether the stream ended by `abort` or an error, and not by `close`.
    func shutDown(isAborted: Bool)

    /// Something only this world knows by name (asyncio: `get_extra_info`).
    func extraInfo(_ name: String) -> (any Sendable)?
}

extension StreamWorld {
    package var vectorsMax: Int { 1_024 }
    package var direction: StreamDirection { .both }
}

/// Which way the bytes of a stream go.
package enum StreamDirection: UInt8, Sendable {
    /// Both: one side can be ended alone.
    case both
    /// In only, as with the reading end of a pipe: writes are dropped.
    case reading
    /// Out only, as with the writing end of a pipe: ending this side is closing it. "Reading" then is noticing that the
    /// peer has gone, of which ``FlowTransport/hangUp()`` tells the transport.
    case writing
}

/// Bytes to send: the layout is that of `struct iovec`.
@unsafe
package struct StreamVector {
    package var start: UnsafeRawPointer
    package var count: Int

    package init(start: UnsafeRawPointer, count: Int) {
        unsafe self.start = start
        unsafe self.count = count
    }
}
