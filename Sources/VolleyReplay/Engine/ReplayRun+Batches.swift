import VolleyCore

/// Gathering and delivering batches.
extension ReplayRun {
    /// Takes a datagram for the local endpoint into the batch, which has begun; its payload has to stay in place until that is delivered.
    @_transparent
    mutating func receive(_ payload: RawSpan, from source: SocketAddress, to local: IPAddress, at timestamp: Int64) {
        let time = clock.instant
        if gathered.isFull { deliverFull(at: time) }
        allowance &-= 1
        if role.isLocal(source) { datagrams.ambiguous &+= 1 }
        let local = world.isLatestLocal(local) ? local : takeLocal(local, at: time)
        guard world.isDirect else {
            gathered.forgetIfIdle()
            return world.hold(payload, from: source, to: local, at: timestamp)
        }
        world.fill(gathered.end, payload: payload, from: source, to: local, at: timestamp, due: time)
        gathered.add(at: time)
    }

    /// Takes a destination that is not the one before, and returns the local address it stands for.
    @inline(never)
    private mutating func takeLocal(_ address: IPAddress, at time: Int64) -> IPAddress {
        // What an earlier batch sends leaves from where that came to.
        if gathered.hasEarlier, world.isNewLocal(address) { deliverEarlier(than: time) }
        return world.localAddress(of: address)
    }

    /// Takes a datagram for the local endpoint whose payload does not stay in place.
    @inline(never)
    mutating func receiveTransient(
        _ payload: RawSpan, from source: SocketAddress, to local: IPAddress, at timestamp: Int64
    ) {
        if clock.instant > gathered.deadline { gathered.beginBatch(at: clock.instant) }
        receive(payload, from: source, to: local, at: timestamp)
        keepGathered()
    }

    /// When the batch being gathered will be delivered.
    var gatheredTime: Int64? { gathered.isIdle ? nil : gathered.time }

    /// Copies what is gathered, since its place will be used for other records.
    @inline(never)
    mutating func keepGathered() {
        if gathered.hasEarlier { deliverEarlier(than: gathered.time) }
        if !gathered.isEmpty { world.keep(gathered.start..<gathered.end) }
    }

    /// Begins a batch unless a datagram at `time` may join the latest, after whatever has to be done before.
    @inline(never)
    mutating func beginBatch(at time: Int64) {
        moveTime(to: time)
        if time > gathered.deadline { gathered.beginBatch(at: time) }
    }

    /// Delivers what nothing at `time` may join any more, and runs the timers due before.
    @inline(never)
    mutating func moveTime(to time: Int64) {
        if !gathered.isIdle {
            if time <= gathered.deadline, !loop.hasTimer(before: time) {
                if gathered.hasEarlier { deliverEarlier(than: time) }
                return
            }
            deliverGathered()
        }
        if loop.hasTimer(before: time) { loop.runTimers(through: time - 1) }
    }

    /// Delivers batches of which the last has no room for what comes at `time`.
    @inline(never)
    mutating func deliverFull(at time: Int64) {
        deliverGathered()
        beginBatch(at: time)
    }

    /// Delivers what has been gathered, if anything has.
    mutating func deliverBatch() {
        if !gathered.isIdle { deliverGathered() }
    }

    /// Delivers the batches that cannot grow any more, and runs the timers due before `time`, that of the one that may.
    ///
    /// If that one has datagrams, the endpoint may want them no more.
    @inline(never)
    private mutating func deliverEarlier(than time: Int64) {
        deliver(gathered.takeEarlier())
        if loop.hasTimer(before: time) { loop.runTimers(through: time - 1) }
        if gathered.isEmpty {
            gathered.beginBatch(at: time)
        } else if !world.isDirect {
            world.holdSlots(gathered.takeAll().slots)
        }
    }

    private mutating func deliverGathered() {
        let time = gathered.time
        let (slots, hasErrors) = gathered.takeAll()
        if hasErrors, !reportErrors(before: slots, at: time) { return }
        guard !slots.isEmpty else { return }
        guard !gathered.isAhead else { return deliver(slots) }
        loop.setTime(time)
        world.deliver(slots)
        if loop.hasWork { loop.runTurns() }
    }

    /// Delivers the batches in these slots, and does between them what each leaves to do.
    private mutating func deliver(_ slots: Range<Int>) {
        var next = slots.lowerBound
        while next < slots.upperBound {
            if next > slots.lowerBound {
                let time = world.instant(of: next)
                if loop.hasTimer(before: time) { loop.runTimers(through: time - 1) }
                guard world.isDirect else {
                    next = world.holdBatch(from: next, to: slots.upperBound)
                    continue
                }
            }
            next = world.deliver(from: next, to: slots.upperBound)
            if loop.hasWork { loop.runTurns() }
        }
    }

    /// Reports the errors that a wake-up brings before its datagrams; `false` if those cannot be delivered after that,
    /// or there are none.
    private mutating func reportErrors(before slots: Range<Int>, at time: Int64) -> Bool {
        loop.setTime(time)
        world.reportErrors()
        guard !slots.isEmpty, world.isDirect else {
            world.holdSlots(slots)
            if loop.hasWork { loop.runTurns() }
            return false
        }
        return true
    }
}
