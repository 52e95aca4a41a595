internal import SystemPackage

extension RingTransport {
    package func send(_ payload: RawSpan, to destination: SocketAddress) {
        send(payload, to: destination, control: SendControl())
    }

    package func send(_ payload: RawSpan, to destination: SocketAddress?, options: SendOptions) {
        let addressing = unsafe ring.pointee.addressing
        guard addressing != .unix else { return refuse(.addressFamilyNotSupported, peer: destination) }
        var control = options.control
        if let source = options.source {
            // An IPv6 socket names an IPv4 source by its mapped address.
            if addressing == .ipv6 { control.local.ip = source.mappedToIPv6 }
            guard control.local.ip.isIPv6 == (addressing == .ipv6) else { return refuse(.invalidArgument) }
        }
        if let destination { return send(payload, to: destination, control: control) }
        guard names.isConnected else { return refuse(.addressRequired) }
        unsafe payload.withUnsafeBytes { unsafe submit($0, destination: nil, control: control) }
    }

    private func send(_ payload: RawSpan, to destination: SocketAddress, control: SendControl) {
        guard unsafe ring.pointee.addressing != .unix else {
            return refuse(.addressFamilyNotSupported, peer: destination)
        }
        var name = unsafe ring.pointee.addressing == .ipv6 ? destination.mappedToIPv6 : destination
        if let remote = names.remote, remote != name {
            return refuse(.socketIsConnected, peer: destination)
        }
        unsafe withUnsafeBytes(of: &name) { name in
            unsafe payload.withUnsafeBytes { unsafe submit($0, destination: name, control: control) }
        }
    }

    package func send(_ payload: RawSpan, to destination: UnixAddress) {
        guard unsafe ring.pointee.addressing == .unix else {
            return refuse(.addressFamilyNotSupported, unixPeer: destination)
        }
        if let remote = names.unixRemote, remote != destination {
            return refuse(.socketIsConnected, unixPeer: destination)
        }
        unsafe destination.withKernelBytes { name in
            unsafe payload.withUnsafeBytes { unsafe submit($0, destination: name, control: SendControl()) }
        }
    }

    package func send(_ payload: RawSpan) {
        guard names.isConnected else { return refuse(.addressRequired) }
        unsafe payload.withUnsafeBytes { unsafe submit($0, destination: nil, control: SendControl()) }
    }

    /// Replies with a copy of `bytes`, through the ring or the queue.
    func reply(_ bytes: UnsafeRawBufferPointer, to slot: UnsafePointer<ReceiveSlot>) {
        let head = unsafe slot.pointee.head
        let name = unsafe UnsafeRawBufferPointer(start: head.pointee.source, count: Int(head.pointee.sourceLength))
        unsafe submit(bytes, destination: names.isConnected ? nil : name, control: head.pointee.reply)
    }

    /// Sends a reservation as a reply where there is no slot for it, or sends are queued.
    ///
    /// It stays open until its bytes are in the ring or copied: what a flush reports may make the protocol send, and
    /// must not do so over bytes that are still to go.
    func commitReply(
        _ start: UnsafeMutableRawPointer, count: Int, capacity: Int, to slot: UnsafePointer<ReceiveSlot>
    ) {
        if phase == .open && queue.isEmpty { flush() }
        if unsafe ring.pointee.sendCount < ring.pointee.sendLimit {
            unsafe ring.endReservation(start, capacity: capacity, keeping: count)
            unsafe ring.appendReply(UnsafeRawPointer(start), count: count, to: slot)
        } else {
            unsafe reply(UnsafeRawBufferPointer(start: start, count: count), to: slot)
            unsafe ring.endReservation(start, capacity: capacity, keeping: 0)
        }
    }

    /// Makes room for a reservation by a flush, or says why there is none.
    func makeRoom(for capacity: Int) -> UnsafeMutableRawPointer? {
        guard phase == .open else {
            counters.closedDropped &+= 1
            return nil
        }
        guard unsafe capacity >= 0 && capacity <= arena.count else {
            refuse(.messageTooLong)
            return nil
        }
        flush()
        guard unsafe capacity <= ring.pointee.arenaEnd - ring.pointee.arenaNext else {
            refuse(.noBufferSpace)
            return nil
        }
        return unsafe ring.reserve(capacity)
    }

    /// Takes one datagram: into the ring if it has room, after a flush if that makes some, else into the queue.
    private func submit(
        _ bytes: UnsafeRawBufferPointer, destination: UnsafeRawBufferPointer?, control: SendControl
    ) {
        guard unsafe bytes.count <= arena.count || phase != .open else {
            counters.refusedDropped &+= 1
            unsafe showRefused(bytes, to: destination, control, .messageTooLong)
            return unsafe report(ownError(.messageTooLong, destination: destination, payload: bytes))
        }
        if phase == .open && queue.isEmpty && !hasRoom(for: bytes.count) { flush() }
        // Only now: what the flush reported may have made the protocol close.
        guard phase == .open else {
            counters.closedDropped &+= 1
            return
        }
        guard queue.isEmpty && hasRoom(for: bytes.count) else {
            return unsafe enqueue(bytes, destination: destination, control: control)
        }
        unsafe append(bytes, destination: destination, control: control)
        if !isDelivering { scheduleFlush() }
    }

    private func hasRoom(for count: Int) -> Bool {
        unsafe ring.pointee.sendCount < ring.pointee.sendLimit
            && count <= ring.pointee.arenaEnd - ring.pointee.arenaNext
    }

    /// Copies one datagram into the ring, in which there must be room.
    func append(_ bytes: UnsafeRawBufferPointer, destination: UnsafeRawBufferPointer?, control: SendControl) {
        let index = unsafe ring.pointee.sendCount
        let payload = unsafe ring.pointee.arenaNext
        // SAFETY: there is room for one slot and `bytes.count` bytes; a name is never longer than its place.
        unsafe UnsafeMutableRawBufferPointer(start: payload, count: bytes.count).copyMemory(from: bytes)
        unsafe ring.pointee.arenaNext = payload + bytes.count
        var name: UnsafeMutableRawPointer?
        if let destination = unsafe destination, let base = unsafe destinations.baseAddress {
            let place = unsafe base + index * ring.pointee.addressing.nameStride
            unsafe UnsafeMutableRawBufferPointer(start: place, count: destination.count).copyMemory(from: destination)
            unsafe name = place
        }
        unsafe controls[index] = control
        if !control.isDefault { unsafe ring.pointee.usesSendControls = true }
        unsafe (ring.pointee.sendSlots + index).initialize(
            to: SendSlot(
                payload: UnsafeRawPointer(payload), count: UInt32(truncatingIfNeeded: bytes.count),
                destination: UnsafeRawPointer(name), destinationLength: UInt32(destination?.count ?? 0),
                control: UnsafePointer(controls + index)))
        unsafe ring.pointee.sendCount = index + 1
    }

    /// Flushes at the end of this turn of the loop, for sends made outside of a batch.
    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.callSoon { [self] in
            isFlushScheduled = false
            flush()
        }
    }

    /// Refuses a send before it reaches the ring.
    private func refuse(_ errno: Errno, peer: SocketAddress? = nil, unixPeer: UnixAddress? = nil) {
        guard phase == .open else {
            counters.closedDropped &+= 1
            return
        }
        counters.refusedDropped &+= 1
        report(DatagramError(errno, operation: .send, peer: peer, unixPeer: unixPeer))
    }
}
