/// What differs between worlds: where a transport's datagrams go and come from.
///
/// A kernel socket, a capture, a simulated network and a test's memory each implement this, and share everything else
/// in ``RingTransport``. All calls come from the transport's loop.
package protocol DatagramWorld: AnyObject {
    /// Sends `count` datagrams, in order; what one `sendmmsg` does.
    ///
    /// - Returns: how many were taken, from the front (at least 1), or the negated errno of the first.
    func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int

    /// Turns deliveries on or off. A world calls ``RingTransport/deliver(count:bytes:)`` only while they are on.
    func setReading(_ isOn: Bool)

    /// Asks for ``RingTransport/writable()`` once sending may succeed again, or no longer.
    func setAwaitingWritable(_ isOn: Bool)

    /// Gives up the socket or whatever stands for it; nothing else is called afterwards.
    func shutDown()

    /// The path MTU that a send has just failed for (`EMSGSIZE`), where it is known.
    func pathMTU() -> Int?

    /// Datagrams the kernel has dropped for want of receive buffer so far.
    func kernelDrops() -> UInt64

    /// Joins or leaves a multicast group; the transport has checked that the membership is one.
    func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError)

    /// Something only this world knows by name (asyncio: `get_extra_info`).
    func extraInfo(_ name: String) -> (any Sendable)?
}

extension DatagramWorld {
    package func pathMTU() -> Int? { nil }
}

/// The names of an endpoint's two ends.
package struct EndpointNames: Sendable {
    package var local: SocketAddress?
    package var remote: SocketAddress?
    package var unixLocal: UnixAddress?
    package var unixRemote: UnixAddress?

    package init() {}

    /// Whether the endpoint is connected to one peer.
    package var isConnected: Bool { remote != nil || unixRemote != nil }
}
