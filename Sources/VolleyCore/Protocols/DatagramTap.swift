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
}
