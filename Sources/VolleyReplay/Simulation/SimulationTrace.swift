import VolleyCore

/// What has happened in a simulation: a digest of all of it, and if wanted the events themselves.
struct SimulationTrace {
    /// Whether events are kept, and not only digested.
    var keepsEvents = true
    /// The most events that are kept, the latest ones.
    let eventsMax = 100_000
    private(set) var events: [SimulationEvent] = []
    private(set) var count = 0
    /// Sixty-four bits that depend on every event and every byte of payload; not a cryptographic digest.
    private(set) var digest: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ event: SimulationEvent, payload: [UInt8]?) {
        count += 1
        mix(UInt64(bitPattern: event.time.nanoseconds))
        mix(UInt64(event.kind.code) << 32 | UInt64(truncatingIfNeeded: event.count))
        mix(event.source)
        mix(event.destination)
        mix(UInt64(bitPattern: event.value))
        for byte in event.text.utf8 { mix(UInt64(byte)) }
        if let payload { for byte in payload { mix(UInt64(byte)) } }
        guard keepsEvents else { return }
        if events.count >= 2 * eventsMax { events.removeFirst(events.count - eventsMax) }
        events.append(event)
    }

    private mutating func mix(_ address: SocketAddress) {
        let ip = address.ip
        mix(ip.high)
        mix(ip.low)
        mix(UInt64(address.port) << 16 | UInt64(address.family.rawValue))
    }

    /// One step of FNV-1a, with a word in place of a byte and its high bits mixed back.
    private mutating func mix(_ word: UInt64) {
        digest = (digest ^ word) &* 0x0000_0100_0000_01b3
        digest ^= digest >> 32
    }

    /// All events that are kept, one a line.
    var text: String {
        let latest = events.suffix(eventsMax)
        let omitted = count - latest.count
        return (omitted > 0 ? "(\(omitted) earlier events were not kept)\n" : "")
            + latest.map { "\($0)\n" }.joined()
    }
}
