internal import SystemPackage

/// The `DatagramTransport` of every world: receive ring, send ring, queue, flow control and life cycle.
///
/// A ``DatagramWorld`` fills receive slots and drains send slots; when what happens is decided here, once, so that a
/// protocol cannot tell the worlds apart. Receiving is in `RingTransport+Receiving.swift`, sending in `+Sending.swift`
/// and `+Queue.swift`, the end in `+Closing.swift`.
@safe
package final class RingTransport {
    package let eventLoop: any EventLoop
    package let names: EndpointNames

    /// The state touched for every datagram; allocated once, freed with the transport.
    ///
    /// SAFETY of every plain `ring.pointee`: it is initialised from init to deinit, and only the loop's thread gets here.
    package let ring: UnsafeMutablePointer<RingState>
    let sendCapacity: Int
    let arena: UnsafeMutableRawBufferPointer
    /// Destinations of sends that are not replies, one place for each send slot.
    let destinations: UnsafeMutableRawBufferPointer
    /// Controls of sends that are not replies, one place for each send slot.
    let controls: UnsafeMutablePointer<SendControl>

    /// Both are let go when the protocol has been told that the connection is lost.
    var world: (any DatagramWorld)?
    var `protocol`: (any DatagramProtocol)?

    var limits: WriteBufferLimits
    var queue = SendQueue()
    /// Keeps alive what ``RingState/receiver`` is.
    var receiver: BatchReceiver?
    /// Errors that turned up inside a flush; the protocol hears of them when it is over.
    var pendingErrors: [DatagramError] = []
    /// An error inside a flush that ends the transport when the flush is over.
    var fatalError: DatagramError?
    /// Called once, after `connectionLost`.
    package var onLost: ((DatagramError?) -> Void)?
    private(set) var tap: (any DatagramTap)?
    /// Whether the world is kept from receiving, whatever the protocol wants; see `RingTransport+Holding.swift`.
    var isReceivingHeld = false

    /// Makes a transport; nothing happens until ``start(_:)``.
    ///
    /// - Parameters:
    ///   - sendCapacity: send slots, and so the most datagrams one `sendmmsg` takes.
    ///   - arenaSize: bytes for payloads between two flushes; at least the largest datagram.
    package init(
        eventLoop: any EventLoop, names: EndpointNames, addressing: SocketAddressing,
        limits: WriteBufferLimits = .standard, sendCapacity: Int = 64, arenaSize: Int = 131_072
    ) {
        precondition(sendCapacity > 0 && arenaSize > 0)
        self.eventLoop = eventLoop
        self.names = names
        self.limits = limits
        self.sendCapacity = sendCapacity
        // SAFETY: all four live exactly as long as this object and never move.
        unsafe arena = .allocate(byteCount: arenaSize, alignment: 64)
        unsafe destinations = .allocate(byteCount: sendCapacity * addressing.nameStride, alignment: 8)
        unsafe controls = .allocate(capacity: sendCapacity)
        unsafe controls.initialize(repeating: SendControl(), count: sendCapacity)
        unsafe ring = .allocate(capacity: 1)
        unsafe ring.initialize(
            to: RingState(
                sendSlots: .allocate(capacity: sendCapacity), arena: arena, addressing: addressing, transport: self))
    }

    deinit {
        // SAFETY: allocated in init, pointed to by nothing else any more; the slots are trivial.
        unsafe ring.pointee.sendSlots.deallocate()
        unsafe ring.deinitialize(count: 1)
        unsafe ring.deallocate()
        unsafe arena.deallocate()
        unsafe destinations.deallocate()
        unsafe controls.deallocate()
    }

    /// Connects protocol and world: `connectionMade`, then, unless the protocol paused or closed, deliveries begin.
    package func start(
        _ protocol: any DatagramProtocol, in world: any DatagramWorld, tap: (any DatagramTap)? = nil
    ) {
        precondition(self.world == nil && phase == .open, "a transport starts once")
        self.protocol = `protocol`
        let receiver = `protocol`.makeBatchReceiver()
        self.receiver = receiver
        unsafe ring.pointee.receiver = .passUnretained(receiver)
        self.tap = tap
        unsafe ring.pointee.hasTap = tap != nil
        self.world = tap.map { TappedWorld(world, tap: $0, transport: self) } ?? world
        unsafe ring.pointee.sendLimit = sendCapacity
        `protocol`.connectionMade(self)
        updateReading()
    }

    /// Tells the ring where the world receives into: its slots, and the memory behind their payloads, from which an
    /// echo may be sent without a copy until the flush at the end of the batch.
    package func setReceiveRing(_ slots: UnsafeMutablePointer<ReceiveSlot>, slab: UnsafeRawBufferPointer) {
        unsafe ring.pointee.receiveSlots = slots
        unsafe ring.pointee.slabStart = UInt(bitPattern: slab.baseAddress)
        unsafe ring.pointee.slabSize = UInt(slab.count)
    }
}

extension SocketAddressing {
    /// Bytes kept for each address: enough for the family's `sockaddr`, in a size that keeps places aligned.
    package var nameStride: Int { self == .unix ? 112 : 32 }
}

extension RingTransport: DatagramTransport {
    package var localAddress: SocketAddress? { names.local }
    package var remoteAddress: SocketAddress? { names.remote }
    package var unixLocalAddress: UnixAddress? { names.unixLocal }
    package var unixRemoteAddress: UnixAddress? { names.unixRemote }

    package var isClosing: Bool { phase != .open }

    package var statistics: DatagramStatistics {
        var snapshot = counters
        if let world { snapshot.kernelDrops = world.kernelDrops() }
        return snapshot
    }

    package func extraInfo(_ name: String) -> (any Sendable)? {
        switch name {
        case "sockname": names.local ?? names.unixLocal
        case "peername": names.remote ?? names.unixRemote
        default: world?.extraInfo(name)
        }
    }
}
