internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// Something with a descriptor in an ``EpollLoop``.
protocol EpollHandler: AnyObject {
    /// The descriptor is ready; `events` are `VOLLEY_…` bits.
    func ready(_ events: UInt32)
}

/// Something that lives on a loop and has to be ended when that stops: streams, servers, attempts to connect.
protocol LoopMember: AnyObject {
    /// The loop takes no more work but what is ready within a few turns.
    func loopStops()
}

/// The live `EventLoop`: one epoll instance, a few hot sockets beside it (``PollSet``), its timers and calls, on whichever single thread runs it.
///
/// A turn waits for descriptors, tells their handlers, makes due timers ready and runs what is ready. It can be stepped
/// by hand (``turn(waiting:)``), which is how the contract tests run live sockets without threads or sleeping.
@safe
final class EpollLoop: EventLoop {
    let syscalls: Syscalls
    /// What stands between a new transport and its socket, for tests: it is given both and returns what to use.
    var wrapWorld: ((any DatagramWorld, RingTransport) -> any DatagramWorld)?
    let mailbox: LoopMailbox
    private let epoll: CInt
    private let hot: PollSet
    private var isStopping = false
    /// Nanoseconds after which sockets read the kernel's drop count at the latest; for tests to shorten.
    var dropSamplingInterval = DropCounter.interval

    /// A descriptor's place.
    ///
    /// Its generation travels in the epoll data, so that an event for a registration that is gone is recognised, even
    /// when the descriptor's number has been given out again.
    private struct Registration {
        var handler: (any EpollHandler)?
        var generation: UInt32
        /// Where it is in the poll set, if it is one of the few that are.
        var hotPlace: Int?
    }

    /// What every turn looks at: behind a pointer, where looking costs a load and no check for exclusive access.
    private struct State {
        var scheduler = CallScheduler()
        var registrations: [Registration] = []
        var freeIndices: [Int] = []
    }
    private let state: UnsafeMutablePointer<State>
    private let events: UnsafeMutablePointer<volley_event>
    /// The endpoints that are open, which a stop has to end.
    private var endpoints: [ObjectIdentifier: RingTransport] = [:]
    /// Whatever else a stop has to end.
    private var members: [ObjectIdentifier: any LoopMember] = [:]
    /// What streams share.
    let streamMemory: StreamMemory

    init(syscalls: Syscalls = .kernel) throws(DatagramError) {
        self.syscalls = syscalls
        streamMemory = StreamMemory(syscalls.stream)
        epoll = volley_epoll_create()
        guard epoll >= 0 else { throw DatagramError(Errno(rawValue: errno), operation: .create) }
        hot = PollSet(epoll: epoll)
        do throws(DatagramError) {
            mailbox = try LoopMailbox()
        } catch {
            System.close(epoll)
            throw error
        }
        // SAFETY: both are owned by this object, freed in deinit, and used on the loop's thread only.
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
        unsafe events = .allocate(capacity: VOLLEY_EVENTS_MAX)
        unsafe events.initialize(repeating: volley_event(), count: VOLLEY_EVENTS_MAX)
        let wakeUp = WakeUp(mailbox: mailbox)
        wakeUp.loop = self
        _ = try register(mailbox.descriptor, events: UInt32(VOLLEY_READABLE), handler: wakeUp)
    }

    deinit {
        System.close(epoll)
        unsafe events.deallocate()
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    var now: MonotonicInstant { MonotonicInstant(nanoseconds: System.monotonicNanoseconds()) }
    var wallClock: WallClockTime { WallClockTime(nanosecondsSinceEpoch: System.wallClockNanoseconds()) }
    var handle: any EventLoopHandle { mailbox }

    func callSoon(_ body: @escaping () -> Void) -> ScheduledCall { scheduler.callSoon(body) }

    func callAt(_ deadline: MonotonicInstant, _ body: @escaping () -> Void) -> ScheduledCall {
        scheduler.callAt(deadline, body)
    }

    private var scheduler: CallScheduler {
        unsafeAddress { unsafe UnsafePointer(state).pointer(to: \.scheduler).unsafelyUnwrapped }
        unsafeMutableAddress { unsafe state.pointer(to: \.scheduler).unsafelyUnwrapped }
    }
    private var registrations: [Registration] {
        unsafeAddress { unsafe UnsafePointer(state).pointer(to: \.registrations).unsafelyUnwrapped }
        unsafeMutableAddress { unsafe state.pointer(to: \.registrations).unsafelyUnwrapped }
    }
    private var freeIndices: [Int] {
        unsafeAddress { unsafe UnsafePointer(state).pointer(to: \.freeIndices).unsafelyUnwrapped }
        unsafeMutableAddress { unsafe state.pointer(to: \.freeIndices).unsafelyUnwrapped }
    }

    // MARK: Descriptors

    /// A registration, as the handler keeps it.
    struct Token {
        fileprivate let index: Int
        fileprivate let generation: UInt32
        fileprivate var data: UInt64 { UInt64(generation) << 32 | UInt64(UInt32(truncatingIfNeeded: index)) }
    }

    /// Takes a descriptor in.
    ///
    /// - Parameter isHot: whether it will be ready so often that it should be one of the few in the poll set.
    func register(
        _ descriptor: CInt, events: UInt32, handler: any EpollHandler, isHot: Bool = false
    ) throws(DatagramError) -> Token {
        let index = freeIndices.popLast() ?? registrations.count
        if index == registrations.count { registrations.append(Registration(handler: nil, generation: 0)) }
        registrations[index].handler = handler
        let token = Token(index: index, generation: registrations[index].generation)
        if isHot, let place = hot.add(descriptor, events: events, owner: index) {
            registrations[index].hotPlace = place
            return token
        }
        guard volley_epoll_add(epoll, descriptor, events, token.data) == 0 else {
            let number = errno
            release(token)
            throw DatagramError(Errno(rawValue: number), operation: .configure)
        }
        return token
    }

    func modify(_ token: Token, _ descriptor: CInt, events: UInt32) {
        if let place = registrations[token.index].hotPlace { return hot.modify(place, events: events) }
        _ = volley_epoll_modify(epoll, descriptor, events, token.data)
    }

    /// Takes the descriptor out; must come before it is closed.
    func deregister(_ token: Token, _ descriptor: CInt) {
        if let place = registrations[token.index].hotPlace.take() {
            hot.remove(place)
        } else {
            _ = volley_epoll_remove(epoll, descriptor)
        }
        release(token)
    }

    private func release(_ token: Token) {
        registrations[token.index].handler = nil
        registrations[token.index].generation &+= 1
        freeIndices.append(token.index)
    }

    // MARK: Endpoints

    func addEndpoint(_ transport: RingTransport) { endpoints[ObjectIdentifier(transport)] = transport }
    func removeEndpoint(_ transport: RingTransport) { endpoints[ObjectIdentifier(transport)] = nil }

    /// Keeps something until it is removed, and tells it when the loop stops.
    func add(_ member: any LoopMember) { members[ObjectIdentifier(member)] = member }
    func remove(_ member: any LoopMember) { members[ObjectIdentifier(member)] = nil }

    // MARK: Turns

    /// Runs until ``stop()``.
    func run() {
        while !isStopping { turn(waiting: true) }
        shutDown()
    }

    /// Ends ``run()`` after the present turn.
    func stop() { isStopping = true }

    /// One turn; when `waiting`, it first waits until something is to be done.
    ///
    /// - Returns: whether anything was done.
    @discardableResult
    func turn(waiting: Bool) -> Bool {
        let timeout = waiting ? patience() : 0
        let isAnyReady = hot.isEmpty ? pollEpoll(timeout) : pollHot(timeout)
        guard scheduler.hasCalls else { return isAnyReady }
        let ready = scheduler.beginTurn(now: now)
        for _ in 0..<ready { scheduler.popReady()?.run() }
        return isAnyReady || ready > 0
    }

    /// Waits for the epoll instance and tells the handlers; returns whether any was told.
    private func pollEpoll(_ timeout: Int64) -> Bool {
        let count = unsafe volley_epoll_wait(epoll, events, timeout)
        for index in 0..<max(0, Int(count)) {
            // SAFETY: epoll_wait has filled the first `count` events.
            let (data, bits) = unsafe (events[index].data, events[index].events)
            let place = Int(UInt32(truncatingIfNeeded: data))
            guard registrations[place].generation == UInt32(truncatingIfNeeded: data >> 32) else { continue }
            // Its own reference: the handler may deregister itself meanwhile.
            let handler = registrations[place].handler
            handler?.ready(bits)
        }
        return count > 0
    }

    /// Waits for the hot descriptors and the epoll instance at once.
    private func pollHot(_ timeout: Int64) -> Bool {
        guard hot.wait(timeout) else { return false }
        if hot.isEpollReady { _ = pollEpoll(0) }
        var place = 0
        // A handler may take descriptors in or out; what was not reported by the wait is not ready.
        while place < hot.end {
            if let (owner, bits) = hot.takeReady(place) {
                let handler = registrations[owner].handler
                handler?.ready(bits)
            }
            place += 1
        }
        return true
    }

    /// How long the next wait may be, in nanoseconds: 0 when a call is ready, negative for as long as it takes.
    private func patience() -> Int64 {
        guard !scheduler.hasReadyCalls else { return 0 }
        guard let deadline = scheduler.nextDeadline() else { return -1 }
        return max(0, now.duration(to: deadline).wholeNanoseconds)
    }

    /// Ends every endpoint, runs the calls that makes ready, and takes no more work.
    func shutDown() {
        mailbox.close()
        for transport in endpoints.values { transport.abort() }
        for member in members.values { member.loopStops() }
        // connectionLost comes by callSoon; a bounded number of turns lets it, and what it asks for, run.
        for _ in 0..<16 where scheduler.hasReadyCalls { turn(waiting: false) }
        scheduler.removeAll()
        registrations.removeAll()
        freeIndices.removeAll()
    }

    /// The handler of the mailbox's eventfd.
    private final class WakeUp: EpollHandler {
        let mailbox: LoopMailbox
        unowned var loop: EpollLoop!

        init(mailbox: LoopMailbox) { self.mailbox = mailbox }

        func ready(_ events: UInt32) {
            for body in mailbox.takeAll() { body(loop) }
        }
    }
}
