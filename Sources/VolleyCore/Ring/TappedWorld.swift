internal import SystemPackage

/// A world seen through a tap: it forwards everything to the world behind it and shows the tap what passes.
///
/// Received datagrams are shown by the transport, which knows when a batch is complete; see ``RingTransport/deliver``.
package final class TappedWorld: DatagramWorld {
    private let world: any DatagramWorld
    private let tap: any DatagramTap
    private unowned let transport: RingTransport

    package init(_ world: any DatagramWorld, tap: any DatagramTap, transport: RingTransport) {
        self.world = world
        self.tap = tap
        self.transport = transport
    }

    package func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        let result = unsafe world.transmit(slots, count: count)
        guard result > 0 else { return result }
        let time = transport.eventLoop.wallClock
        for index in 0..<result {
            // SAFETY: the transport vouches for `count` slots until this returns; names of IP endpoints are whole
            // SocketAddresses.
            let slot = unsafe slots[index]
            let payload = unsafe RawSpan(_unsafeStart: slot.payload, byteCount: Int(slot.count))
            let destination =
                transport.names.remote ?? (unsafe slot.destination?.assumingMemoryBound(to: SocketAddress.self).pointee)
            var local = unsafe slot.control?.pointee.local ?? .unknown
            // What was sent to a group is not answered from it.
            if local.ip.isMulticast { local = .unknown }
            tap.sent(
                payload, from: transport.localAddress(for: local), to: destination ?? .unspecified, at: time)
        }
        return result
    }

    package func setReading(_ isOn: Bool) { world.setReading(isOn) }
    package func setAwaitingWritable(_ isOn: Bool) { world.setAwaitingWritable(isOn) }
    package func shutDown() { world.shutDown() }
    package func pathMTU() -> Int? { world.pathMTU() }
    package func kernelDrops() -> UInt64 { world.kernelDrops() }
    package func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        try world.changeMembership(membership, isJoining: isJoining)
    }
    package func extraInfo(_ name: String) -> (any Sendable)? { world.extraInfo(name) }
}

extension RingTransport {
    /// The local end of a datagram as an address: the one it was sent to if known, else the one the endpoint has.
    func localAddress(for local: LocalAddress) -> SocketAddress {
        let name = names.local ?? .unspecified
        return local.isKnown ? SocketAddress(local.ip, port: name.port, scope: name.scope) : name
    }

    /// Shows the receive slots of one batch to the tap.
    func showReceived(_ batch: Range<Int>, to tap: any DatagramTap) {
        guard let slots = unsafe ring.pointee.receiveSlots else { return }
        let time = eventLoop.wallClock
        for index in batch {
            // SAFETY: the world has filled these slots; names of IP endpoints are whole SocketAddresses.
            let slot = unsafe slots[index]
            let payload = unsafe RawSpan(_unsafeStart: slot.payload, byteCount: Int(slot.count))
            let head = unsafe slot.head.pointee
            let source = unsafe head.source.assumingMemoryBound(to: SocketAddress.self).pointee
            unsafe tap.received(
                payload, from: source, to: localAddress(for: head.local),
                at: head.timestamp == .min ? time : WallClockTime(nanosecondsSinceEpoch: head.timestamp))
        }
    }

    /// Shows the tap, if there is one, a datagram that is not sent; without a name it is for the connected peer.
    func showRefused(
        _ bytes: UnsafeRawBufferPointer, to name: UnsafeRawBufferPointer?, _ control: SendControl, _ errno: Errno
    ) {
        guard let tap else { return }
        var destination = names.remote ?? .unspecified
        if let start = unsafe name?.baseAddress, unsafe name?.isEmpty == false {
            // SAFETY: names of IP endpoints, which alone have taps, are whole SocketAddresses.
            destination = unsafe start.assumingMemoryBound(to: SocketAddress.self).pointee
        }
        // SAFETY: whoever has the bytes lends them for this call.
        let payload = unsafe RawSpan(_unsafeBytes: bytes)
        tap.refused(
            payload, from: localAddress(for: control.local), to: destination, at: eventLoop.wallClock,
            because: errno)
    }

    /// Has the tap write out what it has buffered, once a second from now on until the end of the transport.
    package func flushTapPeriodically() {
        guard tap != nil, phase != .lost else { return }
        eventLoop.callLater(.seconds(1)) { [weak self] in
            self?.tap?.flush()
            self?.flushTapPeriodically()
        }
    }
}
