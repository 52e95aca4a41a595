public import VolleyCore

/// An authoritative DNS server over datagrams.
///
/// ```swift
/// let zone = try Zone(parsing: contents, file: path, apex: "example.com.")
/// let endpoint = try loop.bindDatagram(to: address) { DNSResponder(Authority([zone])) }
/// ```
/// One object a loop, as every protocol; ``Authority`` is shared. Answers are written straight into the send ring. What
/// it does is in ``DNSAnswerer``, which streams use too.
public final class DNSResponder: DatagramProtocol {
    private var state: State
    private var eventLoop: (any EventLoop)?

    fileprivate struct State {
        var answerer: DNSAnswerer
        var limiter: RateLimiter?
        var statistics = DNSStatistics()
    }

    /// A responder.
    ///
    /// - Parameters:
    ///   - authority: what it answers from.
    ///   - options: what it says of itself, and its limits.
    ///   - rateLimit: how answers are limited; not at all by default.
    public init(
        _ authority: Authority, options: DNSServerOptions = DNSServerOptions(), rateLimit: RateLimiter.Options? = nil
    ) {
        state = State(
            answerer: DNSAnswerer(authority, options: options), limiter: rateLimit.map { RateLimiter($0) })
    }

    /// What it answers from; a new one counts from the next datagram on.
    public var authority: Authority {
        get { state.answerer.authority }
        set { state.answerer.authority = newValue }
    }

    /// What it has been asked and has answered so far.
    public var statistics: DNSStatistics { state.statistics }

    /// Keeps the loop, for its clock.
    public func connectionMade(_ transport: any DatagramTransport) { eventLoop = transport.eventLoop }

    /// Lets go of the loop.
    public func connectionLost(_ error: DatagramError?) { eventLoop = nil }

    /// Answers one query.
    public func datagramReceived(_ datagram: Datagram) {
        state.answer(datagram, now: eventLoop?.now, seconds: seconds)
    }

    /// Answers a batch of queries; the clocks are asked once.
    public func datagramsReceived(_ batch: borrowing DatagramBatch) {
        let (now, seconds) = (state.limiter == nil ? nil : eventLoop?.now, seconds)
        state.answer(batch, now: now, seconds: seconds)
    }

    /// Cookies count seconds since 1970.
    private var seconds: UInt32 {
        guard state.answerer.options.cookies != nil, let eventLoop else { return 0 }
        return UInt32(truncatingIfNeeded: eventLoop.wallClock.nanosecondsSinceEpoch / 1_000_000_000)
    }
}

extension DNSResponder.State {
    /// A query that gets no answer.
    fileprivate struct Silence: Error {}

    /// In here, so that the object's state is accessed once a batch and not for every query.
    fileprivate mutating func answer(_ batch: borrowing DatagramBatch, now: MonotonicInstant?, seconds: UInt32) {
        for index in batch.indices { answer(batch[index], now: now, seconds: seconds) }
    }

    fileprivate mutating func answer(_ datagram: Datagram, now: MonotonicInstant?, seconds: UInt32) {
        statistics.received &+= 1
        let client = DNSAnswerer.Client(datagram.source.ip, now: seconds)
        let payload = datagram.payload
        do throws(Silence) {
            try datagram.reply(capacity: answerer.options.payloadSizeMax) { output throws(Silence) in
                let before = output.byteCount
                var outcome = answerer.answer(payload, from: client, into: &output)
                if outcome.isAnswered, limiter != nil, !outcome.hasValidCookie, let now {
                    try limit(&outcome, payload, client, now, before, &output)
                }
                statistics.note(outcome)
                guard outcome.isAnswered else { throw Silence() }
            }
        } catch {}
    }

    /// Takes an answer back that is too many, or says TC instead.
    private mutating func limit(
        _ outcome: inout DNSAnswerer.Outcome, _ payload: RawSpan, _ client: DNSAnswerer.Client, _ now: MonotonicInstant,
        _ before: Int, _ output: inout OutputRawSpan
    ) throws(Silence) {
        guard let decision = limiter?.judge(client.address, now: now), decision != .pass else { return }
        guard limiter?.isDryRun == false else {
            statistics.limitedDry &+= 1
            return
        }
        output.removeLast(output.byteCount - before)
        guard decision == .slip else {
            statistics.dropped &+= 1
            throw Silence()
        }
        statistics.slipped &+= 1
        outcome = answerer.answer(payload, from: client, isLimited: true, into: &output)
    }
}
