internal import SystemPackage
import VolleyCore

/// Decides which datagrams meet which faults, and keeps account of it.
///
/// Each direction draws from a stream of its own, so that what is sent does not change what is received.
public final class FaultInjector {
    /// How many events are kept, the first ones; all are counted.
    public static let eventsMax = 100_000

    /// What decides.
    public var seed: UInt64 { plan.seed }
    /// The faults so far, in the order they were decided.
    public private(set) var events: [FaultEvent] = []
    private var plan: FaultPlan
    /// By kind, of what is received (or carried by a link) and of what is sent.
    private var counts = (received: [Int](repeating: 0, count: 10), sent: [Int](repeating: 0, count: 10))
    private var receiving: Stream
    private var sending: Stream
    /// Error numbers of sends to come, by the send's number: what a capture says of an earlier run.
    private var knownErrors: [Int: Errno] = [:]

    /// What a direction remembers.
    private struct Stream {
        var generator: SeededGenerator
        var number = 0
        /// The state of each rule's burst loss.
        var isBad: [Bool]

        init(_ seed: UInt64, _ stream: UInt64, _ rules: [Faults]) {
            generator = SeededGenerator(seed: seed, stream: stream)
            isBad = rules.map { _ in false }
        }
    }

    /// An injector at the beginning of its plan.
    ///
    /// - Parameters:
    ///   - plan: what goes wrong.
    ///   - stream: tells injectors of one seed apart, so that they do not all do the same.
    public init(_ plan: FaultPlan, stream: UInt64 = 0) {
        self.plan = plan
        receiving = Stream(plan.seed, stream &* 2 &+ 1, plan.receiving)
        sending = Stream(plan.seed, stream &* 2 &+ 2, plan.sending)
    }

    /// Changes what goes wrong with what is received from now on; the random numbers go on.
    func setReceiving(_ rules: [Faults]) {
        plan.receiving = rules
        receiving.isBad = rules.map { _ in false }
    }

    /// The number of the send that is judged next, from 0.
    var nextSend: Int { sending.number }

    /// Lets a send to come fail, by its number; at most ``eventsMax`` of them wait.
    func fail(send number: UInt64, with errno: Errno) {
        guard knownErrors.count < Self.eventsMax, let number = Int(exactly: number), number >= nextSend else { return }
        knownErrors[number] = errno
    }

    /// How many faults of a kind there were.
    public func count(of kind: FaultEvent.Kind) -> Int {
        counts.received[Int(kind.code)] + counts.sent[Int(kind.code)]
    }

    /// How many faults there were.
    public private(set) var count = 0

    /// What became of what is received, or carried by a link.
    var receivingCounts: FaultCounts { FaultCounts(datagrams: receiving.number, counts.received, isSend: false) }
    /// What became of what is sent.
    var sendingCounts: FaultCounts { FaultCounts(datagrams: sending.number, counts.sent, isSend: true) }

    /// What becomes of one datagram.
    struct Verdict {
        /// The datagrams that arrive in its place: none when it is lost.
        var copies: [Copy] = []
        /// The error number it meets.
        var errno: Errno?
        /// The ICMP error it meets, and after how many nanoseconds.
        var icmp: (fault: Faults.ICMPFault, delay: Int64)?
        /// The numbers of its faults.
        var faults: Range<Int> = 0..<0

        /// One datagram that arrives.
        struct Copy {
            /// Nanoseconds.
            var delay: Int64 = 0
            /// Its payload, `nil` for the one it had.
            var payload: [UInt8]?
        }

        static var untouched: Verdict {
            var verdict = Verdict()
            verdict.copies = [Copy()]
            return verdict
        }
    }

    /// Decides about one datagram that the endpoint receives or sends, or that a link carries.
    func judge(
        _ direction: FaultSubject.Direction, _ payload: RawSpan, from source: SocketAddress,
        to destination: SocketAddress, at time: MonotonicInstant
    ) -> Verdict {
        let isSend = direction == .send
        let number = isSend ? sending.number : receiving.number
        if isSend, !knownErrors.isEmpty, let errno = knownErrors.removeValue(forKey: number) {
            sending.number += 1
            var verdict = Verdict()
            verdict.errno = errno
            return verdict
        }
        let subject = FaultSubject(
            direction: direction, source: source, destination: destination, count: payload.byteCount, time: time,
            number: number)
        return isSend
            ? judge(subject, payload, plan.sending, &sending) : judge(subject, payload, plan.receiving, &receiving)
    }

    private func judge(
        _ subject: FaultSubject, _ payload: RawSpan, _ rules: [Faults], _ stream: inout Stream
    ) -> Verdict {
        stream.number += 1
        guard let index = rules.firstIndex(where: { $0.filter?(subject) ?? true }) else { return .untouched }
        let rule = rules[index]
        let before = count
        var verdict = Verdict()
        var generator = stream.generator
        if let fault = rule.errors.first(where: { generator.chance($0.probability) }) {
            verdict.errno = fault.errno
            note(.errno, subject, Int64(fault.errno.rawValue))
        }
        let goesOn = verdict.errno == nil || subject.direction != .send
        if goesOn {
            let isLost =
                meetsICMP(rule, subject, &verdict, &generator)
                || isLost(rule, subject, &stream.isBad[index], &generator)
            if !isLost { verdict.copies = copies(rule, subject, payload, &generator) }
        }
        stream.generator = generator
        verdict.faults = before + 1..<count + 1
        return verdict
    }

    private func meetsICMP(
        _ rule: Faults, _ subject: FaultSubject, _ verdict: inout Verdict, _ generator: inout SeededGenerator
    ) -> Bool {
        guard subject.direction != .receive,
            let fault = rule.icmp.first(where: { generator.chance($0.probability) })
        else { return false }
        verdict.icmp = (fault, fault.delay.sample(&generator))
        note(.icmp, subject, Int64(fault.type) << 8 | Int64(fault.code))
        return true
    }

    private func isLost(
        _ rule: Faults, _ subject: FaultSubject, _ isBad: inout Bool, _ generator: inout SeededGenerator
    ) -> Bool {
        if let burst = rule.burstLoss, burst.next(&isBad, &generator) {
            note(.burstLoss, subject)
            return true
        }
        guard generator.chance(rule.loss) else { return false }
        note(.loss, subject)
        return true
    }

    /// Whether a packet is lost that is judged by loss alone: a further fragment of a datagram, an ICMP error.
    func losesAnother(_ subject: FaultSubject) -> Bool {
        guard let index = plan.receiving.firstIndex(where: { $0.filter?(subject) ?? true }) else { return false }
        var (generator, isBad) = (receiving.generator, receiving.isBad[index])
        defer {
            receiving.generator = generator
            receiving.isBad[index] = isBad
        }
        return isLost(plan.receiving[index], subject, &isBad, &generator)
    }

    private func copies(
        _ rule: Faults, _ subject: FaultSubject, _ payload: RawSpan, _ generator: inout SeededGenerator
    ) -> [Verdict.Copy] {
        var copy = Verdict.Copy()
        if payload.byteCount > 0, generator.chance(rule.corruption) {
            var bytes = Array(copying: payload)
            var bit = 0
            for _ in 0..<max(1, rule.corruptedBits) {
                bit = Int(generator.below(UInt64(bytes.count) * 8))
                bytes[bit >> 3] ^= 0x80 >> UInt8(bit & 7)
            }
            copy.payload = bytes
            note(.corruption, subject, Int64(bit))
        }
        if payload.byteCount > 0, generator.chance(rule.truncation) {
            let rest = Int(generator.below(UInt64(payload.byteCount)))
            copy.payload = Array((copy.payload ?? Array(copying: payload)).prefix(rest))
            note(.truncation, subject, Int64(rest))
        }
        let isDoubled = generator.chance(rule.duplication)
        if isDoubled { note(.duplication, subject) }
        if let reordering = rule.reordering, subject.number % max(1, reordering.gap) == max(1, reordering.gap) - 1,
            generator.chance(reordering.probability)
        {
            copy.delay = reordering.delay.sample(&generator)
            note(.reordering, subject, copy.delay)
        }
        if !rule.delay.isZero {
            let delay = rule.delay.sample(&generator)
            copy.delay = copy.delay.addingClamped(delay)
            if delay > 0 { note(.delay, subject, delay) }
        }
        return isDoubled ? [copy, copy] : [copy]
    }

    private func note(_ kind: FaultEvent.Kind, _ subject: FaultSubject, _ value: Int64 = 0) {
        count += 1
        if subject.direction == .send {
            counts.sent[Int(kind.code)] += 1
        } else {
            counts.received[Int(kind.code)] += 1
        }
        guard events.count < Self.eventsMax else { return }
        events.append(FaultEvent(number: count, kind: kind, subject: subject, value: value))
    }
}

extension FaultInjector: CustomStringConvertible {
    /// The seed, and how many faults of each kind there were: `faults of seed 7: loss 12, duplication 3`.
    public var description: String {
        let kinds = FaultEvent.Kind.all.filter { count(of: $0) > 0 }.map { "\($0) \(count(of: $0))" }
        return "faults of seed \(seed): " + (kinds.isEmpty ? "none" : kinds.joined(separator: ", "))
    }
}

extension FaultInjector {
    /// The faults with these numbers, one a line, as far as a comment of a capture goes.
    func text(of numbers: [Int]) -> String {
        let lines = numbers.prefix(64).map { number in
            number <= events.count ? events[number - 1].description : "fault \(number)"
        }
        return (lines + (numbers.count > 64 ? ["and \(numbers.count - 64) more"] : [])).joined(separator: "\n")
    }
}
