import ArgumentParser
import Glibc
import SystemPackage
import VolleyReplay

/// What goes wrong on purpose in an offline replay.
struct FaultArguments: ParsableArguments {
    enum Direction: String, ExpressibleByArgument, CaseIterable { case receive, send, both }
    enum Shape: String, ExpressibleByArgument, CaseIterable { case uniform, normal, exponential }

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("What decides; unless given, a random number.", valueName: "number"))
    var seed: UInt64?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Lose this share of the datagrams, as 5%.", valueName: "share"),
        transform: parseShare)
    var loss: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Lose in bursts: the chance to begin one, and to end it (Gilbert); then the loss within and outside "
                + "of bursts (Elliott).", valueName: "p,r[,in[,out]]"), transform: parseBurstLoss)
    var burstLoss: BurstLoss?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Double this share of the datagrams.", valueName: "share"), transform: parseShare)
    var duplicate: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Hold this share back so that others overtake it, by 10ms or as long as said.",
            valueName: "share[,time]"), transform: parseReordering)
    var reorder: Faults.Reordering?

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Delay each datagram.", valueName: "time"),
        transform: parseTimeSpan)
    var delay: Duration?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Let the delay vary by so much to either side.", valueName: "time"),
        transform: parseTimeSpan)
    var jitter: Duration?

    @Option(
        help: ArgumentHelp(
            "How the delay varies: uniform, normal (jitter is the deviation) or exponential (without jitter).",
            valueName: "shape"))
    var delayShape: Shape?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Cut the end off this share of the datagrams.", valueName: "share"),
        transform: parseShare)
    var truncate: Double?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Flip a bit in this share of the datagrams.", valueName: "share"),
        transform: parseShare)
    var corrupt: Double?

    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Let this share of sends and receives fail, as ECONNREFUSED:1%; may be repeated.",
            valueName: "errno:share"), transform: parseErrnoFault)
    var injectError: [Faults.ErrnoFault] = []

    @Option(
        name: .customLong("inject-icmp"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Let this share of sends meet an ICMP error, as 3/3:1%; may be repeated.",
            valueName: "type/code:share"), transform: parseICMPFault)
    var injectICMP: [Faults.ICMPFault] = []

    @Option(help: ArgumentHelp("Of what the service receives, sends, or both.", valueName: "direction"))
    var faultsOn = Direction.both

    @Option(
        help: ArgumentHelp(
            "Write what arrives after all faults, errors too, to a new pcapng file: replayed without faults it brings the "
                + "same.",
            valueName: "file"))
    var outputDelivered: String?

    /// Those that were given, by name.
    var used: [String] {
        let given: [(String, Bool)] = [
            ("--seed", seed != nil), ("--loss", loss != nil), ("--burst-loss", burstLoss != nil),
            ("--duplicate", duplicate != nil), ("--reorder", reorder != nil), ("--delay", delay != nil),
            ("--jitter", jitter != nil), ("--delay-shape", delayShape != nil), ("--truncate", truncate != nil),
            ("--corrupt", corrupt != nil), ("--inject-error", !injectError.isEmpty),
            ("--inject-icmp", !injectICMP.isEmpty), ("--faults-on", faultsOn != .both),
            ("--output-delivered", outputDelivered != nil),
        ]
        return given.filter(\.1).map(\.0)
    }

    func validate() throws {
        if delay == nil, jitter != nil || delayShape != nil {
            throw ValidationError("--jitter and --delay-shape vary a delay: add --delay.")
        }
        if delayShape == .exponential, jitter != nil {
            throw ValidationError("an exponential delay has no --jitter.")
        }
        if faultsOn == .receive, !injectICMP.isEmpty {
            throw ValidationError("ICMP errors are met by what is sent: --inject-icmp takes --faults-on send or both.")
        }
        if faultsOn != .send, injectError.contains(where: { $0.errno == .wouldBlock }) {
            throw ValidationError("EAGAIN is no error of a receive: add --faults-on send.")
        }
    }

    /// The plan; `nil` if no fault was asked for.
    var plan: FaultPlan? {
        guard !used.filter({ $0 != "--output-delivered" }).isEmpty else { return nil }
        var faults = Faults()
        faults.loss = loss ?? 0
        faults.burstLoss = burstLoss
        faults.duplication = duplicate ?? 0
        faults.reordering = reorder
        faults.delay = delayDistribution
        faults.truncation = truncate ?? 0
        faults.corruption = corrupt ?? 0
        faults.errors = injectError
        faults.icmp = injectICMP
        return FaultPlan(
            // Short enough to be typed again.
            seed: seed ?? UInt64(UInt32.random(in: 0...UInt32.max)), receiving: faultsOn == .send ? nil : faults,
            sending: faultsOn == .receive ? nil : faults)
    }

    private var delayDistribution: DelayDistribution {
        guard let delay else { return .none }
        switch (delayShape, jitter) {
        case (.exponential, _): return .exponential(mean: delay)
        case (.normal, let jitter): return .normal(mean: delay, deviation: jitter ?? .zero)
        case (_, let jitter?): return .uniform(delay - jitter, delay + jitter)
        default: return .constant(delay)
        }
    }
}

/// Burst loss from the command line: `1%,25%`.
func parseBurstLoss(_ argument: String) throws -> BurstLoss {
    let shares = try argument.split(separator: ",", omittingEmptySubsequences: false).map { try parseShare(String($0)) }
    guard (2...4).contains(shares.count) else {
        throw ValidationError("\"\(argument)\" is no burst loss: write 1%,25%, or 1%,25%,80%,0%.")
    }
    return BurstLoss(
        p: shares[0], r: shares[1], lossInBad: shares.count > 2 ? shares[2] : 1,
        lossInGood: shares.count > 3 ? shares[3] : 0)
}

/// Reordering from the command line: `5%` or `5%,20ms`.
func parseReordering(_ argument: String) throws -> Faults.Reordering {
    let parts = argument.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    return try Faults.Reordering(
        parseShare(parts[0]), by: .constant(parts.count > 1 ? parseTimeSpan(parts[1]) : .milliseconds(10)))
}

/// An error number and its share from the command line: `ECONNREFUSED:1%`.
func parseErrnoFault(_ argument: String) throws -> Faults.ErrnoFault {
    let (name, share) = try splitFault(argument, example: "ECONNREFUSED:1%")
    if let number = socketErrors.first(where: { $0.name == name })?.number ?? CInt(name), (1...4_095).contains(number) {
        return Faults.ErrnoFault(Errno(rawValue: number), share)
    }
    throw ValidationError("\"\(name)\" is no error of a socket: write ECONNREFUSED, ENOBUFS, EMSGSIZE… or a number.")
}

/// An ICMP error and its share from the command line: `3/3:1%`.
func parseICMPFault(_ argument: String) throws -> Faults.ICMPFault {
    let (name, share) = try splitFault(argument, example: "3/3:1%")
    let numbers = name.split(separator: "/", omittingEmptySubsequences: false).map { UInt8($0) }
    guard numbers.count == 2, let type = numbers[0], let code = numbers[1] else {
        throw ValidationError("\"\(name)\" is no ICMP error: write type and code, as 3/3.")
    }
    return Faults.ICMPFault(type: type, code: code, share)
}

private func splitFault(_ argument: String, example: String) throws -> (name: String, share: Double) {
    guard let colon = argument.lastIndex(of: ":") else {
        throw ValidationError("\"\(argument)\" lacks its share: write \(example).")
    }
    return (String(argument[..<colon]), try parseShare(String(argument[argument.index(after: colon)...])))
}

/// What sends and receives of a datagram socket fail with (send(2), recv(2), ip(7), udp(7)); `EINTR` never gets that far.
private let socketErrors: [(name: String, number: CInt)] = [
    ("EACCES", EACCES), ("EADDRINUSE", EADDRINUSE), ("EADDRNOTAVAIL", EADDRNOTAVAIL), ("EAFNOSUPPORT", EAFNOSUPPORT),
    ("EAGAIN", EAGAIN), ("EBADF", EBADF), ("ECONNREFUSED", ECONNREFUSED), ("ECONNRESET", ECONNRESET),
    ("EDESTADDRREQ", EDESTADDRREQ), ("EHOSTDOWN", EHOSTDOWN), ("EHOSTUNREACH", EHOSTUNREACH), ("EINVAL", EINVAL),
    ("EIO", EIO), ("EISCONN", EISCONN), ("EMSGSIZE", EMSGSIZE), ("ENETDOWN", ENETDOWN), ("ENETUNREACH", ENETUNREACH),
    ("ENOBUFS", ENOBUFS), ("ENOMEM", ENOMEM), ("ENONET", ENONET), ("ENOPROTOOPT", ENOPROTOOPT),
    ("ENOTCONN", ENOTCONN), ("EOPNOTSUPP", EOPNOTSUPP), ("EPERM", EPERM), ("EPIPE", EPIPE), ("EPROTO", EPROTO),
    ("ETIMEDOUT", ETIMEDOUT),
]
