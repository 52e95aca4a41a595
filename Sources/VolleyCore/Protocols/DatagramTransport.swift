internal import SystemPackage

/// The sending side of a datagram endpoint, given to its protocol in `connectionMade` (asyncio's `DatagramTransport`).
///
/// A transport lives on one event loop and is not `Sendable`; other threads use the endpoint's handle. Sends go into a
/// ring that is flushed at the end of the batch being delivered, at the end of the loop's turn, when it is full, or by
/// ``flush()``: one `sendmmsg` for all of them. What the kernel cannot take now is queued, in order, up to
/// ``WriteBufferLimits/maximum``.
///
/// A send never throws and never traps: what cannot be sent is reported by `errorReceived` and counted in
/// ``statistics``. To answer a datagram, ``Datagram/reply(_:)`` is faster and leaves from the right local address.
public protocol DatagramTransport: AnyObject {
    /// The loop this transport lives on.
    var eventLoop: any EventLoop { get }

    /// The address the endpoint is bound to (`getsockname`); `nil` for a Unix endpoint.
    var localAddress: SocketAddress? { get }

    /// The peer of a connected endpoint (`getpeername`); `nil` when it is not connected to an IP address.
    var remoteAddress: SocketAddress? { get }

    /// The name of a Unix endpoint; `nil` for an IP endpoint.
    var unixLocalAddress: UnixAddress? { get }

    /// The peer of a connected Unix endpoint.
    var unixRemoteAddress: UnixAddress? { get }

    /// Sends one datagram to `destination`.
    ///
    /// On a connected endpoint `destination` must be its peer: any other is refused with `EISCONN`.
    func send(_ payload: RawSpan, to destination: SocketAddress)

    /// Sends one datagram to `destination`, or to the connected peer when that is `nil`, in its own way.
    ///
    /// Refused with `EAFNOSUPPORT` on a Unix endpoint, and with `EINVAL` when the source is of another family than the
    /// endpoint.
    func send(_ payload: RawSpan, to destination: SocketAddress?, options: SendOptions)

    /// Sends one datagram to a Unix address.
    func send(_ payload: RawSpan, to destination: UnixAddress)

    /// Sends one datagram to the peer of a connected endpoint; refused with `EDESTADDRREQ` when there is none.
    func send(_ payload: RawSpan)

    /// Gives what has been sent so far to the kernel now, instead of at the end of the batch or turn.
    func flush()

    /// Bytes waiting because the kernel could not take them: payloads plus
    /// ``WriteBufferLimits/datagramOverhead`` for each datagram.
    ///
    /// asyncio: `get_write_buffer_size`.
    var writeBufferSize: Int { get }

    /// The marks at which `pauseWriting` and `resumeWriting` are called; setting them re-evaluates both at once.
    ///
    /// asyncio: `set_write_buffer_limits`, `get_write_buffer_limits`.
    var writeBufferLimits: WriteBufferLimits { get set }

    /// Whether datagrams are being delivered: neither paused nor closing. asyncio: `is_reading`.
    var isReading: Bool { get }

    /// Stops deliveries: of a batch under way, the rest is kept; what comes later waits in the kernel. Idempotent.
    ///
    /// asyncio: `pause_reading`.
    func pauseReading()

    /// Resumes deliveries, beginning with what ``pauseReading()`` kept. Idempotent. asyncio: `resume_reading`.
    func resumeReading()

    /// Whether ``close()`` or ``abort()`` has been called, or the transport was lost. asyncio: `is_closing`.
    var isClosing: Bool { get }

    /// Stops receiving, sends what is queued, then calls `connectionLost(nil)` from a later turn of the loop.
    ///
    /// Sends after this are dropped and counted. Idempotent. asyncio: `close`.
    func close()

    /// Drops (and counts) what is queued and calls `connectionLost(nil)` from a later turn of the loop.
    ///
    /// Idempotent. asyncio: `abort`.
    func abort()

    /// What this endpoint has received, sent, dropped and refused so far.
    var statistics: DatagramStatistics { get }

    /// Joins a multicast group, from any source or from one.
    ///
    /// The endpoint must be bound to a wildcard address or to the group: one bound to another address receives nothing
    /// sent to a group. A live endpoint is deaf to groups that only other programs have joined from here on, unless its
    /// options say otherwise. Offline worlds take memberships and refuse them like the kernel, but deliver what the
    /// capture or the test has for the endpoint whether it has joined or not.
    ///
    /// - Throws: `EINVAL` for a group that is none, `EADDRINUSE` for one joined already (`EADDRNOTAVAIL` for a source
    ///   of one), `EAFNOSUPPORT` for an IPv6 group on an IPv4 endpoint, `ENODEV` for an interface that
    ///   does not exist or a group without a route, `ENOBUFS` beyond `net.ipv4.igmp_max_memberships`, `EOPNOTSUPP` from a
    ///   transport that has no multicast; the error names the option and the group.
    func join(_ membership: MulticastMembership) throws(DatagramError)

    /// Leaves a multicast group that was joined with an equal membership.
    ///
    /// Closing leaves all of them.
    ///
    /// - Throws: `EADDRNOTAVAIL` for a membership there is not; otherwise as ``join(_:)``.
    func leave(_ membership: MulticastMembership) throws(DatagramError)

    /// Something the transport knows by name, `nil` if it does not: "sockname", "peername", "descriptor", "socketReport"
    /// (asyncio: `get_extra_info`).
    func extraInfo(_ name: String) -> (any Sendable)?
}

extension DatagramTransport {
    /// Refuses with `EOPNOTSUPP`: what a transport without multicast does.
    public func join(_ membership: MulticastMembership) throws(DatagramError) {
        throw membership.error(.notSupportedOnSocket, isJoining: true)
    }

    /// Refuses with `EOPNOTSUPP`: what a transport without multicast does.
    public func leave(_ membership: MulticastMembership) throws(DatagramError) {
        throw membership.error(.notSupportedOnSocket, isJoining: false)
    }

    /// Sends the bytes of an array to `destination`.
    @inlinable
    public func send(_ bytes: [UInt8], to destination: SocketAddress) {
        send(RawSpan(bytes.span), to: destination)
    }

    /// Sends the bytes of an array to the peer of a connected endpoint.
    @inlinable
    public func send(_ bytes: [UInt8]) {
        send(RawSpan(bytes.span))
    }

    /// Sends the bytes of an array to a Unix address.
    @inlinable
    public func send(_ bytes: [UInt8], to destination: UnixAddress) {
        send(RawSpan(bytes.span), to: destination)
    }

    /// Something the transport knows by name, or `fallback` (asyncio: `get_extra_info(name, default)`).
    @inlinable
    public func extraInfo<Value: Sendable>(_ name: String, default fallback: Value) -> Value {
        extraInfo(name) as? Value ?? fallback
    }
}
