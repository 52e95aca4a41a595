/// The transport's own view of the state it keeps behind the pointer.
extension RingTransport {
    var phase: TransportPhase {
        get { unsafe ring.pointee.phase }
        set { unsafe ring.pointee.phase = newValue }
    }
    var isProtocolPaused: Bool {
        get { unsafe ring.pointee.isProtocolPaused }
        set { unsafe ring.pointee.isProtocolPaused = newValue }
    }
    var isReadingPaused: Bool {
        get { unsafe ring.pointee.isReadingPaused }
        set { unsafe ring.pointee.isReadingPaused = newValue }
    }
    var isReadingArmed: Bool {
        get { unsafe ring.pointee.isReadingArmed }
        set { unsafe ring.pointee.isReadingArmed = newValue }
    }
    var isDelivering: Bool {
        get { unsafe ring.pointee.isDelivering }
        set { unsafe ring.pointee.isDelivering = newValue }
    }
    var isFlushing: Bool {
        get { unsafe ring.pointee.isFlushing }
        set { unsafe ring.pointee.isFlushing = newValue }
    }
    var isFlushScheduled: Bool {
        get { unsafe ring.pointee.isFlushScheduled }
        set { unsafe ring.pointee.isFlushScheduled = newValue }
    }
    var isLossScheduled: Bool {
        get { unsafe ring.pointee.isLossScheduled }
        set { unsafe ring.pointee.isLossScheduled = newValue }
    }
    var hasPendingErrors: Bool {
        get { unsafe ring.pointee.hasPendingErrors }
        set { unsafe ring.pointee.hasPendingErrors = newValue }
    }
    var isReporting: Bool {
        get { unsafe ring.pointee.isReporting }
        set { unsafe ring.pointee.isReporting = newValue }
    }
    /// Whether any send that was not a reply had something of its own to say about how it leaves.
    package var usesSendControls: Bool { unsafe ring.pointee.usesSendControls }
    var backlog: Range<Int> {
        get { unsafe ring.pointee.backlog }
        set { unsafe ring.pointee.backlog = newValue }
    }
    var counters: DatagramStatistics {
        unsafeAddress { unsafe UnsafePointer(ring).pointer(to: \.counters).unsafelyUnwrapped }
        unsafeMutableAddress { unsafe ring.pointer(to: \.counters).unsafelyUnwrapped }
    }
}
