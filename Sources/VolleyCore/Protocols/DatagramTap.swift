public import SystemPackage

/// An onlooker of an endpoint: it is shown every datagram received and every datagram sent, and changes nothing.
///
/// Calls come from the endpoint's loop, in order; a send is shown once the kernel has taken it. The spans are valid
/// only during the call.
public protocol DatagramTap: AnyObject, Sendable {
    /// The endpoint has received a datagram at `time`, before its protocol sees it.
    ///
    /// `local` is the address the datagram was sent to where that is known, otherwise the one the endpoint is bound to.
    func received(_ payload: RawSpan, from source: SocketAddress, to local: SocketAddress, at time: WallClockTime)

    /// The endpoint has sent a datagram at `time`.
    func sent(_ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime)

    /// A datagram to send was dropped at `time`: too long, refused by the kernel for good, or one too many for the write
    /// buffer, which is `ENOBUFS` too.
    ///
    /// Does nothing unless it is implemented.
    func refused(
        _ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime,
        because errno: Errno)

    /// A live loop calls this about once a second: the time to write out what is buffered.
    ///
    /// Does nothing unless it is implemented.
    func flush()
}

extension DatagramTap {
    /// Does nothing.
    public func refused(
        _ payload: RawSpan, from local: SocketAddress, to destination: SocketAddress, at time: WallClockTime,
        because errno: Errno
    ) {}

    /// Does nothing.
    public func flush() {}
}
