internal import SystemPackage
package import VolleyCore

/// A world with faults in front of its sends: what a ``TransportFaults`` lets pass, the world behind it sends.
///
/// For worlds that never fail of themselves; "writable" then comes from the loop, every turn while sends are let pass.
package final class FaultyWorld: DatagramWorld {
    private let world: any DatagramWorld
    private let faults: TransportFaults
    private unowned let transport: RingTransport
    private var isAwaitingWritable = false
    private var isWritableScheduled = false

    package init(_ world: any DatagramWorld, faults: TransportFaults, transport: RingTransport) {
        self.world = world
        self.faults = faults
        self.transport = transport
        faults.onUnblocked = { [weak self] in self?.scheduleWritable() }
    }

    package func transmit(_ slots: UnsafePointer<SendSlot>, count: Int) -> Int {
        let allowed = faults.nextSend(count) { index in
            // SAFETY: the transport vouches for `count` slots until this returns.
            let slot = unsafe slots[index]
            return unsafe slot.count > 0 ? slot.payload.load(as: UInt8.self) : nil
        }
        let result = allowed > 0 ? unsafe world.transmit(slots, count: allowed) : allowed
        faults.noteSend(offered: count, result: result)
        return result
    }

    package func setAwaitingWritable(_ isOn: Bool) {
        isAwaitingWritable = isOn
        scheduleWritable()
    }

    private func scheduleWritable() {
        guard isAwaitingWritable, !isWritableScheduled, !faults.isSendingBlocked else { return }
        isWritableScheduled = true
        transport.eventLoop.callSoon { [weak self] in
            guard let self else { return }
            isWritableScheduled = false
            guard isAwaitingWritable, !faults.isSendingBlocked else { return }
            transport.writable()
            scheduleWritable()
        }
    }

    package func setReading(_ isOn: Bool) { world.setReading(isOn) }
    package func kernelDrops() -> UInt64 { world.kernelDrops() }
    package func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        try world.changeMembership(membership, isJoining: isJoining)
    }
    package func extraInfo(_ name: String) -> (any Sendable)? { world.extraInfo(name) }

    package func shutDown() {
        isAwaitingWritable = false
        world.shutDown()
    }
}
