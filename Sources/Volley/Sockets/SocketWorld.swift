internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The live `DatagramWorld`: a non-blocking kernel socket in an ``EpollLoop``.
@safe
final class SocketWorld: DatagramWorld, EpollHandler {
    let loop: EpollLoop
    let descriptor: CInt
    private let addressing: SocketAddressing
    // The transport owns this world and outlives every use: the loop holds it until `shutDown`.
    private unowned(unsafe) let owner: RingTransport
    var transport: RingTransport { unsafe owner }
    let receiveRing: ReceiveRing
    let sendHeaders: SendHeaders
    let repliesFromLocalAddress: Bool
    /// Nil unless errors are asked for.
    let errorQueue: ErrorQueue?
    let recvmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int
    let sendmmsg: @Sendable (CInt, UnsafeMutablePointer<mmsghdr>, Int) -> Int

    var token: EpollLoop.Token?
    private var interest: UInt32 = 0
    let state: UnsafeMutablePointer<State>
    var backOff: Backoff?
    /// Whether the socket is still to be switched to what this endpoint wants of it.
    private var isHeld: Bool
    let setup: SocketSetup
    var dropCounter: DropCounter
    var dropTimer: ScheduledCall?

    /// What every wake-up looks at: behind a pointer, where looking costs a load and no check for exclusive access.
    struct State {
        var isReading = false
        var isAwaitingWritable = false
        /// How many datagrams the next receive asks for: doubled after a full batch, halved after a nearly empty one.
        var depth: Int
        /// When the kernel's drop count is read next, by the clock of a wake-up.
        var nextDropSample: Int64
    }
    var isReading: Bool {
        get { unsafe state.pointee.isReading }
        set { unsafe state.pointee.isReading = newValue }
    }
    var isAwaitingWritable: Bool {
        get { unsafe state.pointee.isAwaitingWritable }
        set { unsafe state.pointee.isAwaitingWritable = newValue }
    }
    var depth: Int {
        get { unsafe state.pointee.depth }
        set { unsafe state.pointee.depth = newValue }
    }

    /// What one wake-up may do before the loop's other work gets its turn.
    enum Budget {
        static let batches = 16
        static let nanoseconds: Int64 = 500_000
        static let errors = 16
        static let depthMin = 8
    }

    init(_ descriptor: CInt, transport: RingTransport, loop: EpollLoop, setup: SocketSetup) {
        self.descriptor = descriptor
        unsafe owner = transport
        self.loop = loop
        addressing = setup.addressing
        receiveRing = ReceiveRing(
            capacity: setup.batchSize, slotSize: setup.receiveSize, addressing: setup.addressing,
            controlSize: setup.switches.controlSize, hasMetadata: !setup.switches.metadata.isEmpty,
            receivesTrains: setup.switches.receivesTrains)
        sendHeaders = SendHeaders(
            capacity: setup.sendCapacity, addressing: setup.addressing, remote: transport.remoteAddress,
            isConnected: setup.isConnected, segmentsMax: setup.segmentsMax)
        repliesFromLocalAddress = setup.switches.metadata.contains(.localAddress)
        unsafe recvmmsg = loop.syscalls.recvmmsg
        unsafe sendmmsg = loop.syscalls.sendmmsg
        errorQueue =
            setup.switches.wantsErrors
            ? ErrorQueue(descriptor, transport: transport, syscalls: loop.syscalls) : nil
        // SAFETY: owned by this object, freed in deinit, and used on the loop's thread only.
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(
            to: State(
                depth: min(Budget.depthMin, setup.batchSize),
                nextDropSample: System.monotonicNanoseconds() &+ loop.dropSamplingInterval))
        self.setup = setup
        isHeld = setup.isHeld
        dropCounter = DropCounter(startingAt: setup.initialDropCount)
        unsafe receiveRing.state.pointee.lastDrops = setup.initialDropCount
        // An unconnected Unix socket is always "writable" to epoll, whatever its peer's queue: asking would spin.
        if setup.addressing == .unix && !setup.isConnected { backOff = Backoff() }
        unsafe transport.setReceiveRing(receiveRing.slots, slab: UnsafeRawBufferPointer(receiveRing.slab))
    }

    deinit { unsafe state.deallocate() }

    func ready(_ events: UInt32) {
        if events & UInt32(VOLLEY_ERROR) != 0, let errorQueue {
            errorQueue.drain()
            fetchPendingError()
        }
        if isReading, events & UInt32(VOLLEY_READABLE | VOLLEY_ERROR | VOLLEY_HANGUP) != 0 {
            let failed = receive()
            // An error that no receive has fetched would wake the loop for ever.
            if !failed, events & UInt32(VOLLEY_ERROR) != 0, isReading { fetchPendingError() }
        }
        if isAwaitingWritable, events & UInt32(VOLLEY_WRITABLE | VOLLEY_ERROR | VOLLEY_HANGUP) != 0 {
            transport.writable()
        }
    }

    func setReading(_ isOn: Bool) {
        if isOn, isHeld {
            isHeld = false
            do throws(DatagramError) {
                try setup.switches.apply(to: descriptor, syscalls: loop.syscalls)
            } catch {
                return transport.lose(error)
            }
        }
        isReading = isOn
        if !isOn, dropTimer == nil, !transport.isClosing { sampleDropsLater() }
        updateInterest()
    }

    /// Tells epoll what is wanted; with nothing wanted the descriptor leaves it, since epoll reports errors regardless.
    func updateInterest() {
        var wanted: UInt32 = 0
        if isReading { wanted |= UInt32(VOLLEY_READABLE) }
        if isAwaitingWritable && backOff == nil { wanted |= UInt32(VOLLEY_WRITABLE) }
        guard wanted != interest else { return }
        interest = wanted
        if let token {
            if wanted == 0 {
                loop.deregister(token, descriptor)
                self.token = nil
            } else {
                loop.modify(token, descriptor, events: wanted)
            }
        } else {
            do throws(DatagramError) {
                token = try loop.register(descriptor, events: wanted, handler: self, isHot: true)
            } catch {
                interest = 0
                transport.lose(error)
            }
        }
    }

    func shutDown() {
        dropTimer?.cancel()
        isReading = false
        isAwaitingWritable = false
        backOff?.reset()
        backOff = nil
        updateInterest()
        loop.removeEndpoint(transport)
        System.close(descriptor)
    }

    func extraInfo(_ name: String) -> (any Sendable)? {
        switch name {
        case "descriptor": descriptor
        case "socketReport": setup.report
        default: nil
        }
    }

    func changeMembership(_ membership: MulticastMembership, isJoining: Bool) throws(DatagramError) {
        let setter = OptionSetter(descriptor: descriptor, syscalls: loop.syscalls)
        if isJoining, setup.hearsOnlyJoinedGroups {
            var all = SocketOption.multicastAll(isIPv6: membership.group.isIPv6, false)
            all.isOptional = true
            try setter.set(all)
        }
        try setter.change(membership, isJoining: isJoining)
    }
}
